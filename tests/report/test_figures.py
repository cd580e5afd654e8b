"""Charts hold what the tables say, and plotly draws those of a notebook."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.backtest.places import bars_tuned_on
from backtune.bars import load_sample
from backtune.report import figures
from backtune.report.sections import _exits, _forecast, _plateau
from backtune.report.surface import surface


@pytest.fixture(scope="module", name="result")
def _tables(sample_result):
    return sample_result


def lines(chart, panel=0):
    return {line["name"]: line["y"] for line in chart["panels"][panel]["lines"]}


def test_growth_ends_at_the_causal_return_of_the_summary(result):
    ends = lines(figures.equity_chart(result, "maxdiff"))
    for row in result.summary.itertuples():
        assert ends[row.strategy][-1] == pytest.approx(100.0 * (1.0 + row.causal_return), abs=1e-10)


def test_drawdown_reaches_that_of_the_summary(result):
    falls = lines(figures.bracket_chart(result, "always_on"))
    deepest = lines(figures.equity_chart(result, "always_on"), 1)["always_on"].min()
    grown = np.concatenate([[100.0], falls["causal: what bars prove"]])
    assert deepest == pytest.approx(100.0 * (grown / np.maximum.accumulate(grown) - 1.0).min(), abs=1e-10)


def test_bracket_ends_at_both_returns_of_the_summary(result):
    low, high = lines(figures.bracket_chart(result, "always_on")).values()
    row = result.summary.set_index("strategy").loc["always_on"]
    assert low[-1] == pytest.approx(100.0 * (1.0 + row.causal_return), abs=1e-10)
    assert high[-1] == pytest.approx(100.0 * (1.0 + row.optimistic_return), abs=1e-10)


def test_costs_are_those_of_the_summary(result):
    before, after, fees = lines(figures.costs_chart(result, "maxdiff")).values()
    row = result.summary.set_index("strategy").loc["maxdiff"]
    assert fees[-1] == pytest.approx(100.0 * row.costs)
    assert before[-1] - after[-1] == pytest.approx(fees[-1])


def test_policy_bars_are_coloured_by_what_was_selected(result):
    close, profit = lines(figures.exits_chart(result, "maxdiff")).values()
    chosen = result.chosen("maxdiff").sort_values("simulation")["exit"].to_numpy() == "close"
    assert np.isfinite(close).tolist() == chosen.tolist()
    assert np.isfinite(profit).tolist() == (~chosen).tolist()


@pytest.mark.parametrize("walk", [{"gap": 9}, {"anchored": True}])
def test_charts_know_which_bars_were_tuned_on_and_which_are_out_of_sample(walk):
    frame = load_sample("SP500").frame.iloc[-200:]
    result = bt.backtest_forecasts("SP500", 20, data=frame, window=40, model="range", **walk)
    row = result.summary.set_index("strategy").loc["maxdiff"]
    inside = lines(figures.samples_chart(result, "maxdiff"))["in sample"]
    assert inside.mean() == pytest.approx(1e4 * row.in_sample_mean)
    ahead = np.nansum(list(lines(figures.exits_chart(result, "maxdiff")).values()), axis=0)
    scores = result.simulations.query("strategy == 'maxdiff'").groupby("simulation")["objective"]
    apart = 1e4 * (scores.max() - scores.min()).to_numpy()
    assert ahead == pytest.approx(apart / bars_tuned_on(result, result.chosen("maxdiff")), abs=1e-9)
    high, _ = figures.forecast_chart(result)["points"]
    assert high["y"] == pytest.approx(100.0 * result.inputs["high"].to_numpy()[-20:])
    errors = (result.inputs["high"] - result.inputs["high_forecast"]).to_numpy()[-20:]
    assert f"{1e4 * np.abs(errors).mean():.1f}" in _forecast(result)


def with_simulations(result, simulations):
    return replace(result, tables={**result.tables, "simulations": simulations})


def test_a_policy_chosen_in_a_tie_is_said(result):
    tied = with_simulations(result, result.simulations.assign(objective=0.01))
    assert "In 30 of 30 all did equally well in sample." in _exits(tied, "maxdiff")
    apart = result.simulations.assign(objective=0.01 * result.simulations["close_at_eod"])
    assert "equally well" not in _exits(with_simulations(result, apart), "maxdiff")


def test_parameters_of_any_kind_are_drawn(result):
    """A strategy of one's own may be tuned over words, whole numbers and switches: a panel each."""
    chosen = result.simulations.drop(columns=["high_offset", "low_offset"])
    even = chosen["simulation"] % 2 == 0
    mine = chosen.assign(rule=np.where(even, "fast", "slow"), length=chosen["simulation"], guarded=even)
    chart = figures.parameters_chart(with_simulations(result, mine), "maxdiff")
    titles = ["rule (0 fast, 1 slow)", "length", "guarded"]
    assert [panel["title"] for panel in chart["panels"]] == titles
    assert chart["panels"][0]["lines"][0]["y"][:3].tolist() == [0.0, 1.0, 0.0]
    for panel in chart["panels"]:
        assert len(panel["lines"][0]["y"]) == len(chart["x"]) == 30
        assert np.isfinite(panel["lines"][0]["y"]).all()


def test_offsets_are_in_basis_points_and_in_one_panel(result):
    chart = figures.parameters_chart(result, "maxdiff")
    assert [panel["unit"] for panel in chart["panels"]] == ["bp"]
    chosen = result.chosen("maxdiff").sort_values("simulation")
    np.testing.assert_allclose(lines(chart)["low offset"], 1e4 * chosen["low_offset"].to_numpy())


def test_a_simulation_without_an_order_has_a_map_without_an_optimum_and_says_so(result):
    nan = float("nan")
    idle = replace(surface(result, points=11), x=(nan, nan), value=0.0, plateau=((nan, nan), (nan, nan)))
    assert figures.surface_chart(idle)["optimum"] is None
    assert "placed no order in the last simulation" in _plateau(idle)


def test_the_optimum_is_in_the_middle_of_a_cross_as_wide_as_the_plateau(result):
    drawn = surface(result, points=11)
    chart = figures.surface_chart(drawn)
    assert chart["optimum"] == [1e4 * offset for offset in drawn.x]
    assert chart["plateau"] == [[1e4 * edge for edge in pair] for pair in drawn.plateau]
    np.testing.assert_allclose(chart["z"].reshape(11, 11), 100.0 * drawn.totals)


def test_an_optimum_at_the_edge_of_the_box_is_said_to_be(result):
    drawn = surface(result, points=11)
    inside, outside = replace(drawn, x=(0.001, 0.002)), replace(drawn, x=(0.001, float(drawn.low_offsets[0])))
    assert "edge of the offsets" not in _plateau(inside)
    assert "edge of the offsets" in _plateau(outside)


def test_histogram_counts_every_traded_bar(result):
    held, traded = lines(figures.distribution_chart(result, "maxdiff")).values()
    bars = result.bars_of("maxdiff")
    assert traded.sum() == int((bars["trades"] > 0).sum())
    assert held.sum() == len(bars)


@pytest.mark.needs("plotly")
def test_a_notebook_gets_figures_of_plotly(sample_result):
    from plotly.graph_objects import Figure

    for drawn in (
        bt.plot.equity(sample_result),
        bt.plot.surface(sample_result, 3),
        bt.plot.parameters(sample_result),
    ):
        assert isinstance(drawn, Figure)
        assert drawn.layout.legend.y > 1  # above the figure: below it are the dates
        assert "SP500" in drawn.layout.title.text
    growth = bt.plot.equity(sample_result).data[0]
    assert growth.y[-1] == figures.growth(sample_result.bars_of(growth.name)["causal"])[-1]
    heat = bt.plot.surface(sample_result, 3).data[0]
    shown = surface(sample_result, 3)
    assert heat.z[2][5] == pytest.approx(100.0 * shown.totals[5, 2])


def test_plotly_is_asked_for_where_it_is_missing(sample_result, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(bt.BacktuneError, match="pip install 'backtune"):
        bt.plot.equity(sample_result)


def test_times_are_whole_seconds():
    stamps = pd.Series([pd.Timestamp("2020-01-01 00:00:00.5"), pd.Timestamp("2020-01-02")])
    assert figures.times_of(stamps).dtype == np.dtype("datetime64[s]")
