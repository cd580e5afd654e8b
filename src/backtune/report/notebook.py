"""The report's figures as plotly Figures of one result, for a notebook."""

from __future__ import annotations

from typing import Any

from backtune.backtest import BacktestResult
from backtune.errors import one_of
from backtune.report.figures import equity_figure, graph_object, parameters_figure, surface_figure
from backtune.report.surface import surface
from backtune.report.tables import SymbolTables


def plot_equity(result: BacktestResult, strategy: str | None = None) -> Any:
    """See `BacktestResult.plot_equity`."""
    tables = SymbolTables.of_result(result)
    return graph_object(equity_figure(tables, _tuned(tables, strategy)), f"{result.symbol}, out of sample")


def plot_surface(result: BacktestResult, simulation: int = -1, strategy: str | None = None) -> Any:
    """See `BacktestResult.plot_surface`."""
    found = surface(SymbolTables.of_result(result), simulation, strategy)
    title = f"{result.symbol}, {found.strategy}, {found.exit}, simulation {found.simulation}: in sample"
    return graph_object(surface_figure(found), title)


def plot_offsets(result: BacktestResult, strategy: str | None = None) -> Any:
    """See `BacktestResult.plot_offsets`."""
    tables = SymbolTables.of_result(result)
    name = _tuned(tables, strategy)
    return graph_object(
        parameters_figure(tables, name), f"{result.symbol}, {name}: offsets of each simulation"
    )


def _tuned(tables: SymbolTables, strategy: str | None) -> str:
    return one_of("tuned strategy", strategy or tables.tuned[0], tables.tuned)
