"""Figures hold what the tables say, and plotly accepts them."""

from dataclasses import replace

import numpy as np
import pytest

import backtune as bt
from backtune.report import figures
from backtune.report.sections import _exits, _plateau
from backtune.report.surface import surface


@pytest.fixture(scope="module", name="result")
def _tables(sample_result):
    return sample_result


def test_equity_ends_at_the_causal_return_of_the_summary(result):
    figure = figures.equity_figure(result, "maxdiff")
    ends = {trace["name"]: trace["y"][-1] for trace in figure["data"] if "yaxis" not in trace}
    for row in result.summary.itertuples():
        assert ends[row.strategy] == pytest.approx(100 * row.causal_return, rel=1e-3, abs=1e-3)


def test_bracket_ends_at_both_returns_of_the_summary(result):
    low, high = figures.bracket_figure(result, "always_on")["data"]
    row = result.summary.set_index("strategy").loc["always_on"]
    assert low["y"][-1] == pytest.approx(100 * row.causal_return, rel=1e-3)
    assert high["y"][-1] == pytest.approx(100 * row.optimistic_return, rel=1e-3)


def test_costs_are_those_of_the_summary(result):
    before, after, fees = figures.costs_figure(result, "maxdiff")["data"]
    row = result.summary.set_index("strategy").loc["maxdiff"]
    assert fees["y"][-1] == pytest.approx(100 * row.costs, rel=1e-3)
    assert before["y"][-1] - after["y"][-1] == pytest.approx(fees["y"][-1], abs=1e-3)


def test_policy_bars_are_coloured_by_what_was_selected(result):
    close, profit = figures.exits_figure(result, "maxdiff")["data"]
    chosen = result.chosen("maxdiff").sort_values("simulation")["exit"].to_numpy() == "close"
    assert [value is not None for value in close["y"]] == chosen.tolist()
    assert [value is not None for value in profit["y"]] == (~chosen).tolist()


def with_simulations(result, simulations):
    return replace(result, tables={**result.tables, "simulations": simulations})


def test_a_policy_chosen_in_a_tie_is_drawn_and_said(result):
    """Both policies often do equally well, and a bar without height or border is not there to see."""
    tied = with_simulations(result, result.simulations.assign(objective=0.01))
    for bar in figures.exits_figure(tied, "maxdiff")["data"]:
        assert bar["marker"]["line"]["width"] > 0
        assert bar["marker"]["line"]["color"] == bar["marker"]["color"]
    assert "In 30 of 30 all did equally well in sample." in _exits(tied, "maxdiff")
    apart = result.simulations.assign(objective=0.01 * result.simulations["close_at_eod"])
    assert "equally well" not in _exits(with_simulations(result, apart), "maxdiff")


def test_the_heat_map_fills_its_axes(result):
    drawn = surface(result, points=11)  # 11 centres from end to end of the box
    layout = figures.surface_figure(drawn)["layout"]
    for axis, offsets in (("xaxis", drawn.high_offsets), ("yaxis", drawn.low_offsets)):
        assert layout[axis]["range"] == pytest.approx([1.1e4 * offsets[0], 1.1e4 * offsets[-1]], rel=1e-4)


def test_a_simulation_without_an_order_has_a_map_without_an_optimum_and_says_so(result):
    nan = float("nan")
    idle = replace(surface(result, points=11), x=(nan, nan), value=0.0, plateau=((nan, nan), (nan, nan)))
    assert [trace["type"] for trace in figures.surface_figure(idle)["data"]] == ["heatmap"]
    assert "placed no order in the last simulation" in _plateau(idle)


def test_the_optimum_is_drawn_last_in_the_middle_of_a_cross_as_wide_as_the_plateau(result):
    found = surface(result, points=11)
    *_, cross, optimum = figures.surface_figure(found)["data"]
    assert (optimum["x"], optimum["y"]) == tuple(
        [pytest.approx(1e4 * offset, rel=1e-4)] for offset in found.x
    )
    (left, right), (bottom, top) = found.plateau
    assert cross["x"][:2] == pytest.approx([1e4 * left, 1e4 * right], rel=1e-4)
    assert cross["y"][3:] == pytest.approx([1e4 * bottom, 1e4 * top], rel=1e-4)
    assert cross["y"][:2] == optimum["y"] * 2
    assert cross["x"][3:] == optimum["x"] * 2


def test_an_optimum_at_the_edge_of_the_box_is_said_to_be(result):
    found = surface(result, points=11)
    inside, outside = replace(found, x=(0.001, 0.002)), replace(found, x=(0.001, float(found.low_offsets[0])))
    assert "edge of the offsets" not in _plateau(inside)
    assert "edge of the offsets" in _plateau(outside)


def test_histogram_counts_every_traded_bar(result):
    held, traded = figures.distribution_figure(result, "maxdiff")["data"]
    bars = result.bars_of("maxdiff")
    assert sum(traded["y"]) == int((bars["trades"] > 0).sum())
    assert sum(held["y"]) == len(bars)


def test_every_figure_is_one_that_plotly_accepts(sample_result, result):
    from plotly.graph_objects import Figure

    for figure in (
        figures.samples_figure(result, "maxdiff"),
        figures.forecast_figure(result),
        figures.time_figure(dict(result.seconds)),
        figures.surface_figure(surface(result, points=11)),
    ):
        assert Figure(figure).data
    for made in (
        bt.plot.equity(sample_result),
        bt.plot.surface(sample_result, 3),
        bt.plot.parameters(sample_result),
    ):
        assert isinstance(made, Figure)
        assert made.layout.legend.y > 1  # above the figure: below it are the dates
        assert "SP500" in made.layout.title.text


def test_numbers_that_are_none_are_left_out():
    assert figures._short(np.array([1.23456789, np.nan, np.inf])) == [1.2346, None, None]
