"""A backtest with finer bars: within that of its bars, exact, told in table, page and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import backtune as bt
from backtune.bars import fine_bars
from backtune.cli import app
from backtune.store.key import result_identity, run_identity
from report_pages import bodies
from two_paces import folders, hours_and_days

SMALL = {"num_simulations": 30, "window": 40, "model": "range", "strategies": ["always_on"], "short": True}
EXITS = ["close", "take_profit", "hold"]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return folders(tmp_path_factory.mktemp("data"), ("ABC", "XYZ"))


def run(two, detail=True, **options):
    more = {"detail": two[1]} if detail else {}
    return bt.backtest_forecasts("ABC", data=two[0], **{**SMALL, **more, **options})


def test_at_the_same_offsets_it_lies_within_what_the_bars_leave_open(two):
    options = {"exits": ["take_profit"], "bounds": ((0.0, 0.0), (0.0, 0.0))}
    coarse, fine = run(two, False, **options), run(two, **options)
    a, b = coarse.returns.query("strategy == 'always_on'"), fine.returns.query("strategy == 'always_on'")
    assert (b["questions"] == a["ambiguous"]).all()
    assert (b["trades"] == a["trades"]).all()
    assert (a["causal"] <= b["causal"] + 1e-12).all()
    assert (b["optimistic"] <= a["optimistic"] + 1e-12).all()
    told = fine.decided["always_on"]
    assert told["questions"] == a["ambiguous"].sum() > told["open"] == b["ambiguous"].sum()
    assert (b["causal"] - a["causal"]).sum() > 0.01
    assert coarse.decided == {}
    assert "questions" not in coarse.returns
    assert fine.summary.columns.tolist() == coarse.summary.columns.tolist()


@pytest.mark.slow
def test_every_exit_is_proved_and_the_account_adds_up(two):
    result = run(two, exits=EXITS, stop=-0.05, max_bars=5)
    tuned = result.simulations.query("strategy == 'always_on'")
    assert tuned["exact"].all()
    assert (tuned["bound"] == tuned["in_sample"]).all()
    sums = result.returns.groupby("strategy")["value"].sum(), result.ledger.groupby("strategy")["value"].sum()
    assert (sums[0] - sums[1]).abs().max() < 1e-10
    assert set(result.ledger["reason"]) <= {"close", "take_profit", "stop", "time", "end"}
    one_bar = result.ledger[result.ledger["reason"] == "close"]
    assert (one_bar["bars"] == 1).all()
    assert (result.returns["questions"] >= 0).all()


@pytest.mark.slow
def test_finer_bars_tell_of_their_own_bar_only(two):
    """Those of later bars change nothing that is tuned or ordered before."""
    whole, [hours, days] = run(two, exits=EXITS), hours_and_days()
    later = hours.index >= days.index[-10]
    hours.loc[later, :] = np.repeat(hours[later].to_numpy().mean(axis=0)[None], later.sum(), axis=0)
    bars, again = whole.bars, bt.load_bars(days, symbol="ABC")
    first = fine_bars(again.head(110), bt.load_bars(hours[~later], symbol="ABC"))[0]
    detail = bt.FineBars(np.append(first.first, [first.first[-1]] * 10), first.prices)
    other = bt.backtest_forecasts("ABC", data=replace(bars, detail=detail), exits=EXITS, **SMALL)
    names = ["simulation", "exit", "selected", "in_sample", "high_offset", "low_offset"]
    assert whole.simulations[whole.simulations["simulation"] < 21][names].equals(
        other.simulations[other.simulations["simulation"] < 21][names]
    )


def test_one_finer_bar_a_bar_is_the_bar_to_the_bit(two):
    plain = run(two, False, exits=EXITS)
    bars = plain.bars
    values = np.stack([bars.open, bars.high, bars.low, bars.close])
    same = replace(bars, detail=bt.FineBars(np.arange(len(bars) + 1), values))
    again = bt.backtest_forecasts("ABC", data=same, exits=EXITS, **SMALL)
    assert again.returns.equals(plain.returns)
    assert again.ledger.equals(plain.ledger)


class Own:
    """A strategy whose problems know nothing of finer bars."""

    name = "own"

    def problems(self, bars, forecast, settings):
        first = max(forecast.first, 1)
        moves = [array[first:] for array in (*bars.moves, forecast.high, forecast.low)]
        return {"take_profit": bt.EntryExitProblem(*moves, 1.0, 1.0, bounds=((0, 0), (0, 0)))}


@pytest.mark.slow
def test_a_strategy_that_does_not_use_them_stands_beside_those_that_do(two):
    result = run(two, strategies=["always_on", Own()], exits=["take_profit"])
    assert set(result.returns["strategy"]) == {"always_on", "own", "untuned", "buy_hold"}
    assert not result.returns.isna().any(axis=None)
    told = result.decided["own"]
    assert told["questions"] == told["open"] > 0  # nothing decided


@pytest.mark.slow
def test_identity_is_of_what_the_finer_bars_are_not_of_where_they_lie(two, tmp_path):
    settings = bt.Settings(detail=two[1], **SMALL)
    moved = tmp_path / "moved"
    moved.mkdir()
    text = (two[1] / "ABC.csv").read_text()
    (moved / "ABC.csv").write_text(text)
    one, other = run(two).bars, run((two[0], moved)).bars
    elsewhere = bt.Settings(detail=moved, **SMALL)
    assert run_identity(settings) == run_identity(elsewhere)
    assert one.identity() == other.identity()
    without = run(two, False).bars
    assert result_identity(run_identity(settings), one, settings) != result_identity(
        run_identity(bt.Settings(**SMALL)), without, bt.Settings(**SMALL)
    )


@pytest.mark.slow
def test_a_run_is_kept_taken_up_again_and_told(two, tmp_path):
    arguments = ["run", "ABC", "XYZ", "--data", str(two[0]), "--detail", str(two[1]), "--simulations", "30"]
    arguments += ["--window", "40", "--model", "range", "--short", "--run-folder", str(tmp_path / "run")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "the bars alone leave the order open for" in done.output
    assert "tell the order inside 120 of 120 bars" in done.output
    page = (tmp_path / "run" / "report.html").read_text()
    assert "finer bars decide" in bodies(page)
    kept = bt.Run.open(tmp_path / "run")["ABC"]
    plain = json.loads(CliRunner().invoke(app, [*arguments[:-2], "--json"]).stdout)
    assert plain["decided"]["ABC"] == kept.decided
    again = CliRunner().invoke(app, ["run", "--resume", str(tmp_path / "run"), "--json"])
    assert json.loads(again.stdout)["decided"] == plain["decided"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"detail": 5}, "detail is 5; give the folder of the finer bars"),
        ({"detail": "x", "fills": "published"}, "detail was given with fills 'published'"),
        ({"detail": "x", "optimizer": "gpu:exact"}, "detail was given with optimizer gpu:exact"),
        ({"detail": "/nowhere"}, "is not a folder"),
    ],
)
def test_what_it_cannot_be_given_with_is_one_line(two, options, words):
    with pytest.raises(bt.BacktuneError) as caught:
        bt.backtest_forecasts("ABC", data=two[0], **{**SMALL, **options})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
