"""A strategy of one's own walks forward as those of backtune's do: equal to a loop by hand, kept, judged."""

from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd
import pytest

import backtune as bt
import own_strategies
from backtune.bars import load_sample
from backtune.problem import Outcome
from backtune.problem.objectives import sharpe
from backtune.strategies.own import FunctionStrategy
from own_strategies import SPACE, crossing
from report_pages import bodies

FEW = {"num_simulations": 4, "window": 60, "horizon": 5, "gap": 2, "history": 40}
NOT_COMPARED = ["optimizer_seconds"]


@pytest.fixture(scope="module")
def bars():
    return load_sample("SP500").head(400)


@pytest.fixture(scope="module")
def result(bars):
    return bt.walk_forward(crossing, SPACE, bars, **FEW)["SP500"]


def by_hand(frame, score, count=4, window=60, horizon=5, gap=2, history=40):
    """The loop that a user would write, with slices and a grid of their own."""
    rows, returns = [], []
    grid = [dict(zip(("fast", "slow", "kind"), each, strict=True))
            for each in product(range(2, 7), (8, 16, 24), ("sma", "ema"))]  # fmt: skip
    for simulation in range(count):
        start = len(frame) - (count - simulation) * horizon
        end = start - gap
        inside = frame.iloc[end - window - history : end]
        tried = [np.asarray(crossing(inside.copy(), point))[-window:] for point in grid]
        best = int(np.argmax([score(values) for values in tried]))
        ahead = frame.iloc[start - history : start + horizon]
        earned = np.asarray(crossing(ahead.copy(), grid[best]))[-horizon:]
        rows.append({**grid[best], "in_sample": tried[best].sum(), "out_of_sample": earned.sum()})
        returns.append(earned)
    return pd.DataFrame(rows), np.concatenate(returns)


def test_it_equals_a_loop_by_hand_to_the_bit(bars, result):
    rows, returns = by_hand(bars.frame, np.sum)
    pd.testing.assert_frame_equal(result.simulations[list(rows)], rows, check_exact=True)
    mine = result.returns.loc[result.returns["strategy"] == "crossing", "value"].to_numpy()
    assert mine.tolist() == returns.tolist()
    assert result.simulations["exact"].all()
    assert set(result.simulations["stopped"]) == {"proved"}


@pytest.mark.slow
def test_another_objective_equals_the_loop_too(bars):
    def ratio(values):
        return values.mean() / values.std(ddof=1) if values.std(ddof=1) > 0 else 0.0

    run = bt.walk_forward(crossing, SPACE, bars, objective="sharpe", **FEW)
    rows, _ = by_hand(bars.frame, ratio)
    pd.testing.assert_frame_equal(run["SP500"].simulations[list(rows)], rows, check_exact=True)


def test_tables_keep_the_types_of_parameters_and_hold_no_yardstick_of_forecasts(result):
    types = {name: result.simulations[name].dtype.kind for name in SPACE.names}
    assert types == {"fast": "i", "slow": "i", "kind": "O"}
    assert result.summary["strategy"].tolist() == ["crossing", "buy_hold"]
    assert result.summary[["turnover", "costs"]].iloc[0].isna().all()  # nobody has said them


def test_it_sees_its_slice_alone_and_what_it_does_to_it_stays_there(bars):
    seen = []

    def curious(frame, p):
        seen.append((frame.index[0], frame.index[-1], len(frame)))
        moves = frame["close"].pct_change().fillna(0.0)
        frame.loc[:, "close"] = 1.0
        return (moves * p["size"]).to_numpy()

    run = bt.walk_forward(curious, bt.Space(size=bt.Float(0.5, 1.0, step=0.5)), bars, **FEW)
    index, n = bars.frame.index, len(bars)
    tuned = [(index[n - 20 + 5 * s - 2 - 60 - 40], index[n - 20 + 5 * s - 3], 100) for s in range(4)]
    traded = [(index[n - 20 + 5 * s - 40], index[n - 20 + 5 * s + 4], 45) for s in range(4)]
    assert seen[-12:-4] == [slice_ for slice_ in tuned for _ in range(2)]
    assert seen[-4:] == traded
    moves = bars.moves[3, -20:]
    best = run["SP500"].simulations["size"].to_numpy().repeat(5)
    np.testing.assert_allclose(run["SP500"].returns["value"].to_numpy()[:20], best * moves, rtol=1e-12)


def test_every_call_has_bars_of_its_own_however_many_are_copied_at_once():
    """What a function does to its bars, and keeps of them, no other call sees."""
    kept = []

    def rude(frame, p):
        kept.append(frame)
        columns, name, first = list(frame.columns), frame.index.name, frame.iloc[0, 0]
        assert columns == ["open", "high", "low", "close", "volume"], columns
        assert (name, first) == (clean.index.name, clean.iloc[0, 0])
        values = frame["close"].pct_change().fillna(0.0).to_numpy() * p["a"]
        frame["mine"] = 1.0
        frame.index.name = "spoiled"
        frame.iloc[0, 0] = -1.0
        del frame["volume"]
        frame.attrs["mine"] = 1
        return values

    problem = FunctionStrategy(rude, bt.Space(a=(1, 50))).problems(
        load_sample("SP500").head(80), None, bt.Settings(window=20)
    )["own"].window(30, 50)  # fmt: skip
    clean = problem.frame.iloc[11:51].copy()
    totals = [problem.at({"a": a}) for a in range(1, 51)]
    moves = clean["close"].pct_change().to_numpy()[-20:]
    assert totals == [float((moves * a).sum()) for a in range(1, 51)]
    assert len({id(frame) for frame in kept}) == 50
    assert not any(np.shares_memory(kept[0]["close"], frame["close"]) for frame in kept[1:])
    assert all(frame.iloc[0, 0] == -1.0 for frame in kept)


def test_few_copies_of_long_bars_are_made_ahead():
    bars = load_sample("SP500")
    problem = FunctionStrategy(lambda frame, p: np.zeros(len(frame)), bt.Space(a=(1, 9))).problems(
        bars, None, bt.Settings(window=20)
    )["own"]
    ahead = {}
    for size in (100, 4000):
        part = problem.window(50, 50 + size)
        for a in (1, 2, 3):
            part.at({"a": a})
        ((_, copies),) = part.slices.values()
        ahead[size] = len(copies)
    assert ahead == {100: 14, 4000: 2}  # 16 at once, less two given; four of 4,020 bars, less two


@pytest.mark.parametrize(
    ("give", "said"),
    [
        (lambda bars, p: 1 / 0, "failed at {'span': 2}: ZeroDivisionError"),
        (lambda bars, p: None, "gave None at"),
        (lambda bars, p: bars["close"].iloc[1:], "gave shape ("),
        (lambda bars, p: bars["close"] * np.nan, "gave nan for bar"),
        (lambda bars, p: np.ones(len(bars)) * 1j, "gave complex128 values at"),
        (lambda bars, p: ["x"] * len(bars), "gave str"),
        (lambda bars, p: bars["close"] > 0, "gave bool values at"),
        (lambda bars, p: 0.1, "gave shape ()"),
        (lambda bars, p: bars, "gave shape ("),
        (lambda bars, p: object(), "that is no array of numbers"),
    ],
)
def test_what_is_no_return_a_bar_is_one_line_with_strategy_and_point(bars, give, said):
    def broken(frame, p):
        return give(frame, p) if p["span"] == 2 else frame["close"] * 0.0

    with pytest.raises(bt.StrategyError) as caught:
        bt.walk_forward(broken, bt.Space(span=(2, 3)), bars, **FEW)
    assert str(caught.value).startswith("strategy 'broken'")
    assert said in str(caught.value)
    assert "{'span': 2}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fault_that_a_search_meets_ends_the_run_too(bars):
    def broken(frame, p):
        return frame["close"] * (np.nan if p["span"] > 50 else 0.0)

    with pytest.raises(bt.StrategyError, match="strategy 'broken' gave nan for bar"):
        bt.walk_forward(broken, bt.Space(span=(2, 100)), bars, optimizer="random", budget=40, **FEW)


def test_one_that_looks_ahead_is_refused(bars):
    def tomorrow(frame, p):
        moves = frame["close"].pct_change().fillna(0.0)
        return (moves.shift(-1).fillna(0.0) > p["level"]) * moves

    with pytest.raises(bt.StrategyError, match=r"'tomorrow' looks ahead: its return of .* were changed"):
        bt.walk_forward(tomorrow, bt.Space(level=(-0.01, 0.01)), bars, budget=5, **FEW)


def test_one_that_holds_the_whole_series_is_refused(bars):
    close = bars.close.copy()
    peak = {stamp: place for place, stamp in enumerate(bars.frame.index)}

    def hindsight(frame, p):
        first = peak[frame.index[0]]
        moves = frame["close"].pct_change().fillna(0.0).to_numpy()
        later = np.append(close, close[-1:])[first + 1 : first + 1 + len(frame)]
        return (later > p["level"] * frame["close"].to_numpy()) * moves

    with pytest.raises(bt.StrategyError, match=r"looks ahead: .* arrays that it holds"):
        bt.walk_forward(hindsight, bt.Space(level=(0.9, 1.1)), bars, budget=5, **FEW)


def test_a_position_chosen_by_its_own_close_and_too_short_a_history_are_said(bars):
    def too_soon(frame, p):
        close = frame["close"]
        return (close > close.rolling(p["span"]).mean()) * close.pct_change().fillna(0.0)

    space = bt.Space(span=(10, 30))
    checks = bt.walk_forward(too_soon, space, bars, **FEW)["SP500"].checks
    assert any("its position was chosen by the close that it earns" in line for line in checks)
    checks = bt.walk_forward(crossing, SPACE, bars, **{**FEW, "history": 3})["SP500"].checks
    assert any("give a longer history" in line for line in checks)


def test_neither_is_said_of_one_that_has_neither(result):
    assert len(result.checks) == 1
    assert "later bars moved no return" in result.checks[0]


def test_one_whose_returns_change_from_call_to_call_is_refused(bars):
    rng = np.random.default_rng(0)

    def noisy(frame, p):
        return rng.normal(0.0, p["size"], len(frame))

    with pytest.raises(bt.StrategyError, match="'noisy' gives other returns each time"):
        bt.walk_forward(noisy, bt.Space(size=(0.01, 0.02)), bars, budget=5, **FEW)


@pytest.mark.slow
def test_a_larger_space_is_searched_inside_it_and_the_same_seed_gives_the_same(bars):
    space = bt.Space(fast=(2, 40), slow=(3, 200), kind=["sma", "ema"],
                     constraints=lambda p: p["fast"] < p["slow"])  # fmt: skip
    outside = []

    def watched(frame, p):
        outside.extend([] if p in space else [p])
        return crossing(frame, p)

    first = bt.walk_forward(watched, space, bars, budget=30, seed=3, **FEW)["SP500"]
    again = bt.walk_forward(watched, space, bars, budget=30, seed=3, **FEW)["SP500"]
    assert outside == []
    assert first.options["optimizer"] == "scipy"
    assert not first.simulations["exact"].any()
    assert first.simulations["evaluations"].tolist() == [30] * 4
    pd.testing.assert_frame_equal(
        first.simulations.drop(columns=NOT_COMPARED), again.simulations.drop(columns=NOT_COMPARED)
    )


def test_an_outcome_says_turnover_and_costs(bars):
    def told(frame, p):
        value = frame["close"].pct_change().fillna(0.0).to_numpy() * p["size"]
        n, ones = len(value), np.ones(len(value))
        whole = np.arange(n) % 2
        return Outcome(value, value, value, whole, 0 * whole, 2.0 * ones, 0.0 * ones, costs=0.001 * ones)

    run = bt.walk_forward(told, bt.Space(size=bt.Float(0.5, 1.0, step=0.5)), bars, **FEW)
    returns = run["SP500"].returns
    mine = returns[returns["strategy"] == "told"]
    assert set(mine["turnover"]) == {2.0}
    assert run["SP500"].summary["costs"].iloc[0] == pytest.approx(0.001 * 20)
    assert int(mine["trades"].sum()) == 4 * 2 or int(mine["trades"].sum()) == 4 * 3


@pytest.mark.needs("duckdb")
def test_the_folder_has_native_types_a_page_and_a_verdict_and_goes_on_where_nothing_changed(
    bars, tmp_path, monkeypatch
):
    folder, calls = tmp_path / "run", []
    options = {"run_folder": folder, **FEW}
    run = bt.walk_forward(crossing, SPACE, bars, progress=lambda event: calls.append(event.kind), **options)
    rows = run.sql("select fast, slow, kind from simulations")
    assert {name: kind.kind for name, kind in rows.dtypes.items()} == {"fast": "i", "slow": "i", "kind": "O"}
    page = bt.report(run)
    assert set(page.judged[0].symbols) == {"SP500"}
    assert "crossing" in page.html
    details = bodies(page.html)
    assert "most often" in details
    assert "paid in fees" not in details  # nobody has said what it pays
    again = bt.walk_forward(crossing, SPACE, bars, progress=lambda event: calls.append(event.kind), **options)
    assert "done" in calls
    assert calls[-1] == "reused"
    pd.testing.assert_frame_equal(again["SP500"].simulations, run["SP500"].simulations)
    before = run["SP500"].summary["total_return"].iloc[0]
    monkeypatch.setattr(own_strategies, "FEE", 0.01)  # a global of the function's module
    other = bt.walk_forward(crossing, SPACE, bars, progress=lambda event: calls.append(event.kind), **options)
    assert calls[-1] == "done"
    assert other["SP500"].summary["total_return"].iloc[0] != before


@pytest.mark.needs("distributed")
def test_workers_give_the_same(tmp_path):
    options = {**FEW, "budget": 20, "optimizer": "random", "seed": 1}
    here = bt.walk_forward(crossing, SPACE, ["SP500", "NASDAQ"], **options)
    there = bt.walk_forward(crossing, SPACE, ["SP500", "NASDAQ"], max_workers=2, **options)
    assert list(there) == ["SP500", "NASDAQ"]
    for symbol in here:
        for table in ("simulations", "returns", "summary", "configurations", "inputs"):
            one, other = (run[symbol].tables[table] for run in (here, there))
            columns = [name for name in one if name not in NOT_COMPARED]
            pd.testing.assert_frame_equal(one[columns], other[columns], check_exact=True)


@pytest.mark.parametrize(
    ("arguments", "changes", "said"),
    [
        ((3, SPACE, "SP500"), {}, "strategy is a int; give a function"),
        ((crossing, {"fast": (2, 5)}, "SP500"), {}, "space is a dict; give a bt.Space"),
        ((crossing, SPACE, "SP500"), {"exits": ["close"]}, "a strategy of your own does not use"),
        ((crossing, SPACE, "SP500"), {"model": "fhs:x"}, "a strategy of your own does not use"),
        ((crossing, SPACE, "SP500"), {"history": -1}, "history is -1"),
        ((crossing, SPACE, "SP500"), {"tuning": "windows", "num_simulations": 2}, "'kind' of strategy"),
        ((crossing, SPACE, 3), {}, "bars are a int"),
        ((crossing, bt.Space(start=(1, 2)), "SP500"), {"num_simulations": 2}, "KeyError"),
    ],
)
def test_what_has_no_meaning_is_one_line(arguments, changes, said):
    with pytest.raises(bt.BacktuneError) as caught:
        bt.walk_forward(*arguments, **changes)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_settings_are_those_of_any_run(bars):
    settings = bt.Settings(num_simulations=4, window=60, horizon=5, gap=2)
    run = bt.walk_forward(crossing, SPACE, bars, objective=sharpe, settings=settings, history=40)
    direct = bt.walk_forward(crossing, SPACE, bars, objective=sharpe, **FEW)
    pd.testing.assert_frame_equal(
        run["SP500"].simulations.drop(columns=NOT_COMPARED),
        direct["SP500"].simulations.drop(columns=NOT_COMPARED),
    )


@pytest.mark.slow
def test_one_of_several_symbols_that_fails_costs_itself_alone(bars):
    def picky(frame, p):
        if frame["close"].iloc[0] > 1500.0:
            raise ValueError("too dear")
        return crossing(frame, p)

    data = {"LOW": bars.frame / 10.0, "HIGH": bars.frame * 10.0}
    run = bt.walk_forward(picky, SPACE, data, **FEW)
    assert list(run) == ["LOW"]
    assert "too dear" in str(run.failed["HIGH"])


@dataclass
class Weight:
    """A choice that cannot be hashed, and does not show what it holds."""

    size: float = field(repr=False)


@pytest.mark.parametrize("second", [Weight(2.0), [Weight(2.0)]], ids=["object", "list of objects"])
def test_choices_that_show_alike_have_each_their_own_score(bars, second):
    def weighted(frame, point):
        weight = point["weight"]
        return np.full(len(frame), 1e-4) * (weight[0] if isinstance(weight, list) else weight).size

    first = [Weight(1.0)] if isinstance(second, list) else Weight(1.0)
    space = bt.Space(weight=[first, second])
    rows = bt.walk_forward(weighted, space, bars, **FEW)["SP500"].simulations
    assert rows["exact"].all()
    assert rows["in_sample"].tolist() == pytest.approx([60 * 2e-4] * len(rows))


def test_a_point_that_is_none_of_the_space_is_asked_again():
    calls = []

    def counted(frame, point):
        calls.append(point)
        return np.zeros(len(frame))

    problem = FunctionStrategy(counted, bt.Space(a=[[1], [2]])).problems(
        load_sample("SP500").head(50), None, bt.Settings(window=20)
    )["own"]
    for value, count in (([1], 1), ([1], 1), ([3], 2), ([3], 3)):
        problem.at({"a": value})
        assert len(calls) == count


def test_places_that_were_tried_are_neither_decoded_nor_evaluated_again(monkeypatch):
    """A search proposes the same places again and again; what it is told then is what it was told before."""
    space, calls = bt.Space(a=(1, 9), b=["x", "y"]), []

    def counted(frame, point):
        calls.append(point)
        return np.full(len(frame), point["a"] * (0.5 if point["b"] == "y" else 1.0))

    problem = FunctionStrategy(counted, space).problems(
        load_sample("SP500").head(50), None, bt.Settings(window=20)
    )["own"].window(0, 20)  # fmt: skip
    values = [problem(x) for x in ([2.0, 1.0], [2.2, 1.3], [0.0, 0.0])]  # the first two are one point
    assert values == [30.0, 30.0, 20.0]
    monkeypatch.setattr(bt.Space, "point", lambda self, places: pytest.fail("decoded again"))
    assert [problem(x) for x in ([2.0, 1.0], [2.2, 1.3], [0.0, 0.0])] == values
    assert [problem.total(np.array([2.2, 1.3])), len(calls)] == [30.0, 2]
    assert problem.window(0, 10).known == {}


def test_windows_share_decoded_places_of_a_space_that_ends_alone(monkeypatch):
    """A place that was proposed in an earlier window is not decoded again, but evaluated on its own bars."""
    bars, calls = load_sample("SP500").head(80), []

    def counted(frame, point):
        calls.append(point)
        return np.full(len(frame), float(point["a"]))

    def windows(space):
        problem = FunctionStrategy(counted, space).problems(bars, None, bt.Settings(window=20))["own"]
        return [problem.window(first, first + 20) for first in (20, 40)]

    one, other = windows(bt.Space(a=(1, 9)))
    assert one([2.0]) == 60.0
    with monkeypatch.context() as patch:
        patch.setattr(bt.Space, "point", lambda self, places: pytest.fail("decoded again"))
        assert other([2.0]) == 60.0
    assert len(calls) == 2
    one, _ = windows(bt.Space(a=(1.0, 9.0)))  # of which no two proposals are the same
    assert one([2.0]) == 40.0
    assert one.decoded == {}


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("values", [[np.inf, -np.inf], [np.nan, 0.0], [-np.inf, 0.0]])
def test_what_is_not_finite_is_refused_in_one_line_and_no_warning(values):
    def broken(frame, point):
        return np.concatenate([np.zeros(len(frame) - 2), values])

    problem = FunctionStrategy(broken, bt.Space(a=(1, 9))).problems(
        load_sample("SP500").head(50), None, bt.Settings(window=20)
    )["own"]
    with pytest.raises(bt.StrategyError, match=f"gave {values[0]} for bar 48 of 50 at "):
        problem.at({"a": 1})
