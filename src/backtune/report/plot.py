"""Figures of one result, for a notebook: ``bt.plot.equity(result)``."""

from __future__ import annotations

from typing import Any

from backtune.backtest import Result
from backtune.errors import BacktuneError, one_of
from backtune.report.figures import PINK, Chart, equity_chart, parameters_chart, surface_chart
from backtune.report.surface import surface as profit_surface

GAP = 0.08  # between panels, of the height


def equity(result: Result, strategy: str | None = None) -> Any:
    """Out-of-sample growth and drawdown of every strategy, as a plotly Figure; `strategy` in bold."""
    return _lines(equity_chart(result, _tuned(result, strategy)), f"{result.symbol}, out of sample")


def surface(result: Result, simulation: int = -1, strategy: str | None = None) -> Any:
    """Profit surface of one simulation with its optimum and plateau, as a plotly Figure."""
    drawn = profit_surface(result, simulation, strategy)
    title = f"{result.symbol}, {drawn.strategy}, {drawn.exit}, simulation {drawn.simulation}: in sample"
    return _heat(surface_chart(drawn), title)


def parameters(result: Result, strategy: str | None = None) -> Any:
    """Parameters that each simulation chose, as a plotly Figure."""
    name = _tuned(result, strategy)
    title = f"{result.symbol}, {name}: parameters of each simulation"
    return _lines(parameters_chart(result, name), title)


def _tuned(result: Result, strategy: str | None) -> str:
    return one_of("tuned strategy", strategy or result.tuned[0], result.tuned)


def _lines(chart: Chart, title: str) -> Any:
    figure = _figure(title)
    panels, seen = chart["panels"], set()
    heights = [one["height"] for one in panels]
    free, top, layout = 1.0 - GAP * (len(panels) - 1), 1.0, {}
    for place, (one, height) in enumerate(zip(panels, heights, strict=True), start=1):
        number, share = "" if place == 1 else str(place), free * height / sum(heights)
        text = f"{one['title']}, {one['unit']}" if one["unit"] else one["title"]
        layout[f"yaxis{number}"] = {"domain": [max(top - share, 0.0), top], "title": {"text": text}}
        top -= share + GAP
        for line in one["lines"]:
            drawn = {"color": line["colour"], "width": line.get("width", 1.8)}
            drawn |= {"dash": "dot" if line.get("dash") else "solid"}
            figure.add_scatter(
                x=chart["x"], y=line["y"], name=line["name"], yaxis=f"y{number}", mode="lines",
                legendgroup=line["name"], showlegend=line["name"] not in seen,
                line={**drawn, "shape": "hv" if line.get("step") else "linear"},
            )  # fmt: skip
            seen.add(line["name"])
    last = "" if len(panels) == 1 else str(len(panels))
    return figure.update_layout(**layout, xaxis={"anchor": f"y{last}"}, hovermode="x unified")


def _heat(chart: Chart, title: str) -> Any:
    figure, (across, along) = _figure(title), chart["titles"]
    totals = chart["z"].reshape(len(chart["x"]), len(chart["y"])).T
    figure.add_heatmap(x=chart["x"], y=chart["y"], z=totals, colorbar={"title": {"text": chart["unit"]}})
    if chart["optimum"]:
        (x, y), ((left, right), (bottom, top)) = chart["optimum"], chart["plateau"]
        ends = {"x": [left, right, None, x, x], "y": [y, y, None, bottom, top]}
        for colour, width in (("#ffffff", 5), (PINK, 2.5)):  # the pale edge is for the dark places
            figure.add_scatter(**ends, mode="lines", name="plateau", line={"color": colour, "width": width})
        marker = {"size": 9, "color": "#ffffff", "line": {"color": PINK, "width": 2.5}}
        figure.add_scatter(x=[x], y=[y], mode="markers", name="optimum", marker=marker)
    axes = {"xaxis": {"title": {"text": across}}, "yaxis": {"title": {"text": along}}}
    return figure.update_layout(**axes, showlegend=False)


def _figure(title: str) -> Any:
    """An empty plotly Figure.

    Raises
    ------
    BacktuneError
        plotly is not installed.
    """
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise BacktuneError(
            "figures need plotly, which is not installed; pip install 'backtune[plot]'"
        ) from None
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}  # below, it would cover the dates
    return Figure().update_layout(title={"text": title}, template="plotly_white", legend=legend)
