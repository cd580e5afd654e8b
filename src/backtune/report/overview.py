"""The first screen: what the run earned as one portfolio, when, and how deep it fell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from backtune.metrics.performance import Performance
from backtune.metrics.periods import rolling_figures, rolling_window
from backtune.metrics.portfolio import PortfolioResult
from backtune.report.figures import (
    AMBER,
    BLUE,
    GREY,
    PURPLE,
    TEAL,
    Chart,
    growth_chart,
    line,
    panel,
    times_of,
)
from backtune.report.glossary import term
from backtune.report.html import chart, method, number, p_value, percent, table, text, toned
from backtune.verdict.luck import intervals
from backtune.verdict.rule import DEPENDS, EDGE, NO_SIGN, NONE, UNKNOWN, Judgement

LUCK = {
    EDGE: "By the written rule that is more than luck explains.",
    DEPENDS: "Whether it earns depends on the order of prices inside the bars, which nobody knows.",
    UNKNOWN: "So few bars cannot tell whether that is skill or luck.",
    NO_SIGN: "Nothing in it points to more than luck.",
    NONE: "There is no edge in it.",
}
SHOWN = 4  # symbols that a title names
WEIGHTS = {"equal": "equal weights", "inverse_volatility": "weights by inverse volatility"}


def symbols_text(symbols: Sequence[str]) -> str:
    """Names of symbols as one says them."""
    names = list(symbols)
    if len(names) > SHOWN:
        return f"{', '.join(names[: SHOWN - 1])} and {len(names) - SHOWN + 1:,} more symbols"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def day(moment: pd.Timestamp) -> str:
    """A date; with the time where it has one."""
    return f"{moment:%Y-%m-%d}" if moment == moment.normalize() else f"{moment:%Y-%m-%d %H:%M}"


def summary_sentence(portfolio: PortfolioResult, judgement: Judgement) -> str:
    """What was earned, against what, and whether that may be luck: plain words, as HTML."""
    mine, held = portfolio.figures(), portfolio.figures("market")
    earned = "earned" if mine.total_return > 0 else "lost"
    versus = f"holding {'them' if portfolio.symbols > 1 else 'it'} {_moved(held.total_return)}"
    if portfolio.benchmark:
        versus += f", {text(portfolio.benchmark)} {_moved(portfolio.figures('benchmark').total_return)}"
    times = portfolio.by_clock().index
    first, last = (day(times[place]) for place in (0, -1))
    luck = LUCK[judgement.verdict]
    if not as_judged(portfolio):
        luck = f"Judged with equal weights: {luck[0].lower()}{luck[1:]}"
    return (
        f"From {first} to {last} it {earned} <b>{percent(abs(mine.total_return), signed=False)}</b> "
        f"{term('after costs')}, {term('out of sample')}; {versus}. {luck}"
    )


def as_judged(portfolio: PortfolioResult) -> bool:
    """Whether the portfolio is the one that the verdict is on: of equal weights, or of one symbol alone."""
    return portfolio.weighting == "equal"


def _moved(value: float) -> str:
    return f"{'earned' if value > 0 else 'lost'} {percent(abs(value), signed=False)}"


def key_figures(portfolio: PortfolioResult, judgement: Judgement) -> str:
    """The figures that one asks for first."""
    mine, optimistic, held = (portfolio.figures(name) for name in ("causal", "optimistic", "market"))
    order, falls = judgement.evidence.order, portfolio.drawdowns(1)
    low, high = intervals(portfolio.returns.to_numpy(), portfolio.periods_a_year).sharpe
    when = (
        f"{day(falls['start'][0])} to its low on {day(falls['trough'][0])}" if len(falls) else "never below"
    )
    share = order.ambiguous / order.trades if order.trades else 0.0
    weighed = "" if as_judged(portfolio) else ", with equal weights"
    _, beta = portfolio.against
    counted = "" if portfolio.fills == "causal" else f", by the {text(portfolio.fills)} rule"
    facts = [
        (
            f"Return {term('after costs')}",
            toned(mine.total_return, percent(mine.total_return)),
            f"{percent(mine.annual_return)} a year",
        ),
        (
            f"Against {term('held', 'holding')}",
            toned(mine.total_return - held.total_return, percent(mine.total_return - held.total_return)),
            f"held: {percent(held.total_return)}{_benchmark(portfolio)}, beta {number(beta)}",
        ),
        (
            term("Sharpe ratio"),
            number(mine.sharpe),
            f"95% interval {number(low)} to {number(high)}",
        ),
        (f"Worst {term('drawdown')}", percent(mine.max_drawdown), when),
        (f"Is it luck? {term('p-value')}", p_value(judgement.p_value), text(judgement.label + weighed)),
        (
            "Costs paid",
            percent(portfolio.costs, 2, signed=False),
            _of_costs(portfolio, counted),
        ),
        (
            term("exposure", "Exposure"),
            percent(portfolio.exposure, 0, signed=False),
            f"of the capital; {term('turnover')} {number(portfolio.turnover, 0, unit='x')} a year{counted}",
        ),
        (
            "Unknown about fills",
            f"{percent(mine.total_return)} to {percent(optimistic.total_return)}",
            f"{percent(share, 0, signed=False)} of {order.trades:,} fills{order.counted_by} are "
            f"{term('ambiguous')}",
        ),
    ]
    cells = "".join(
        f"<div><dt>{name}</dt><dd><b>{value}</b><small>{more}</small></dd></div>"
        for name, value, more in facts
    )
    return f'<dl class="keys">{cells}</dl>'


def _benchmark(portfolio: PortfolioResult) -> str:
    if not portfolio.benchmark:
        return ""
    return f", {text(portfolio.benchmark)} {percent(portfolio.figures('benchmark').total_return)}"


def _of_costs(portfolio: PortfolioResult, counted: str) -> str:
    """What stands below the costs; the return before them only where both are of the same fills."""
    if not math.isfinite(portfolio.costs):
        return "not told apart: they are in the returns"
    return f"of capital{counted or f'; before them {percent(_before_costs(portfolio))}'}"


def _before_costs(portfolio: PortfolioResult) -> float:
    gross = portfolio.bars["causal"].to_numpy() + portfolio.bars["costs"].to_numpy()
    return float(np.prod(1.0 + gross) - 1.0)


def overview_charts(portfolio: PortfolioResult) -> dict[str, Chart]:
    """Equity and drawdown of the portfolio, and its rolling figures where it is long enough."""
    bars = portfolio.bars
    series = [
        (f"{portfolio.strategy}, after costs", bars["causal"].to_numpy(), BLUE, 2.5),
        ("the assets held", bars["market"].to_numpy(), GREY, 1.4),
    ]
    if portfolio.benchmark:
        series.append((portfolio.benchmark, bars["benchmark"].to_numpy(), AMBER, 1.4))
    charts = {"portfolio": growth_chart(times_of(bars.index), series)}
    window = rolling_window(len(bars), portfolio.periods_a_year)
    if window:
        rolled = rolling_figures(portfolio.returns, window, portfolio.periods_a_year)
        charts["rolling"] = {
            "x": times_of(bars.index),
            "panels": [
                panel(
                    "Sharpe ratio a year",
                    "",
                    [line("Sharpe ratio", rolled["sharpe"], PURPLE)],
                    height=160,
                ),
                panel(
                    "volatility a year",
                    "%",
                    [line("volatility", 100.0 * rolled["volatility"], TEAL)],
                    height=130,
                ),
            ],
        }
    return charts


def overview_sections(portfolio: PortfolioResult) -> str:
    """Equity, months, rolling figures and worst drawdowns, as HTML; the charts are `overview_charts`."""
    window = rolling_window(len(portfolio.bars), portfolio.periods_a_year)
    weights = WEIGHTS.get(portfolio.weighting, f"weights from {portfolio.weighting}")
    several = portfolio.symbols > 1
    made_of = (
        f"{portfolio.symbols:,} symbols, {text(weights)}, rebalanced each bar and aligned by date; a "
        "symbol without a "
        f"bar on a date earns nothing on it. As concentrated as {number(portfolio.effective_symbols, 1)} "
        "equal ones "
        f"({term('effective symbols')})."
    )
    ends = portfolio.figures()
    said = f"Growth of 100 and drawdown: {_told(ends)}"
    parts = [
        '<section aria-labelledby="equity-h"><h2 id="equity-h">Equity and '
        f"drawdown</h2>{chart('portfolio', said)}",
        f'<p class="note">{made_of}</p>' if several else "",
        method(
            "Growth of 100 compounds the return of each bar by the causal rule, costs taken off. Drawdown "
            "is the fall "
            "from the highest value so far. The assets held are bought before the first bar and sold at "
            "the last one, "
            "with the same weights and market costs; a benchmark has no costs."
        ),
        "</section>",
        '<section aria-labelledby="months-h"><h2 id="months-h">Months and '
        f"years</h2>{months_table(portfolio)}",
        method("Returns of the bars of a month, compounded; the year compounds its months."),
        "</section>",
    ]
    if window:
        parts += [
            f'<section aria-labelledby="rolling-h"><h2 id="rolling-h">Rolling over {window} bars</h2>'
            f"{chart('rolling', f'Rolling Sharpe ratio and volatility over {window} bars')}",
            method(
                "Mean and standard deviation (n - 1) of the returns of the last bars, times the bars a year."
            ),
            "</section>",
        ]
    parts.append(
        '<section aria-labelledby="falls-h"><h2 id="falls-h">Worst '
        f"drawdowns</h2>{drawdowns_table(portfolio)}</section>"
    )
    return "".join(parts)


def _told(figures: Performance) -> str:
    ended, worst = 100.0 * (1.0 + figures.total_return), percent(figures.max_drawdown)
    return f"ends at {number(ended, 1)}, deepest drawdown {worst}"


def months_table(portfolio: PortfolioResult) -> str:
    """Months and years, shaded by their return."""
    months = portfolio.months
    values = months.drop(columns="year").to_numpy()
    known = np.abs(values[np.isfinite(values)])
    top = float(known.max()) if len(known) and known.max() > 0.0 else 1.0
    rows = []
    for year, row in months.iloc[::-1].iterrows():
        cells = [_month(value, top) for value in row.drop("year")]
        rows.append((text(year), *cells, f"<b>{toned(row['year'], percent(row['year']))}</b>"))
    return table(("year", *months.columns), rows, kind="months")


def _month(value: float, top: float) -> str:
    if math.isnan(value):
        return ""
    tone = "up" if value > 0 else "down" if value < 0 else "flat"
    shade = f"{0.06 + 0.26 * min(abs(value) / top, 1.0):.2f}"
    return f'<span class="month {tone}" style="--heat:{shade}">{percent(value)}</span>'


def drawdowns_table(portfolio: PortfolioResult) -> str:
    """The deepest falls of the portfolio."""
    falls = portfolio.drawdowns()
    if not len(falls):
        return '<p class="note">It was never below its highest value.</p>'
    rows = [
        (
            percent(row.depth),
            day(row.start),
            day(row.trough),
            day(row.end) if row.end is not pd.NaT else "still lasts",
            f"{row.days:,}",
        )
        for row in falls.itertuples()
    ]
    return table(("depth", "from", "lowest on", "back on", "days"), rows)
