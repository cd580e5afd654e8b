"""The walk-forward backtest of one symbol: against a plain one, without look-ahead, the same every time."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
import fills_reference
from backtune.backtest.tables import simulation_table, stacked
from backtune.bars import load_sample
from backtune.forecasts import Forecaster
from backtune.forecasts.range import Range
from backtune.optimizers import Optimizer, Optimum
from backtune.strategies import STRATEGIES, Strategy, maxdiff, strategies
from price_frames import frame

BOUNDS = ((-0.03, 0.03), (-0.03, 0.03))


def tail(symbol="NASDAQ", n=160):
    """The last n bars of the sample."""
    bars = load_sample(symbol)
    names = ("timestamps", "open", "high", "low", "close")
    return replace(bars, volume=None, **{name: getattr(bars, name)[-n:] for name in names})


def table(result):
    """All of `simulations` but the wall-clock time."""
    return result.simulations.drop(columns="optimizer_seconds")


# ---- golden run: everything recomputed by plain Python from the prices


def plain_forecast(bars, t):
    """The range forecaster's high and low move of bar t, by its published formula."""
    h, lo, c = bars.high.tolist(), bars.low.tolist(), bars.close.tolist()
    moves = [[p[k] / c[k - 1] - 1 if k else None for k in range(len(c))] for p in (h, lo, c)]

    def scale(k):
        spans = [moves[0][j] - moves[1][j] for j in range(max(1, k - 22), k)]
        return (spans[-1] + statistics.fmean(spans[-5:]) + statistics.fmean(spans)) / 3

    past = range(max(23, t - 100), t)
    high, low, close = (scale(t) * statistics.median(row[k] / scale(k) for k in past) for row in moves)
    return max(high, close), min(low, close)


def plain_rows(bars, strategy, first, last):
    """Rows (o, h, l, c, high_forecast, low_forecast, long_size, short_size) of bars first..last-1."""
    rows = []
    for t in range(first, last):
        before = bars.close[t - 1]
        moves = [float(p[t] / before - 1) for p in (bars.open, bars.high, bars.low, bars.close)]
        hf, lf = plain_forecast(bars, t)
        sizes = (1.0, 1.0)
        if strategy != "always_on":
            sizes = (0.0, 0.0) if hf <= lf else (1.0, 0.0) if abs(hf) > abs(lf) else (0.0, 1.0)
        rows.append((*moves, hf, lf, *sizes))
    return rows


def total(rows, a, b, eod, fills="causal"):
    return math.fsum(fills_reference.bar_return(*row, a, b, 0.0005, eod, fills) for row in rows)


def plain_best(rows, eod, tuned):
    """Highest total over the lattice of every offset at which a level meets a price, and its neighbours."""
    if not tuned:
        return total(rows, 0.0, 0.0, eod)
    axes = []
    for axis, (forecast, extreme) in enumerate(((4, 1), (5, 2))):
        points = {BOUNDS[axis][0], BOUNDS[axis][1]}
        for row in rows:
            for price in (row[0], row[extreme], row[3], 0.0):
                points |= {price - row[forecast] + step for step in (-1e-13, 0.0, 1e-13)}
        axes.append([x for x in points if BOUNDS[axis][0] <= x <= BOUNDS[axis][1]])
    moves = np.array(rows).T
    o, h, lo, c, hf, lf, ls, ss = moves[:, :, None]
    best = -math.inf
    for a in axes[0]:  # vectorized over the other axis: the same rules as fills_reference, in NumPy
        up = np.clip(hf + a, 0, 10)
        down = np.clip(lf + np.array(axes[1]), -1, 0)
        buy, sell = np.minimum(down, o), np.maximum(up, o)
        out = c if eod else np.where(o < down, np.where(h > up, up, c), np.minimum(c, up))
        back = c if eod else np.where(o > up, np.where(lo < down, down, c), np.maximum(c, down))
        long = np.where((o < down) | (lo < down), (1 + out) / (1 + buy) * 0.9995 - 1.0005, 0.0)
        short = np.where((o > up) | (h > up), 0.9995 - (1 + back) / (1 + sell) * 1.0005, 0.0)
        best = max(best, float((ls * long + ss * short).sum(axis=0).max()))
    return best


@pytest.mark.slow
def test_golden_run_on_the_sample():
    """Every number of a run recomputed from prices by plain Python: forecasts, optima, fills, figures."""
    bars, count, window, horizon = tail(n=90), 11, 12, 2  # a month out of sample: figures a year exist
    result = bt.backtest_forecasts(
        "NASDAQ", count, data=bars, window=window, horizon=horizon, model="range",
        bounds=((-0.03, 0.03), (-0.03, 0.03)),
    )  # fmt: skip
    kept = {name: [] for name in ("maxdiff", "always_on", "untuned")}
    for strategy, simulation in product(kept, range(count)):
        start = len(bars) - (count - simulation) * horizon
        tune, ahead = (
            plain_rows(bars, strategy, first, last)
            for first, last in ((start - window, start), (start, start + horizon))
        )
        rows = result.simulations.query("strategy == @strategy and simulation == @simulation")
        assert rows["close_at_eod"].tolist() == [True, False]
        best = {}
        for row in rows.itertuples():
            best[row.close_at_eod] = plain_best(tune, row.close_at_eod, strategy != "untuned")
            x = row.high_offset, row.low_offset
            if strategy != "untuned" and best[row.close_at_eod] < 0.0:  # no order at all is better
                best[row.close_at_eod] = 0.0
                assert np.isnan(x).all()
                assert (row.in_sample, row.out_of_sample, row.trades, row.ambiguous) == (0.0, 0.0, 0, 0)
                continue
            assert row.in_sample == pytest.approx(best[row.close_at_eod], abs=1e-10)
            assert row.in_sample == pytest.approx(total(tune, *x, row.close_at_eod), abs=1e-12)
            assert row.out_of_sample == pytest.approx(total(ahead, *x, row.close_at_eod), abs=1e-12)
            assert row.start == bars.timestamps[start]
            assert row.end == bars.timestamps[start + horizon - 1]
            each = [
                [
                    fills_reference.bar_return(*bar, *x, 0.0, row.close_at_eod, rule)
                    for rule in ("causal", "optimistic")
                ]
                for bar in ahead
            ]
            if strategy != "always_on":  # one side a bar, so that a bar is a trade
                assert row.ambiguous == sum(causal != optimistic for causal, optimistic in each)
        selected = rows[rows["selected"]].iloc[0]
        if abs(best[True] - best[False]) > 1e-12:
            assert selected.close_at_eod == (best[True] > best[False])
        x = selected.high_offset, selected.low_offset
        kept[strategy] += (
            [0.0 for _ in ahead]
            if np.isnan(x).all()
            else [
                fills_reference.bar_return(*bar, *x, 0.0005, selected.close_at_eod, "causal") for bar in ahead
            ]
        )
    for name, returns in kept.items():
        row = result.summary.set_index("strategy").loc[name]
        mean, deviation = statistics.fmean(returns), statistics.stdev(returns)
        assert row.total_return == pytest.approx(math.prod(1 + r for r in returns) - 1, abs=1e-12)
        assert row.volatility == pytest.approx(deviation * math.sqrt(252), abs=1e-12)
        assert row.out_of_sample_mean == pytest.approx(mean, abs=1e-14)
        if deviation > 0:
            assert row.sharpe == pytest.approx(mean / deviation * math.sqrt(252), rel=1e-9)
        tuned = result.simulations.query("strategy == @name and selected")
        assert row.in_sample_mean == pytest.approx(tuned["in_sample"].mean() / window, abs=1e-14)
        assert row.gap == pytest.approx(row.in_sample_mean - mean, abs=1e-14)
        assert row.trades == tuned["trades"].sum()


# ---- shape


@pytest.mark.parametrize(("count", "horizon"), [(1, 1), (7, 1), (4, 5), (1, 9)])
def test_out_of_sample_stretches_tile_the_last_bars(count, horizon):
    bars = tail()
    result = bt.backtest_forecasts("NASDAQ", count, data=bars, window=40, horizon=horizon, model="range")
    for _, part in result.returns.groupby("strategy"):
        np.testing.assert_array_equal(part["timestamp"], bars.timestamps[-count * horizon :])
        assert part["simulation"].tolist() == np.repeat(range(count), horizon).tolist()
    spans = result.simulations.drop_duplicates("simulation")
    np.testing.assert_array_equal(spans["start"], bars.timestamps[-count * horizon :: horizon])
    np.testing.assert_array_equal(spans["end"], bars.timestamps[-count * horizon :][horizon - 1 :: horizon])
    assert len(result.simulations) == count * 3 * 2


def test_columns_are_the_contract():
    result = bt.backtest_forecasts("SP500", 2, window=30)
    contract = [
        "simulation", "strategy", "close_at_eod", "selected", "high_offset", "low_offset", "in_sample",
        "out_of_sample", "trades", "ambiguous", "start", "end", "optimizer_seconds", "evaluations",
    ]  # fmt: skip
    assert list(result.simulations.columns)[: len(contract)] == contract
    assert result.summary["strategy"].tolist() == ["maxdiff", "always_on", "untuned", "buy_hold"]
    assert repr(result) == "Result(SP500, 2 simulations, fills='causal')"


def test_only_the_selected_policy_counts():
    result = bt.backtest_forecasts("NASDAQ", 20, data=tail(), window=50, horizon=2, model="range")
    keys = ["strategy", "simulation"]
    best = result.simulations.loc[result.simulations.groupby(keys)["in_sample"].idxmax()].set_index(keys)
    chosen = result.simulations[result.simulations["selected"]].set_index(keys)
    assert (result.simulations.groupby(keys)["selected"].sum() == 1).all()
    assert (chosen["in_sample"] == best["in_sample"].loc[chosen.index]).all()
    earned = (
        result.returns[result.returns["strategy"] != "buy_hold"]
        .groupby(keys)[["value", "trades", "ambiguous"]]
        .sum()
    )
    np.testing.assert_allclose(earned["value"], chosen["out_of_sample"].loc[earned.index], atol=1e-15)
    for name in ("trades", "ambiguous"):
        assert earned[name].tolist() == chosen[name].loc[earned.index].tolist()


def test_the_three_rules_bracket_one_another():
    bars = tail()
    results = {
        rule: bt.backtest_forecasts("NASDAQ", 20, data=bars, window=50, fills=rule, model="range")
        for rule in ("causal", "optimistic", "published")
    }
    for rule, result in results.items():
        assert (result.returns["optimistic"] >= result.returns["causal"] - 1e-15).all()
        if rule != "published":
            np.testing.assert_array_equal(result.returns["value"], result.returns[rule])
    tuned = [results[rule].simulations["in_sample"].to_numpy() for rule in ("causal", "optimistic")]
    assert (tuned[1] >= tuned[0]).all()  # the same box, a rule that never pays less


# ---- no look-ahead


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    back=st.integers(1, 24),
    factor=st.floats(0.7, 1.4),
    horizon=st.sampled_from([1, 3]),
    optimizer=st.sampled_from(["exact", "random"]),
)
def test_no_simulation_that_ends_before_a_bar_knows_it(back, factor, horizon, optimizer):
    bars = tail(n=140)
    t = len(bars) - back
    prices = np.array([bars.open, bars.high, bars.low, bars.close])
    prices[:, t] *= factor
    prices[1, t] *= 1.02
    other = replace(bars, **dict(zip(("open", "high", "low", "close"), prices, strict=True)))
    options = {"window": 40, "horizon": horizon, "model": "range", "optimizer": optimizer, "budget": 20}
    before, after = (
        table(bt.backtest_forecasts("X", 24 // horizon, data=b, **options)) for b in (bars, other)
    )
    earlier = (before["end"] < bars.timestamps[t]).to_numpy()
    pd.testing.assert_frame_equal(before[earlier], after[earlier], check_exact=True)
    tuned_before = (before["start"] <= bars.timestamps[t]).to_numpy()
    offsets = ["high_offset", "low_offset", "in_sample", "close_at_eod", "selected"]
    pd.testing.assert_frame_equal(
        before.loc[tuned_before, offsets], after.loc[tuned_before, offsets], check_exact=True
    )


def test_a_changed_bar_does_change_what_comes_after():
    """Without this, a backtest that ignores its bars would pass above."""
    bars = tail(n=140)
    prices = np.array([bars.open, bars.high, bars.low, bars.close])
    prices[:, -10] *= 1.2
    other = replace(bars, **dict(zip(("open", "high", "low", "close"), prices, strict=True)))
    before, after = (bt.backtest_forecasts("X", 20, data=b, window=40, model="range") for b in (bars, other))
    assert not table(before).equals(table(after))


# ---- the same every time

SCRIPT = """
import sys, backtune as bt
result = bt.backtest_forecasts("SP500", 10, window=60, optimizer="{0}", budget=60)
for table in (result.simulations.drop(columns="optimizer_seconds"), result.summary, result.returns):
    sys.stdout.write(table.to_csv())
"""


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["exact", "scipy:differential_evolution"])
def test_same_input_same_output_to_the_bit_in_any_process(optimizer):
    script = SCRIPT.format(optimizer)
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
    first, second = (
        bt.backtest_forecasts("SP500", 10, window=60, optimizer=optimizer, budget=60) for _ in range(2)
    )
    for result in (first, second):
        texts = [table(result).to_csv(), result.summary.to_csv(), result.returns.to_csv()]
        assert "".join(texts) == done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", ["exact", "grid", "random", "scipy", "scipy:direct", "scipy:differential_evolution"]
)
def test_every_optimizer_runs_within_bounds_and_budget(method):
    result = bt.backtest_forecasts("SP500", 2, window=40, optimizer=method, budget=40)
    exact = bt.backtest_forecasts("SP500", 2, window=40)
    rows = result.simulations
    assert (rows[["high_offset", "low_offset"]].abs() <= 0.03).all(axis=None)
    assert (rows["in_sample"] <= exact.simulations["in_sample"]).all()
    if method != "exact":
        assert (rows["evaluations"] <= 40).all()


# ---- yardsticks, fees, assets


def test_buy_hold_is_the_price_less_two_fees():
    bars = tail()
    result = bt.backtest_forecasts("X", 30, data=bars, window=40, fee=0.01, model="range")
    grown = bars.close[-1] / bars.close[-31]
    row = result.summary.set_index("strategy").loc["buy_hold"]
    first = bars.close[-30] / bars.close[-31]
    assert row.total_return == pytest.approx(grown * (first - 0.01) / first * 0.99 - 1, rel=1e-12)
    assert row.trades == 1
    assert math.isnan(row.in_sample_mean)


def test_untuned_keeps_offsets_at_zero():
    rows = bt.backtest_forecasts("SP500", 5, window=40).simulations.query("strategy == 'untuned'")
    assert (rows[["high_offset", "low_offset"]] == 0).all(axis=None)


def test_crypto_is_not_shorted_and_costs_more():
    bars = tail()
    stock, crypto = (
        bt.backtest_forecasts(
            "X", 15, data=bars, window=40, asset=asset, strategies=["always_on"], model="range"
        )
        for asset in ("stock", "crypto")
    )
    free = bt.backtest_forecasts("X", 15, data=bars, window=40, asset="crypto", fee=0.0015, model="range")
    pd.testing.assert_series_equal(
        table(crypto).query("strategy == 'always_on'")["in_sample"].reset_index(drop=True),
        table(free).query("strategy == 'always_on'")["in_sample"].reset_index(drop=True),
    )
    assert crypto.summary.trades.iloc[0] <= 15 < 2 * 15
    assert (crypto.simulations["in_sample"].iloc[:30] <= stock.simulations["in_sample"].iloc[:30]).all()


def test_the_asset_asked_for_holds_for_the_sample_too():
    result = bt.backtest_forecasts("SP500", 2, window=40, asset="crypto")
    assert result.bars.asset == "crypto"


def test_a_strategy_of_ones_own():
    def never(forecast, can_short):
        return np.zeros(len(forecast.high)), np.zeros(len(forecast.high))

    result = bt.backtest_forecasts("SP500", 3, window=40, strategies=[Strategy("never", never)])
    row = result.summary.set_index("strategy").loc["never"]
    assert (row.total_return, row.trades) == (0.0, 0)
    assert math.isnan(row.hit_rate)


# ---- data and settings


def test_data_from_folder_file_frame_and_bars(tmp_path):
    data = frame(n=120)
    data.to_csv(tmp_path / "ABC.csv", index=False)
    results = [
        bt.backtest_forecasts("ABC", 3, data=source, window=40)
        for source in (tmp_path, str(tmp_path / "ABC.csv"), data, bt.load_bars(data))
    ]
    for result in results[1:]:
        pd.testing.assert_frame_equal(table(result), table(results[0]), check_exact=True)
        assert result.symbol == "ABC"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_simulations": 0}, "num_simulations is 0"),
        ({"num_simulations": 2.5}, "num_simulations is 2.5"),
        ({"num_simulations": True}, "num_simulations is True"),
        ({"window": -1}, "window is -1"),
        ({"horizon": 0}, "horizon is 0"),
        ({"budget": 0}, "budget is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"fee": 1.5}, "fee is 1.5"),
        ({"fee": float("nan")}, "fee is nan"),
        ({"fee": False}, "fee is False"),
        ({"drop_bad": "no"}, "drop_bad is 'no'"),
        ({"asset": "bond"}, "unknown asset 'bond'"),
        ({"fills": "casual"}, "did you mean 'causal'"),
        ({"model": "rnage"}, "did you mean 'range'"),
        ({"optimizer": "exat"}, "did you mean 'exact'"),
        ({"optimizer": "scipy:nope"}, "unknown algorithm of scipy"),
        ({"strategies": []}, "strategies are"),
        ({"strategies": "maxdiff"}, "strategies are 'maxdiff'"),
        ({"strategies": ["maxdiff", "maxdiff"]}, "used twice"),
        ({"strategies": ["untuned"]}, "unknown strategy 'untuned'"),
        ({"bounds": ((0.1, -0.1), (0, 0))}, "bounds of high_offset"),
        ({"bounds": ((0, np.nan), (0, 0))}, "bounds of high_offset"),
        ({"data": 5}, "data is of type int"),
        ({"data": "/nowhere/at/all"}, "is not a folder"),
    ],
)
def test_bad_settings_are_one_line(options, message):
    with pytest.raises(bt.BacktuneError) as caught:
        bt.backtest_forecasts("SP500", **{"num_simulations": 2, **options})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("symbol", ["../x", "", None, 5, "a\\b"])
def test_bad_symbols(symbol):
    with pytest.raises(bt.SettingError, match="is not usable"):
        bt.backtest_forecasts(symbol, 2)


def test_no_data_names_the_cure():
    with pytest.raises(bt.BarsError, match=r"data=FOLDER.*SP500 and NASDAQ are built in"):
        bt.backtest_forecasts("TSLA", 2)


def test_numpy_numbers_are_numbers():
    result = bt.backtest_forecasts("SP500", np.int64(2), window=np.int32(40), fee=np.float32(0.001))
    plain = result.settings.as_dict()
    assert [type(plain[name]) for name in ("num_simulations", "window", "fee")] == [int, int, float]


# ---- plug-ins of the caller's own


class Sharpe(Optimizer):
    """Maximizes something else than the total: what it reports as its value is no return."""

    library = "sharpe"

    def optimize(self, objective, *, budget=500, seed=0, time_limit=None):
        rng = np.random.default_rng(seed)
        low, high = np.array(objective.bounds).T
        points = low + (high - low) * rng.random((budget, len(low)))
        ratios = [np.mean(r) / (np.std(r) or np.inf) for r in map(objective.returns, points)]
        best = int(np.argmax(ratios))
        return Optimum(points[best], float(ratios[best]), budget, 0.0, self.method)


class Fixed(Optimizer):
    """Gives the same thing for every problem."""

    library = "fixed"

    def __init__(self, optimum):
        super().__init__()
        self.optimum = optimum

    def optimize(self, objective, *, budget=500, seed=0, time_limit=None):
        return self.optimum


def test_in_sample_is_the_problems_own_total_whatever_an_optimizer_maximized():
    bars = tail()
    result = bt.backtest_forecasts("X", 6, data=bars, window=60, optimizer=Sharpe(), budget=20, model="range")
    forecast, chosen = bt.forecast(bars, "range"), bt.backtest.Settings(num_simulations=6, window=60)
    first = len(bars) - 6
    for name in ("maxdiff", "always_on", "untuned"):
        strategy = next(s for s in strategies(["maxdiff", "always_on"]) if s.name == name)
        for problem in strategy.problems(bars, forecast, chosen).values():
            offset = len(bars) - problem.size
            rows = result.simulations[
                (result.simulations["strategy"] == name)
                & (result.simulations["close_at_eod"] == problem.close_at_eod)
            ]
            for row in rows.itertuples():
                start = first + row.simulation - offset
                assert row.in_sample == problem.window(start - 60, start)((row.high_offset, row.low_offset))
    best = result.simulations.groupby(["strategy", "simulation"])["in_sample"].transform("max")
    assert (result.simulations["in_sample"] == best)[result.simulations["selected"]].all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["random", "scipy", "nevergrad:DE", "cma", Sharpe()])
def test_a_strategys_figures_do_not_depend_on_its_place_in_the_list(method):
    def one_side(forecast, can_short):
        return np.ones(len(forecast.high)), np.zeros(len(forecast.high))

    options = {"data": tail(), "window": 40, "optimizer": method, "budget": 25, "model": "range"}
    own = Strategy("own", one_side)
    orders = (["always_on"], ["maxdiff", "always_on"], ["always_on", own, "maxdiff"], [own, "always_on"])
    runs = [bt.backtest_forecasts("X", 3, strategies=order, **options) for order in orders]
    alone = table(runs[0]).query("strategy == 'always_on'").reset_index(drop=True)
    for run in runs[1:]:
        again = table(run).query("strategy == 'always_on'").reset_index(drop=True)
        pd.testing.assert_frame_equal(again, alone, check_exact=True)


def test_two_strategies_of_the_same_sizes_are_searched_with_seeds_of_their_own():
    both = [Strategy(name, STRATEGIES["always_on"].sizes) for name in ("one", "other")]
    options = {"data": tail(), "window": 40, "optimizer": "random", "budget": 20}
    rows = bt.backtest_forecasts("X", 3, strategies=both, **options).simulations
    one, other = (rows.loc[rows["strategy"] == name, "high_offset"].tolist() for name in ("one", "other"))
    assert one != other


@pytest.mark.parametrize(
    "x", [np.array([0.5, 0.0]), np.array([np.nan, 0.0]), np.zeros(3), np.zeros(1), None, "x", 0.0]
)
def test_an_optimizer_that_leaves_the_box_is_one_line(x):
    fixed = Fixed(Optimum(x, 1.0, 1, 0.0, "fixed"))
    with pytest.raises(bt.OptimizerError, match=r"optimizer fixed gave x = .*no point of the box") as caught:
        bt.backtest_forecasts("X", 3, data=tail(), window=40, optimizer=fixed)
    assert "\n" not in str(caught.value)


def test_an_optimizer_is_not_asked_about_a_yardstick():
    fixed = Fixed(Optimum(np.array([0.01, -0.01]), 1.0, 1, 0.0, "fixed"))
    rows = bt.backtest_forecasts("X", 3, data=tail(), window=40, optimizer=fixed).simulations
    assert set(rows.query("strategy == 'untuned'")["high_offset"]) == {0.0}
    asked = rows.query("strategy != 'untuned'")
    assert set(asked["high_offset"].dropna()) <= {0.01}
    assert (asked["evaluations"] == 1).all()
    assert (asked["high_offset"].isna() == (asked["in_sample"] == 0.0)).all()  # no order is a candidate


def test_an_optimizer_without_a_name_is_refused():
    class Nameless(Optimizer):
        def optimize(self, objective, **options):
            raise AssertionError

    with pytest.raises(bt.SettingError, match="optimizer is a Nameless without a name"):
        bt.backtest_forecasts("X", 3, data=tail(), optimizer=Nameless())


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [np.int64(3), np.int8(3), np.uint32(3), np.uint64(3), np.array(3), np.array(3, dtype=np.uint16)]
)
def test_a_seed_is_the_same_whatever_holds_it(seed):
    options = {"data": tail(), "window": 40, "optimizer": "random", "budget": 10}
    typed, plain = (bt.backtest_forecasts("X", 2, seed=s, **options) for s in (seed, 3))
    pd.testing.assert_frame_equal(table(typed), table(plain), check_exact=True)
    assert (typed.settings.seed, type(typed.settings.seed)) == (3, int)
    assert typed.settings == plain.settings


@pytest.mark.parametrize(
    "seed", [np.float64(3.0), np.array([3]), np.array(3.0), np.bool_(True), "3", None, -1]
)
def test_what_is_no_whole_number_is_no_seed(seed):
    with pytest.raises(bt.SettingError, match="seed is"):
        bt.backtest_forecasts("X", 2, data=tail(), seed=seed)


# ---- a forecast with a hole


class Holed(Forecaster):
    """The range forecaster, without a forecast of some bars."""

    name, warm_up, causal = "holed", Range.warm_up, True

    def __init__(self, *holes, value=np.nan, rows=(0, 1, 2)):
        self.holes, self.value, self.rows = list(holes), value, list(rows)

    def moves(self, bars):
        moves = np.array(Range().moves(bars))
        moves[np.ix_(self.rows, self.holes)] = self.value
        return tuple(moves)


def without(*holes):
    """Sizes of maxdiff, none on some bars."""

    def sizes(forecast, can_short):
        sides = [side.copy() for side in maxdiff(forecast, can_short)]
        for side in sides:
            side[list(holes)] = 0.0
        return tuple(sides)

    return Strategy("maxdiff", sizes)


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic", "published"])
@pytest.mark.parametrize("rows", [(0, 1, 2), (0,), (1,)])
def test_a_hole_in_a_forecast_costs_its_own_bar_alone(rows, fills):
    """The same to the bit as a strategy that has no order on these bars: tuned on, traded, first and last."""
    holes, bars = (110, 111, 150, 159), tail()
    box = ((-0.03, 0.03), (-0.03, 0.03))  # one that fits is that of the forecasts that there are
    common = {"data": bars, "window": 50, "fills": fills, "bounds": box}
    holed = bt.backtest_forecasts("X", 10, strategies=["maxdiff"], model=Holed(*holes, rows=rows), **common)
    whole = bt.backtest_forecasts("X", 10, strategies=[without(*holes)], model=Holed(), **common)
    pd.testing.assert_frame_equal(
        holed.simulations.query("strategy == 'maxdiff'").drop(columns="optimizer_seconds"),
        whole.simulations.query("strategy == 'maxdiff'").drop(columns="optimizer_seconds"),
        check_exact=True,
    )
    rows_of = [
        result.returns[result.returns.strategy.isin(["maxdiff", "buy_hold"])].reset_index(drop=True)
        for result in (holed, whole)
    ]
    pd.testing.assert_frame_equal(*rows_of, check_exact=True)
    assert np.isfinite(holed.summary.select_dtypes("number").to_numpy()).any()


def test_bars_without_a_forecast_are_counted_in_a_note_and_empty_in_the_inputs():
    result = bt.backtest_forecasts("X", 10, data=tail(), window=50, model=Holed(120, 121, 155))
    note = next(note for note in result.facts["notes"] if note["code"] == "forecast_holes")
    assert note["sentence"] == "3 of 60 bars have no forecast, and so no order"
    assert note["date"] == str(tail().timestamps[120])[:10]
    assert result.inputs["high_forecast"].isna().to_numpy().nonzero()[0].tolist() == [20, 21, 55]
    assert (result.inputs.loc[[20, 21, 55], ["maxdiff:long", "maxdiff:short"]] == 0.0).all(axis=None)


def test_a_window_without_any_forecast_trades_nothing():
    result = bt.backtest_forecasts("X", 10, data=tail(), window=20, model=Holed(*range(130, 155)))
    first = result.simulations.query("simulation == 0 and strategy == 'maxdiff'")
    assert first["in_sample"].tolist() == [0.0, 0.0]
    assert result.returns.query("strategy == 'maxdiff'")["trades"].to_numpy()[:5].sum() == 0


@pytest.mark.parametrize(("row", "value"), [(0, np.inf), (1, -np.inf)])
def test_an_infinite_forecast_is_refused(row, value):
    with pytest.raises(bt.ForecasterError, match=r"\(bar 120\) by model 'holed' is infinite") as caught:
        bt.backtest_forecasts("X", 10, data=tail(), window=50, model=Holed(120, value=value, rows=(row,)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", [95, 150])
def test_forecasts_that_end_before_any_bar_is_traded_are_refused(end):
    with pytest.raises(bt.ForecasterError, match=r"no forecast from .* its last is of .*--end"):
        bt.backtest_forecasts("X", 10, data=tail(), window=50, model=Holed(*range(end, 160)))


def test_a_hole_that_no_window_needs_costs_nothing():
    holed, whole = (
        bt.backtest_forecasts("X", 10, data=tail(), window=50, model=model) for model in (Holed(60), Holed())
    )
    pd.testing.assert_frame_equal(table(holed), table(whole), check_exact=True)


def test_a_forecast_that_begins_late_is_too_few_bars():
    with pytest.raises(bt.BarsError, match="before the first forecast"):
        bt.backtest_forecasts("X", 10, data=tail(), window=50, model=Holed(*range(130)))


def test_a_model_that_forecasts_nothing_says_so():
    with pytest.raises(bt.ForecasterError, match="made no forecast of any bar of X"):
        bt.backtest_forecasts("X", 10, data=tail(), window=50, model=Holed(*range(160)))


# ---- strategies that never trade say why


def sizes_of(long, short):
    def sizes(forecast, can_short):
        ones = np.ones(len(forecast.high))
        return long * ones, short * ones * can_short

    return Strategy("own", sizes)


@pytest.mark.parametrize(
    ("asset", "strategy", "options", "reason"),
    [
        ("crypto", sizes_of(0, 1), {}, "its side is never long in these bars and shorts are not allowed"),
        ("stock", sizes_of(0, 0), {}, "its side is neither long nor short in any of these bars"),
        (
            "stock", sizes_of(1, 0), {"bounds": ((0.0, 0.0), (-5.0, -5.0))},
            "it had an order in 3 bars, and none was filled",
        ),
        ("stock", sizes_of(1, 1), {}, ""),
    ],
)  # fmt: skip
def test_a_strategy_that_never_traded_says_why(asset, strategy, options, reason):
    result = bt.backtest_forecasts(
        "X", 3, data=tail(), window=40, asset=asset, strategies=[strategy], **options
    )
    rows = result.summary.set_index("strategy")
    assert result.idle.get("own", "") == reason
    assert (rows.loc["own"].trades == 0) == bool(reason)
    assert "buy_hold" not in result.idle


def test_the_times_of_the_exchange_are_kept_bar_by_bar():
    """Bars stamped at the close, 15:30 of Kolkata."""
    data = frame(n=120).set_index("Date").shift(freq="15.5h").tz_localize("Asia/Kolkata")
    result = bt.backtest_forecasts("X", 3, data=data, window=40)
    for table in (result.returns, result.configurations):
        ahead = table[table["strategy"] == "maxdiff"].drop_duplicates("timestamp")
        assert ahead["local"].tolist() == data.index.tz_localize(None)[-3:].tolist()
        assert (ahead["local"] - ahead["timestamp"] == pd.Timedelta(hours=5.5)).all()


def test_windows_tuned_a_few_at_a_time_are_those_tuned_together(monkeypatch):
    """Of a long series no more are held at once than a bound; its progress is told in shares up to 1."""
    bars, chosen = tail(), bt.backtest.Settings(num_simulations=7, window=40)
    together = bt.backtest.run_backtest(bars, chosen)
    monkeypatch.setattr("backtune.backtest.tuning.BARS_AT_ONCE", 100)
    shares = []
    few = bt.backtest.run_backtest(bars, chosen, part=shares.append)
    for name, table in together.tables.items():
        own = few.tables[name].drop(columns="optimizer_seconds", errors="ignore")
        pd.testing.assert_frame_equal(
            own, table.drop(columns="optimizer_seconds", errors="ignore"), check_exact=True
        )
    assert len(shares) == 3 * 4  # strategies, and parts of two windows
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_table_of_exits_with_other_columns_is_the_one_of_its_rows():
    """Rows one after the other, a window's exits together; a column that one has not is NaN there."""
    first = {"simulation": np.arange(3), "at_eod": np.array([True, False, True]), "x": np.arange(3.0)}
    second = {"simulation": np.arange(3), "x": np.ones(3), "kind": ["a", "b", "c"], "count": np.arange(3)}
    third = {"simulation": np.arange(2), "x": [1, 2]}
    exits = [[first, second], [third]]
    rows = [
        {name: column[place] for name, column in columns.items()}
        for of_one in exits
        for place in range(len(of_one[0]["simulation"]))
        for columns in of_one
    ]
    table = simulation_table(exits)
    assert list(table) == list(pd.DataFrame(rows))
    assert table["at_eod"].tolist()[:5:2] == [True, False, True]
    assert table["at_eod"].isna().tolist() == [False, True] * 3 + [True, True]
    pd.testing.assert_frame_equal(table.drop(columns="at_eod"), pd.DataFrame(rows).drop(columns="at_eod"))


def test_parts_of_a_table_are_put_together_as_frames_are():
    """To the bit and of the same types, also where one part has not a column of another's or another type."""
    rng = np.random.default_rng(0)

    def part(rows, **more):
        word = np.full(rows, "word", object)
        return {"word": word, "x": rng.random(rows), "n": np.arange(rows), "yes": np.ones(rows, bool), **more}

    alike = [part(3), part(0), part(2)]
    costs = [part(3), part(2, costs=np.ones(2))]
    kinds = [part(3), {**part(2), "n": np.array([0.5, np.nan])}]
    for parts in (alike, costs, kinds):
        together = pd.concat([pd.DataFrame(one) for one in parts if len(one["x"])], ignore_index=True)
        pd.testing.assert_frame_equal(stacked(parts), together, check_exact=True)


def test_columns_of_a_part_that_differ_in_length_are_refused():
    """Two such parts may come to the same length together: every row behind the first would be wrong."""
    parts = [{"x": np.ones(3), "y": np.ones(2)}, {"x": np.ones(2), "y": np.ones(3)}]
    with pytest.raises(ValueError, match="same length"):
        stacked(parts)


@pytest.mark.slow
@pytest.mark.parametrize("far", ["2262-06-01", "2600-06-01", "9999-12-31"])
def test_a_date_further_than_nanoseconds_reach_is_that_date(far):
    """NumPy lets it wrap round in a comparison: end=2600-06-01 ended the sample in 2015."""
    ended, plain = (bt.backtest_forecasts("SP500", 2, end=end, window=60) for end in (far, None))
    assert ended.returns.equals(plain.returns)
    with pytest.raises(bt.BarsError, match=f"start is {far}, and 0 bars of SP500 are as late"):
        bt.backtest_forecasts("SP500", 2, start=far, window=60)


def test_a_date_is_read_as_the_calendar_writes_it():
    """In each way that ISO 8601 has: NumPy would take 20101231 for a year."""
    assert {bt.Settings(end=text).end for text in ("2010-12-31", "20101231", "2010-W52-5")} == {"2010-12-31"}
