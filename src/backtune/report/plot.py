"""Figures of one result, for a notebook: ``bt.plot.equity(result)``."""

from __future__ import annotations

from typing import Any

from backtune.backtest import BacktestResult
from backtune.errors import one_of
from backtune.report.figures import equity_figure, graph_object, parameters_figure, surface_figure
from backtune.report.surface import surface as profit_surface
from backtune.report.tables import SymbolTables


def equity(result: BacktestResult, strategy: str | None = None) -> Any:
    """Out-of-sample equity and drawdown of every strategy, as a plotly Figure; `strategy` in bold."""
    tables = SymbolTables.of_result(result)
    return graph_object(equity_figure(tables, _tuned(tables, strategy)), f"{result.symbol}, out of sample")


def surface(result: BacktestResult, simulation: int = -1, strategy: str | None = None) -> Any:
    """Profit surface of one simulation with its optimum and plateau, as a plotly Figure."""
    drawn = profit_surface(SymbolTables.of_result(result), simulation, strategy)
    title = f"{result.symbol}, {drawn.strategy}, {drawn.exit}, simulation {drawn.simulation}: in sample"
    return graph_object(surface_figure(drawn), title)


def parameters(result: BacktestResult, strategy: str | None = None) -> Any:
    """Parameters that each simulation chose, as a plotly Figure."""
    tables = SymbolTables.of_result(result)
    name = _tuned(tables, strategy)
    title = f"{result.symbol}, {name}: parameters of each simulation"
    return graph_object(parameters_figure(tables, name), title)


def _tuned(tables: SymbolTables, strategy: str | None) -> str:
    return one_of("tuned strategy", strategy or tables.tuned[0], tables.tuned)
