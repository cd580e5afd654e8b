"""What the page says about one symbol: the answer in a row, and its details in the order a reader asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtune.backtest import Result
from backtune.backtest.places import bars_out_of_sample
from backtune.report import figures
from backtune.report.candles import candles_chart, candles_section, trades_of
from backtune.report.figures import Chart
from backtune.report.glossary import term, with_meaning
from backtune.report.html import badge, chart, number, p_value, percent, prose, table, text
from backtune.report.notes import decided_note
from backtune.report.strategy import costs, made_of, placed, share, summary_row, takes_none, times
from backtune.report.surface import PLATEAU, Surface, has_surface, surface
from backtune.report.watched import tried_note, wealth_chart, wealth_note
from backtune.strategies import BUY_HOLD, UNTUNED
from backtune.verdict.evidence import EXPOSURE, NOTHING, Bracket
from backtune.verdict.rule import DEPENDS, Judgement
from backtune.verdict.tried import Beside

AGAINST = {
    NOTHING: "nothing",
    EXPOSURE: "buy-and-hold at the same exposure",
    BUY_HOLD: "buy-and-hold",
    UNTUNED.name: "untuned offsets",
}


def _bp(value: float) -> str:
    return number(1e4 * value, 1, signed=True)


EXIT_WORDS = {
    "close": "at the close",
    "take_profit": "at the take-profit, else at the close",
    "hold": "at the take-profit, the stop, or after the longest stay",
}
FIGURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("total_return", "total return", percent),
    ("annual_return", "CAGR", percent),
    ("volatility", "volatility a year", lambda value: percent(value, signed=False)),
    ("sharpe", "Sharpe ratio", number),
    ("sortino", "Sortino ratio", number),
    ("calmar", "Calmar ratio", number),
    ("omega", "Omega ratio", number),
    ("max_drawdown", "maximum drawdown", percent),
    ("max_drawdown_bars", "longest drawdown, bars", lambda value: number(value, 0)),
    ("average_drawdown", "average drawdown", percent),
    ("average_drawdown_bars", "average drawdown, bars", lambda value: number(value, 1)),
    ("alpha", "alpha a year", percent),
    ("beta", "beta", number),
    ("exposure", "exposure", share),
    ("trades", "trades (fills)", lambda value: number(value, 0)),
    ("hit_rate", "win rate", share),
    ("profit_factor", "profit factor", number),
    ("expectancy", "expectancy a traded bar, bp", _bp),
    ("best_trade", "best trade", lambda value: percent(value, 2)),
    ("worst_trade", "worst trade", lambda value: percent(value, 2)),
    ("turnover", "turnover a year", times),
    ("costs", "costs paid, of capital", lambda value: percent(value, 2, signed=False)),
    ("in_sample_mean", "in sample, bp a bar", _bp),
    ("out_of_sample_mean", "out of sample, bp a bar", _bp),
    ("ambiguous_share", "ambiguous: depend on the order inside the bar", share),
)


@dataclass(frozen=True)
class Details:
    """What the page says about one symbol when it is chosen: HTML, and the charts in it."""

    body: str
    charts: Mapping[str, Chart]
    trades: Mapping[str, Any]


def symbol_details(result: Result, judgement: Judgement, beside: Beside, *, points: int) -> Details:
    """Candles and trades, then the reasons for the verdict, then everything else as a reader asks for it."""
    e, strategy = judgement.evidence, judgement.evidence.strategy
    order = e.if_optimistic if judgement.verdict == DEPENDS else e.order
    profit = surface(result, -1, strategy, points=points) if has_surface(result, strategy) else None
    charts = {
        "candles": candles_chart(result, strategy),
        "equity": figures.equity_chart(result, strategy),
        "wealth": wealth_chart(result, judgement),
        "samples": figures.samples_chart(result, strategy),
        "bracket": figures.bracket_chart(result, order.strategy),
        **({"surface": figures.surface_chart(profit)} if profit else {}),
        "offsets": figures.parameters_chart(result, strategy),
        "distribution": figures.distribution_chart(result, strategy),
        "costs": figures.costs_chart(result, strategy),
    }
    if not takes_none(result):
        charts["policy"] = figures.exits_chart(result, strategy)
        charts["forecast"] = figures.forecast_chart(result)
    body = "".join(
        (
            f'<p class="answer">{badge(judgement)} {prose(judgement.sentence)}</p>',
            f'<p class="note">{prose(judgement.can_prove)}</p>',
            _rules(result),
            _checks(result),
            candles_section(result, strategy),
            why(judgement),
            tried_note(beside),
            _section("Out of sample", "equity", _strategies(result)),
            _section("Watched: a bettor's wealth", "wealth", wealth_note(judgement)),
            _section("In sample against out of sample", "samples", _gap(result, strategy)),
            _section("The order inside the bar", "bracket", _order(order) + decided_note(result, strategy)),
            _section("Profit surface of the last simulation", "surface", _plateau(profit)) if profit else "",
            _section("Parameters over time", "offsets", placed(result, strategy)),
            _section("When to leave", "policy", _exits(result, strategy)) if "policy" in charts else "",
            made_of(result, strategy),
            _section("Returns of traded bars", "distribution"),
            _section("Costs", "costs", costs(result, strategy)),
            _section("Forecast quality", "forecast", _forecast(result)) if "forecast" in charts else "",
            _time(result),
        )
    )
    return Details(body, charts, trades_of(result, strategy))


def _time(result: Result) -> str:
    rows = [(text(name), number(seconds, 3)) for name, seconds in result.seconds.items()]
    return (
        f"<section><h3>Where the time went</h3>{table(('stage', 'seconds'), rows)}</section>" if rows else ""
    )


def _section(title: str, name: str, more: str = "") -> str:
    return f"<section><h3>{title}</h3>{chart(name, title)}{more}</section>"


def _rules(result: Result) -> str:
    fills = text(result.options["fills"])
    if fills == "causal":
        return ""
    return (
        f'<p class="note">The offsets were tuned under the {fills} fill rule. The verdict, the row above and '
        "the equity below value them under the causal rule; the other figures, and the table of all "
        f"figures, under the {fills} rule.</p>"
    )


def _checks(result: Result) -> str:
    return "".join(f'<p class="note">{text(line)}.</p>' for line in result.checks)


def why(judgement: Judgement) -> str:
    """Why a verdict is what it is, in figures."""
    e = judgement.evidence
    tests = [
        (
            AGAINST[name],
            _bp(e.excess[name]),
            p_value(test.spa),
            f"{p_value(test.spa_lower)} to {p_value(test.spa_upper)}",
            p_value(test.reality_check),
        )
        for name, test in e.tests.items()
    ]
    head = (
        "better than", "excess, bp a bar", term("SPA p-value"), "lower to upper", term("reality check"),
    )  # fmt: skip
    named = [(with_meaning(label), *more) for label, *more in _figures(judgement)]
    note = (
        f"Trials: strategies x exits ({e.trials}). The search for offsets ran on the tuning windows, so "
        "what it overfits is already missing from these bars."
    )
    return (
        f"<section><h3>Why this verdict</h3>{table(('statistic', 'value', ''), named, words=True)}"
        f'{table(head, tests)}<p class="note">{note}</p></section>'
    )


def _figures(judgement: Judgement) -> list[tuple[str, str, str]]:
    """What the verdict rests on: a figure's name, its value, and what that says."""
    e = judgement.evidence
    low, high = e.mean_interval
    low_sharpe, high_sharpe = e.sharpe_interval
    mean = e.excess[NOTHING]
    return [
        ("Sharpe ratio that can be told from luck", *_can_tell(judgement)),
        ("mean return a bar", f"{_bp(mean)} bp", f"95% interval {_bp(low)} to {_bp(high)} bp"),
        (
            "Sharpe ratio a year",
            number(e.sharpe),
            f"95% interval {number(low_sharpe)} to {number(high_sharpe)}",
        ),
        (
            "probabilistic Sharpe ratio",
            percent(e.probabilistic, signed=False),
            "chance that the true one is above 0",
        ),
        (
            "deflated Sharpe ratio",
            percent(e.deflated, signed=False),
            f"chance that it is above {number(e.hurdle)}, what the best of {e.trials} trials shows by luck",
        ),
        (
            "minimum track record",
            number(e.track_record, 0, unit=" bars"),
            f"for a Sharpe ratio above 0 at 95%; there are {e.bars}",
        ),
        (
            "probability of backtest overfitting",
            percent(e.overfitting, 0, signed=False),
            f"over the {e.trials} trials; one half means that choosing among them means nothing",
        ),
        (
            "p-value of the verdict",
            p_value(judgement.p_value),
            f"the largest of {text(e.strategy)}'s own, corrected for the symbols looked at; optimistic rule: "
            f"{p_value(judgement.p_optimistic)}",
        ),
    ]


def _can_tell(judgement: Judgement) -> tuple[str, str]:
    alone, among = judgement.told_sharpe
    others = f", and {number(among)} among {judgement.symbols:,} symbols" if judgement.symbols > 1 else ""
    return number(alone), f"8 times in 10, with {judgement.evidence.bars:,} bars{others}"


def _strategies(result: Result) -> str:
    rows = result.summary
    head = ["", *(text(name) for name in rows["strategy"])]
    body = [
        (with_meaning(label), *(form(float(value)) for value in rows[column].tolist()))
        for column, label, form in FIGURES
    ]
    return f"<details><summary>All figures</summary>{table(head, body)}</details>{_idle(result)}"


def _idle(result: Result) -> str:
    """Why a strategy never traded."""
    return "".join(
        f'<p class="note">{text(strategy)}: 0 trades: {text(reason)}.</p>'
        for strategy, reason in result.idle.items()
    )


def _gap(result: Result, strategy: str) -> str:
    row = summary_row(result, strategy)
    return (
        f'<p class="note">Tuning promised {_bp(row["in_sample_mean"])} bp a bar; out of sample it was '
        f"{_bp(row['out_of_sample_mean'])} bp. The gap is {_bp(row['gap'])} bp.</p>"
    )


def _order(order: Bracket) -> str:
    share = f" ({percent(order.ambiguous / order.trades, 0, signed=False)})" if order.trades else ""
    return (
        f'<p class="note">{text(order.strategy)}: {order.ambiguous} of {order.trades} '
        f"fills{order.counted_by}{share} have a result that depends on whether the high or the low came "
        f"first. Causal {percent(order.causal_return)}, optimistic {percent(order.optimistic_return)}.</p>"
    )


def _plateau(profit: Surface) -> str:
    if math.isnan(profit.x[0]):
        return (
            f'<p class="note">{text(profit.strategy)} placed no order in the last simulation: every pair of '
            "offsets in the box would have lost in sample.</p>"
        )
    high, low = (number(1e4 * offset, 1, signed=True) for offset in profit.x)
    across, along = (number(1e4 * (right - left), 1) for left, right in profit.plateau)
    kind = "exact optimum" if profit.exact else "best offsets found"
    leaving = EXIT_WORDS[profit.exit]
    edge = (
        " It lies at the edge of the offsets allowed; a wider box may hold a better one."
        if profit.at_edge
        else ""
    )
    return (
        f'<p class="note">{text(profit.strategy)}, leaving {leaving}. The {kind}: high {high} bp, low {low} '
        f"bp, total {percent(profit.value, 2)} in sample. No more than {PLATEAU:.0%} of that is lost over "
        f"{across} bp of the high offset and {along} bp of the low offset (the cross): the plateau's width."
        f"{edge}</p>"
    )


def _exits(result: Result, strategy: str) -> str:
    chosen, mine = result.chosen(strategy)["exit"].tolist(), result.simulations["strategy"] == strategy
    places, exits, scores = (
        result.simulations[name].to_numpy()[mine] for name in ("simulation", "exit", "objective")
    )
    names = list(dict.fromkeys(exits.tolist()))
    told = ", ".join(
        f"{percent(chosen.count(name) / len(chosen), 0, signed=False)} of the simulations left "
        f"{text(EXIT_WORDS.get(str(name), f'by the exit {name}'))}"
        for name in names
    )
    order = np.argsort(places, kind="stable")
    firsts = np.flatnonzero(np.diff(places[order], prepend=-1))
    totals = np.round(scores[order], 12)
    best, worst = np.fmax.reduceat(totals, firsts), np.fmin.reduceat(totals, firsts)
    ties = int((best == worst).sum()) if len(names) > 1 else 0
    tied = f" In {ties} of {len(firsts)} all did equally well in sample." if ties else ""
    return f'<p class="note">{told}: where each was better in sample.{tied}</p>'


def _forecast(result: Result) -> str:
    ahead = bars_out_of_sample(result)
    rows = []
    for side in ("high", "low", "close"):
        predicted, actual = ahead[f"{side}_forecast"].to_numpy(), ahead[side].to_numpy()
        known = ~np.isnan(predicted)
        predicted, actual = predicted[known], actual[known]
        error = actual - predicted
        moved = np.std(predicted) > 0 and np.std(actual) > 0
        agree = float(np.corrcoef(predicted, actual)[0, 1]) if moved else np.nan
        rows.append(
            (
                side,
                number(1e4 * float(np.abs(error).mean()), 1),
                number(1e4 * float(error.mean()), 1, signed=True),
                number(agree),
                percent(float((error > 0).mean()), 0, signed=False),
            )
        )
    head = ("", "mean absolute error, bp", "bias, bp", "correlation", "actual above forecast")
    return table(head, rows)
