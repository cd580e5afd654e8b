"""Tables on a terminal: what they show, and that nothing in them is read as markup."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import backtune as bt
from backtune.bars import load_sample
from backtune.errors import BarsError
from backtune.report.terminal import folder_table, next_line, run_text, summary_table
from backtune.verdict.judged import Judged, judge_run
from backtune.verdict.rule import VERDICTS


@pytest.fixture(scope="module")
def result():
    return bt.backtest_forecasts("SP500", 10, window=40, model="range")


def shown(table):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def test_summary(result):
    text = shown(summary_table({"SP500": result}, wide=True))
    rows = [line.split() for line in text.splitlines()]
    for row in result.summary.itertuples():
        (line,) = [cells for cells in rows if row.strategy in cells]
        assert f"{row.total_return:+.1%}" in line
        assert f"{int(row.trades)}" in line
        assert f"{1e4 * row.out_of_sample_mean:+.1f}" in line


def test_the_table_fits_eighty_columns_whatever_the_verdict(result):
    rule = judge_run({"SP500": result}).symbols["SP500"]
    for verdict in VERDICTS:
        one = replace(rule, verdict=verdict, days_needed=12345 if verdict == "cannot tell" else None)
        text = shown(summary_table({"SYN00001.L": result}, Judged({"SYN00001.L": one}, one)))
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
        assert f"{result.summary['total_return'][0]:+.1%}" in text
    wide = shown(summary_table({"SP500": result}, Judged({"SP500": rule}, rule), wide=True))
    assert rule.label in " ".join(wide.split())


def test_what_to_do_next_is_said_for_every_verdict(result):
    rule = judge_run({"SP500": result}).symbols["SP500"]
    lines = {name: next_line({"SP500": result}, Judged({}, replace(rule, verdict=name))) for name in VERDICTS}
    assert all(line.startswith("Next: ") and line.endswith(".") for line in lines.values())
    assert len(set(lines.values())) == len(VERDICTS)
    assert f"{result.unseen_bars:,} bars that were not looked at (--simulations all)" in lines["cannot tell"]
    assert next_line({}, Judged({}, None)) == ""


def test_figures_that_are_undefined_show_as_a_dash(result):
    blank = result.summary.assign(sharpe=float("nan"), hit_rate=float("nan"), ambiguous_share=float("nan"))
    assert "nan" not in shown(
        summary_table({"A": replace(result, tables={**result.tables, "summary": blank})})
    )


def test_markup_in_names_is_shown_as_it_is(result):
    named = result.summary.assign(strategy=["[red]x[/]", "[/]", "c", "d"])
    text = shown(summary_table({"[bold]A": replace(result, tables={**result.tables, "summary": named})}))
    for name in ("[red]x[/]", "[/]", "[bold]A"):
        assert name in text


def test_folder():
    bad = BarsError("[b].csv", "close is not a number: 'x'", "fix it", row=3)
    text = shown(folder_table([(Path("[b].csv"), bad), (Path("SP500.csv"), load_sample("SP500"))]))
    assert "[b].csv" in text
    assert "row 3" in text
    assert "1999-01-04" in text
    assert "5031" in text


def test_run_text_names_what_was_never_tuned_on(result):
    text = run_text(result)
    assert "10 simulations" in text
    first = str(result.simulations["start"].min())[:10]
    assert f"traded {first} to 2018-12-31" in text
    one = replace(result, origin=replace(result.origin, bars=replace(result.bars, dropped=1)))
    assert "1 bad row dropped" in run_text(one)
