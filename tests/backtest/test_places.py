"""Where simulations tuned and traded, and figures a bar by the bars that they were tuned on."""

import numpy as np
import pytest

import backtune as bt
from backtune.backtest.places import bars_out_of_sample, bars_tuned_on, first_traded, tuned_on_words
from backtune.bars import load_sample

WALKS = (
    {},
    {"gap": 7},
    {"anchored": True},
    {"anchored": True, "gap": 7, "horizon": 3},
)


@pytest.fixture(scope="module", name="results")
def _results():
    frame = load_sample("SP500").frame.iloc[-220:]
    common = {"data": frame, "num_simulations": 12, "window": 40, "model": "range", "fee": 0.0}
    return [bt.backtest_forecasts("SP500", **common, **walk) for walk in WALKS]


@pytest.mark.parametrize("number", range(len(WALKS)))
def test_a_mean_a_bar_in_sample_is_by_the_bars_that_were_tuned_on(results, number):
    """An anchored window grows; divided by `window` the mean in sample was several times what it is."""
    result = results[number]
    windows = list(
        result.settings.walk_forward(result.bars).split(len(result.bars), max(result.forecast.first, 1))
    )
    sizes = np.array([window.tune.stop - window.tune.start for window in windows])
    assert (sizes[-1] > sizes[0]) == ("anchored" in WALKS[number])
    for row in result.summary[result.summary["strategy"] != "buy_hold"].itertuples():
        chosen = result.chosen(row.strategy)
        assert bars_tuned_on(result, chosen).tolist() == sizes.tolist()
        mean = (chosen["in_sample"].to_numpy() / sizes).mean()
        assert row.in_sample_mean == pytest.approx(mean, abs=1e-15)
        assert row.gap == pytest.approx(mean - row.out_of_sample_mean, abs=1e-15)


@pytest.mark.parametrize("number", range(len(WALKS)))
def test_bars_out_of_sample_are_those_that_were_traded(results, number):
    result = results[number]
    traded = result.returns["timestamp"].unique()
    assert (bars_out_of_sample(result)["timestamp"].to_numpy() == traded).all()
    assert first_traded(result) == len(result.inputs) - len(traded)


def test_the_number_of_bars_is_said_as_the_least_where_windows_grow(results):
    words = [tuned_on_words(result.options) for result in results]
    assert words == ["40 bars"] * 2 + ["all bars from the first on (40 or more)"] * 2
