"""Figures of one result, for a notebook: ``bt.plot.equity(result)``."""

from __future__ import annotations

from typing import Any

from backtune.backtest import Result
from backtune.errors import one_of
from backtune.report.figures import equity_figure, graph_object, parameters_figure, surface_figure
from backtune.report.surface import surface as profit_surface


def equity(result: Result, strategy: str | None = None) -> Any:
    """Out-of-sample equity and drawdown of every strategy, as a plotly Figure; `strategy` in bold."""
    return graph_object(equity_figure(result, _tuned(result, strategy)), f"{result.symbol}, out of sample")


def surface(result: Result, simulation: int = -1, strategy: str | None = None) -> Any:
    """Profit surface of one simulation with its optimum and plateau, as a plotly Figure."""
    drawn = profit_surface(result, simulation, strategy)
    title = f"{result.symbol}, {drawn.strategy}, {drawn.exit}, simulation {drawn.simulation}: in sample"
    return graph_object(surface_figure(drawn), title)


def parameters(result: Result, strategy: str | None = None) -> Any:
    """Parameters that each simulation chose, as a plotly Figure."""
    name = _tuned(result, strategy)
    title = f"{result.symbol}, {name}: parameters of each simulation"
    return graph_object(parameters_figure(result, name), title)


def _tuned(result: Result, strategy: str | None) -> str:
    return one_of("tuned strategy", strategy or result.tuned[0], result.tuned)
