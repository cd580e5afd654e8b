"""The page: everything in it, nothing run from it, written whole."""

import json
import re
import shlex
import shutil
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

import backtune as bt
from backtune.errors import RunError, SettingError
from backtune.report import details
from backtune.report.again import run_again
from backtune.report.data import unpack
from backtune.report.html import prose, text
from backtune.report.page import _subject, report
from backtune.store import Run
from backtune.verdict.rule import RULE
from report_pages import stored

EVIL = "<script>alert('x')</script>"


@pytest.fixture(scope="module", name="page")
def _page(sample_run):
    report(sample_run.folder).write(sample_run.folder / "report.html")
    return (sample_run.folder / "report.html").read_text("utf-8")


def body(page):
    """The page without its scripts."""
    return page.split("<main>")[1].split("</main>")[0]


def test_the_page_answers_first_and_then_shows_in_the_order_a_reader_asks(page):
    titles = [
        "<h1>", "Equity and drawdown</h2>", "Months and years</h2>", "Worst drawdowns</h2>", "Verdict</h2>",
        "The rule behind the verdicts", "Symbols</h2>", "Trades of the last 7 days</h2>", 'id="details"',
        "Run it again</h2>", "Glossary", "Settings, data, versions and time",
    ]  # fmt: skip
    places = [body(page).index(title) for title in titles]
    assert places == sorted(places)
    assert text(RULE) in page
    assert "backtune run --x &#x27;a b&#x27;" in page


def test_a_symbol_begins_with_its_bars_and_trades_and_ends_with_the_time_it_took(page):
    titles = [
        "Bars, orders and trades", "<h3>Trades", "Why this verdict", "<h3>Out of sample",
        "In sample against out of sample",
        "The order inside the bar", "Profit surface of the last simulation", "Parameters over time",
        "When to leave", "Returns of traded bars", "Costs", "Forecast quality", "Where the time went",
    ]  # fmt: skip
    inside = stored(page, "part-0")["body"]
    places = [inside.index(title) for title in titles]
    assert places == sorted(places)


def test_every_symbol_has_its_row_its_verdict_and_its_charts(page, sample_run):
    judged = report(sample_run.folder).judged[0]
    rows = stored(page, "rows")
    assert rows["symbol"] == list(sample_run)
    for place, (symbol, verdict) in enumerate(judged.symbols.items()):
        label = rows["label"]["words"][rows["label"]["of"][place]]
        assert label == verdict.label
        assert rows["return"][place] == pytest.approx(verdict.evidence.total_return, rel=1e-4)
        part = stored(page, f"part-{place}")
        assert prose(verdict.sentence) in part["body"]
        places = re.findall(r'data-chart="(\w+)"', part["body"])
        assert sorted(part["charts"]) == sorted(places)
        assert len(places) == 11
        ledger = sample_run[symbol].ledger
        assert len(part["trades"]["bars"]["$d"]) == (ledger["strategy"] == verdict.evidence.strategy).sum()


def test_the_first_sentence_says_what_was_earned_when_and_against_what(sample_run):
    page = report(sample_run.folder, benchmark="NASDAQ", title="For a client <b>").html
    account = sample_run.portfolio(
        report(sample_run.folder).judged[0].portfolio.evidence.strategy, benchmark="NASDAQ"
    )
    lead = re.sub("<[^>]*>", "", re.search(r'class="lead">(.*?)</p>', page)[1])
    total, held, other = (account.figures(name).total_return for name in ("causal", "market", "benchmark"))
    words = [f"{'earned' if value > 0 else 'lost'} {abs(value):.1%}" for value in (total, held, other)]
    assert lead.startswith(
        f"From {account.bars.index[0]:%Y-%m-%d} to {account.bars.index[-1]:%Y-%m-%d} it {words[0]}"
    )
    assert f"holding them {words[1]}, NASDAQ {words[2]}." in lead
    assert "<h1>For a client &lt;b&gt;</h1>" in page


def test_the_figures_above_are_those_that_were_judged_or_say_that_they_are_not(sample_run):
    subject = report(sample_run.folder).subjects[0]
    evidence = subject.judged.portfolio.evidence
    assert subject.portfolio.figures().sharpe == pytest.approx(evidence.sharpe, rel=1e-12)
    assert subject.portfolio.figures().total_return == pytest.approx(evidence.total_return, abs=1e-12)
    low, high = (f"{end:.2f}".replace("-", "−") for end in evidence.sharpe_interval)
    equal = report(sample_run.folder).html
    assert f"95% interval {low} to {high}</small>" in equal
    assert "equal weights: " not in equal
    uneven = report(sample_run.folder, weights={"SP500": 1.0}).html
    assert "Judged with equal weights: " in uneven
    assert ", with equal weights</small>" in uneven
    assert f"95% interval {low} to {high}</small>" not in uneven


def test_months_and_drawdowns_of_the_page_are_those_of_the_portfolio(page, sample_run):
    account = sample_run.portfolio(report(sample_run.folder).judged[0].portfolio.evidence.strategy)
    shown = re.search(r'<table class="months">(.*?)</table>', page, re.DOTALL)[1]
    last = account.months.iloc[-1]
    for value in last.dropna():
        assert f"{value:+.1%}".replace("-", "−") in shown or f"{value:.1%}" == "0.0%"
    deepest = account.drawdowns(1)
    assert f"{deepest['depth'][0]:.1%}".replace("-", "−") in body(page)
    assert f"{deepest['trough'][0]:%Y-%m-%d}" in body(page)


def test_the_page_names_no_host(page):
    """Links would be followed only on a click, but images, styles and scripts would be fetched."""
    assert not re.findall(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", body(page))
    assert "default-src 'none'" in page
    assert "script-src 'unsafe-inline';" in page


def test_the_licence_of_what_draws_is_in_the_page(page):
    assert "Copyright (c) 2022 Leon Sorokin" in page
    assert "Permission is hereby granted, free of charge" in page


def test_the_page_is_below_half_a_megabyte(page):
    assert len(page.encode()) < 5e5


def test_details_beside_the_page_are_those_that_were_in_it(sample_run, tmp_path, monkeypatch, page):
    monkeypatch.setattr(details, "MOST", 1)
    path = report(sample_run.folder).write(tmp_path / "report.html")
    lean = path.read_text("utf-8")
    assert stored(lean, "overview")["beside"] == "report_files"
    assert 'id="part-0"' not in lean
    for number in (0, 1):
        kept = (tmp_path / "report_files" / f"{number}.js").read_text("utf-8")
        inside = re.fullmatch(rf'backtune\.keep\({number},"(.*)"\);\n', kept)[1]
        assert unpack(inside) == stored(page, f"part-{number}")
    assert 'id="part-1"' in report(sample_run.folder).html  # text has no folder beside it
    monkeypatch.setattr(details, "MOST", 500)
    (tmp_path / "report_files" / "mine.txt").write_text("keep")
    report(sample_run.folder).write(path)
    assert [one.name for one in (tmp_path / "report_files").iterdir()] == ["mine.txt"]
    assert not list(tmp_path.glob(".*"))


def test_a_page_that_cannot_be_written_leaves_the_details_of_the_last_one(sample_run, tmp_path, monkeypatch):
    monkeypatch.setattr(details, "MOST", 1)
    path = report(sample_run.folder).write(tmp_path / "report.html")
    before = sorted(one.read_bytes() for one in (tmp_path / "report_files").iterdir())
    broken = tmp_path / "run"
    shutil.copytree(sample_run.folder, broken)
    page = report(broken)
    (broken / "results" / "NASDAQ.parquet").write_bytes(b"no parquet")
    with pytest.raises(RunError, match="damaged"):
        page.write(path)
    assert sorted(one.read_bytes() for one in (tmp_path / "report_files").iterdir()) == before
    assert not list(tmp_path.glob(".*"))


def test_text_from_outside_is_shown_and_not_run(sample_run, tmp_path):
    """Names that could come from a file, a command line or an error message."""
    run = tmp_path / "run"
    shutil.copytree(sample_run.folder, run)
    record = json.loads((run / "run.json").read_text("utf-8"))
    record["failed"] = {EVIL: f"bad {EVIL}"}
    record["command"] = ["backtune", EVIL]
    record["settings"]["model"] = EVIL
    record["versions"][EVIL] = EVIL
    record["data"]["SP500"]["source"] = EVIL
    record["data"]["SP500"]["seconds"][EVIL] = 1.0
    (run / "run.json").write_text(json.dumps(record), "utf-8")
    page = report(run).html
    assert EVIL not in page
    assert EVIL not in stored(page, "part-0")["body"]
    assert page.count("&lt;script&gt;alert") >= 5


def test_a_strategy_name_cannot_leave_its_place():
    strategy = bt.backtest_forecasts("SP500", num_simulations=5, window=40)
    for frame in (
        strategy.simulations, strategy.summary, strategy.returns, strategy.configurations, strategy.ledger,
    ):  # fmt: skip
        frame["strategy"] = frame["strategy"].replace("maxdiff", EVIL)
    strategy.inputs.columns = [name.replace("maxdiff", EVIL) for name in strategy.inputs]
    page = report(strategy).html
    assert EVIL not in page
    assert EVIL not in stored(page, "part-0")["body"]
    assert EVIL not in strategy._repr_html_()


def test_several_runs_are_shown_side_by_side(sample_run):
    page = report(sample_run.folder, sample_run.folder).html
    assert "2 runs side by side" in page
    rows = stored(page, "rows")
    assert rows["symbol"] == [*sample_run, *sample_run]
    assert rows["run"]["words"] == [sample_run.folder.name]
    assert [int(number) for number in re.findall(r'id="part-(\d)"', page)] == [0, 1, 2, 3]
    assert page.count(sample_run.folder.name) > 2


def test_a_result_in_memory_is_reported_too(sample_result):
    page = bt.report(sample_result)
    assert set(page.judged[0].symbols) == {"SP500"}
    assert "bt.backtest_forecasts(&#x27;SP500&#x27;" in page.html
    assert 'id="symbols"' not in page.html  # a table of one row says nothing


def test_a_notebook_gets_a_table_and_a_small_picture(sample_run, sample_result):
    for shown in (sample_result._repr_html_(), sample_run._repr_html_(), report(sample_run)._repr_html_()):
        assert len(shown) < 3e5
        drawn = ET.fromstring(f"<div>{shown}</div>")
        assert drawn.findall(".//polyline")
        assert len(drawn.findall(".//tbody/tr")) >= 2
    row = sample_result.summary.iloc[0]
    assert f"<td>{row['total_return']:+.1%}</td>" in sample_result._repr_html_()


def with_record(run, tmp_path, **changed):
    """A copy of a run folder whose record was changed."""
    copy = tmp_path / "run"
    shutil.copytree(run.folder, copy)
    record = json.loads((copy / "run.json").read_text("utf-8"))
    (copy / "run.json").write_text(json.dumps(record | changed), "utf-8")
    return _subject(Run.open(copy))


@pytest.mark.parametrize(
    ("given", "shown"),
    [(["--data", "../bars"], ["--data", "/my bars"]), (["--data=../bars"], ["--data=/my bars"])],
)
def test_the_command_that_runs_it_again_does_so_from_any_folder(sample_run, tmp_path, given, shown):
    command, source = ["backtune", "run", "A", *given, "--seed", "3"], {"kind": "path", "path": "/my bars"}
    subject = with_record(sample_run, tmp_path, command=command, source=source)
    assert shlex.split(run_again(subject.run)) == ["backtune", "run", "A", *shown, "--seed", "3"]


@pytest.mark.needs("distributed")
def test_a_run_made_by_a_program_gives_the_call_that_makes_it_again(sample_run, tmp_path):
    """Run it: what is not at its default is in the call, and the results are the same."""
    call = run_again(with_record(sample_run, tmp_path, command=[]).run)
    again = eval(call, {"bt": bt})  # the page asks for just that
    for symbol, result in again.items():
        pd.testing.assert_frame_equal(result.returns, sample_run[symbol].returns)
    assert list(again) == list(sample_run)


def test_data_that_a_folder_does_not_keep_is_named_as_missing(sample_run, sample_result, tmp_path):
    subject = with_record(sample_run, tmp_path, command=[], source={"kind": "memory"})
    assert run_again(subject.run).endswith("# data: as it was given")
    assert run_again(_subject(sample_result).run).startswith(
        "bt.backtest_forecasts('SP500', data=data, num_sim"
    )


def test_the_header_says_when_it_was_traded(page, sample_run):
    stamps = sample_run["SP500"].returns["timestamp"]
    assert f"Out of sample {stamps.min():%Y-%m-%d} to {stamps.max():%Y-%m-%d}." in page


def test_numbers_are_written_one_way(page):
    """Sentences come with ASCII signs; the page has one minus sign and no space before a per cent sign."""
    shown = re.sub(r"<script.*?</script>|<pre>.*?</pre>|<[^>]*>", " ", body(page), flags=re.DOTALL)
    shown = shown.split("Run it again")[0]
    assert prose("a-1 (buy-and-hold -3.1%), -0.20 to <5>") == "a-1 (buy-and-hold −3.1%), −0.20 to &lt;5&gt;"
    assert re.findall(r"(?<!\w)-\d|\s%", shown) == []


@pytest.mark.slow
def test_several_runs_name_where_a_symbol_failed(sample_run, tmp_path):
    with_record(sample_run, tmp_path, failed={"BAD": "no bars"})
    page = report(sample_run.folder, tmp_path / "run").html
    assert "<h2>Symbols that failed in run</h2>" in page
    assert page.count("Run it again</h2>") == 1


def test_the_package_answers_as_the_function_even_after_its_modules_are_imported(sample_result):
    import backtune.report

    assert backtune.report(sample_result).judged[0].portfolio is not None


@pytest.mark.parametrize("given", [(), (3,), ({},)])
def test_nothing_to_report_on_is_refused(given):
    with pytest.raises(SettingError, match="nothing"):
        report(*given)


def test_no_run_folder_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        report(tmp_path).write(tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_damaged_table_is_refused_in_one_line(sample_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(sample_run.folder, run)
    (run / "results" / "SP500.parquet").write_bytes(b"no parquet")
    (run / "report.html").write_text("an earlier page")
    with pytest.raises(RunError, match=r"SP500\.parquet: damaged"):
        report(run).write(run / "report.html")
    assert (run / "report.html").read_text() == "an earlier page"
    assert not list(run.glob(".*.tmp"))
