"""The page from top to bottom, in the order in which one asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest.places import tuned_on_words
from backtune.errors import SettingError
from backtune.forecasts.registry import NONE
from backtune.identity import versions
from backtune.report.again import configuration, run_again
from backtune.report.candles import MOST_RECENT, RECENT_DAYS
from backtune.report.compared import comparison_chart, comparison_section, differences_section
from backtune.report.data import pack, share_times
from backtune.report.details import Kept
from backtune.report.glossary import TERMS, glossary_section, term
from backtune.report.html import BADGES, badge, number, p_value, packed, percent, prose, table, text, toned
from backtune.report.notes import notes_section
from backtune.report.overview import (
    day,
    key_figures,
    overview_charts,
    overview_sections,
    summary_sentence,
    symbols_text,
)
from backtune.report.pieces import MANY, Drawn, Piece
from backtune.report.rows import columns_of
from backtune.report.sections import why
from backtune.report.shell import INLINE, asset, shell
from backtune.report.subject import Subject
from backtune.report.watched import tried_note
from backtune.runner.processes import Started, side_by_side
from backtune.verdict.comparison import Comparison, compare_runs
from backtune.verdict.judged import Judged
from backtune.verdict.rule import EDGE, RULE, VERDICTS, Judgement

FEW = 20  # symbols up to which the surfaces are drawn finely
FINE, COARSE = 41, 25
SCRIPTS = ("uplot/uPlot.iife.min.js", "data.js", "charts.js", "candles.js", "table.js", "page.js")


def page_parts(
    subjects: Sequence[Subject], details: Kept, title: str | None = None, workers: int | Started = 1
) -> Iterator[bytes]:
    """Give the page in parts; what it has of each symbol goes through `details`.

    Raises
    ------
    RunError
        A table that it shows cannot be read.
    """
    rows: list[dict[str, Any]] = []
    recent = Recent(subjects[0].judged.last)
    for one in _drawn(subjects, workers):
        details.add(one.details)
        rows.append(one.row)
        recent.add(one.recent)
    single = len(subjects) == 1
    compared = None if single else compare_subjects(subjects)
    heading = title or (_heading(subjects[0]) if single else f"{len(subjects)} runs side by side")
    scripts = INLINE if details.beside is None else f"{INLINE} 'self' file:"
    style = asset("uplot/uPlot.min.css")
    yield shell(heading, style=style, scripts=scripts).encode()
    body = _single(subjects[0], heading) if single else _several(subjects, compared, heading)
    body += [
        _symbols(rows),
        _recent(recent, subjects[0]) if single else "",
        _chosen() if rows else "",
        *_endings(subjects),
    ]
    yield "\n".join(body).encode()
    charts = overview_charts(subjects[0].portfolio) if single and subjects[0].portfolio else {}
    if compared:
        charts["together"] = comparison_chart(compared)
    facts = {
        "terms": TERMS,
        "beside": details.beside or "",
        "verdicts": {BADGES[name]: name for name in VERDICTS},
    }
    yield packed("overview", pack({**share_times(charts), **facts}))
    yield packed("rows", pack(columns_of(rows)))
    licence = "/* uPlot:\n" + asset("uplot/LICENSE") + "*/\n"
    script = licence + "\n".join(asset(name) for name in SCRIPTS)
    yield f"</main>\n<script>{script}</script>\n".encode()
    yield from details.inside()
    yield b"</body>\n</html>\n"


def compare_subjects(subjects: Sequence[Subject]) -> Comparison | None:
    """Compare runs on the bars that they share; None where they share none."""
    with suppress(SettingError):
        return compare_runs([subject.run for subject in subjects], [subject.label for subject in subjects])
    return None


def _drawn(subjects: Sequence[Subject], workers: int | Started) -> Iterator[Drawn]:
    count = sum(len(subject.run) for subject in subjects)
    points = FINE if count <= FEW else COARSE
    for subject in subjects:
        judgements, others, account = subject.judged.symbols, subject.tries.symbols, subject.portfolio
        pieces = (
            Piece(
                result, judgements[symbol], others[symbol], points, account.strategy if account else "",
                "" if len(subjects) == 1 else subject.label,
            )
            for symbol, result in subject.run.items()
        )  # fmt: skip
        yield from side_by_side(Piece.draw, pieces, workers if count >= MANY else 1)


def _heading(subject: Subject) -> str:
    if subject.portfolio is None:
        return "No symbol has a result"
    return f"{subject.portfolio.strategy} on {symbols_text(list(subject.run))}"


def _single(subject: Subject, heading: str) -> list[str]:
    """Everything above the symbols, of one run."""
    account, overall = subject.portfolio, subject.judged.portfolio
    about = f'<p class="soft">{_about(subject)}</p>'
    if account is None or overall is None:
        return [f"<header><h1>{text(heading)}</h1>{about}</header>", _rule()]
    proves = f'<p class="soft">{prose(overall.can_prove)}</p>'  # before any verdict
    lead = f'<p class="lead">{summary_sentence(account, overall)}</p>'
    return [
        f"<header>{proves}<h1>{text(heading)}</h1>{lead}{about}</header>",
        key_figures(account, overall),
        overview_sections(account),
        _verdict(subject, overall),
    ]


def _about(subject: Subject) -> str:
    settings, judged = subject.record["settings"], subject.judged
    horizon = settings["horizon"]
    after = "the next bar" if horizon == 1 else f"the next {text(horizon)} bars"
    period = (
        f"Out of sample {day(judged.first)} to {day(judged.last)}. " if judged.first and judged.last else ""
    )
    count = len(subject.run)
    return (
        f"{period}{count:,} symbol{'s' if count != 1 else ''}, {_simulations(subject)} each: tuned on "
        f"{text(tuned_on_words(settings))}, then traded on {after}, untouched. Forecasts "
        f"{text(settings['model'])}, "
        f"optimizer {text(settings['optimizer'])}, fills {text(settings['fills'])}. "
        f"{_unseen(subject)}"
    )


def _unseen(subject: Subject) -> str:
    bars = sum(result.unseen_bars for result in subject.run.values())
    return f"{bars:,} more bars were never looked at (--simulations all)." if bars else ""


def _simulations(subject: Subject) -> str:
    """Number of simulations of a symbol, or the least and the most of them."""
    wanted = subject.record["settings"]["num_simulations"]
    counts = sorted({int(result.facts.get("simulations", 0)) for result in subject.run.values()} - {0})
    ends = counts if len(counts) < 3 else [counts[0], counts[-1]]
    return f"{' to '.join(f'{count:,}' for count in ends) or text(wanted)} simulations"


def _verdict(subject: Subject, overall: Judgement) -> str:
    several = len(subject.run) > 1
    lead = "As one portfolio with equal capital in every symbol: " if several else ""
    besides = ""
    if overall.verdict == EDGE and subject.tries.portfolio and subject.tries.portfolio.verdict != EDGE:
        besides = " An edge by itself, and none among all that was tried on these bars."
    return (
        f'<section aria-labelledby="verdict-h"><h2 id="verdict-h">Verdict</h2><div class="card">'
        f'<p class="answer">{badge(overall)} {lead}{prose(overall.sentence)}{besides}</p>'
        f"{tried_note(subject.tries.portfolio)}{_census(subject.judged) if several else ''}"
        f"<details><summary>The reasons in figures</summary>{why(overall)}</details></div>{_rule()}</section>"
    )


def _census(judged: Judged) -> str:
    verdicts = [judgement.verdict for judgement in judged.symbols.values()]
    counted = "; ".join(f"{name}: {verdicts.count(name)}" for name in VERDICTS if name in verdicts)
    edges = [symbol for symbol, j in judged.symbols.items() if j.verdict == EDGE]
    named = f" ({', '.join(edges[:12])}{' …' if len(edges) > 12 else ''})" if edges else ""
    shown = f"Of {len(verdicts)} symbols, each corrected for the others: {counted}{text(named)}."
    return f'<p class="note">{shown}</p>'


def _rule() -> str:
    return (
        '<details class="card"><summary>The rule behind the verdicts</summary>'
        f'<div class="rule">{text(RULE)}</div></details>'
    )


def _several(subjects: Sequence[Subject], compared: Comparison | None, heading: str) -> list[str]:
    names = list(dict.fromkeys(symbol for subject in subjects for symbol in subject.run))
    rows = [("<b>as one portfolio</b>", *(_cell(subject.judged.portfolio) for subject in subjects))]
    rows += [
        (text(name), *(_cell(subject.judged.symbols.get(name)) for subject in subjects))
        for name in names[:MOST_COMPARED]
    ]
    head = ("", *(text(subject.label) for subject in subjects))
    return [
        f"<header><h1>{text(heading)}</h1><p class='soft'>Verdict, return out of sample, Sharpe ratio and "
        "corrected "
        "p-value. Each run is corrected for its own symbols, not for having run several: picking the best "
        "run "
        "of many finds edges that are not there.</p></header>",
        table(head, rows, kind="runs"),
        comparison_section(compared) if compared else "",
        differences_section([(subject.label, subject.record) for subject in subjects]),
        _rule(),
    ]


MOST_COMPARED = (
    200  # symbols whose verdicts in several runs stand side by side; all are in the table of symbols
)


def _cell(judgement: Judgement | None) -> str:
    if judgement is None:
        return "–"
    e = judgement.evidence
    return (
        f"{badge(judgement)}<br>{toned(e.total_return, percent(e.total_return))}, Sharpe {number(e.sharpe)}, "
        f"p {p_value(judgement.p_value)}"
    )


def _symbols(rows: Sequence[Mapping[str, Any]]) -> str:
    """Place of the table of symbols, which assets/table.js fills; one symbol needs none."""
    if len(rows) < 2:
        return ""
    there = {row["verdict"] for row in rows}
    chips = "".join(
        f'<button type="button" data-verdict="{BADGES[name]}" aria-pressed="false">{name}</button>'
        for name in VERDICTS
        if BADGES[name] in there
    )
    others = np.isnan([row["trades"] for row in rows]).any()
    left_out = "; fills, win rate and costs by another rule are left out" if others else ""
    return (
        '<section aria-labelledby="symbols-h"><h2 id="symbols-h">Symbols</h2><div class="tools">'
        '<input id="search" type="search" placeholder="Find a symbol" aria-label="Find a symbol">'
        f'{chips}<span id="count" role="status"></span>'
        '<button type="button" id="rows-csv">Download CSV</button></div><div id="symbols"></div>'
        f'<p class="note">Of the strategy that was judged in each, {term("after costs")}, by the '
        f"{term('causal')} rule{left_out}. "
        "A click on a heading sorts, one on a symbol shows it below.</p></section>"
    )


class Recent:
    """The latest trades of the last days of a record that ends at `last`: of many, a few are kept."""

    def __init__(self, last: pd.Timestamp | None) -> None:
        self.until = last
        self.since = None if last is None else last - pd.Timedelta(days=RECENT_DAYS)
        self.trades: list[tuple[Any, ...]] = []
        self.count = 0

    def add(self, trades: Sequence[tuple[Any, ...]]) -> None:
        """Add the trades of a symbol; of one that ended long ago, none."""
        late = [trade for trade in trades if self.since is not None and trade[2] > self.since]
        self.count += len(late)
        self.trades = sorted([*self.trades, *late], key=lambda trade: (trade[2], trade[1]), reverse=True)
        del self.trades[MOST_RECENT:]


def _recent(recent: Recent, subject: Subject) -> str:
    """What was bought and sold in the last days, of all symbols, the latest first."""
    title = (
        f'<section aria-labelledby="recent-h"><h2 id="recent-h">Trades of the last {RECENT_DAYS} days</h2>'
    )
    if subject.record["settings"].get("model") == NONE:
        return f'{title}<p class="note">The strategy gives returns; it tells no single trades.</p></section>'
    if not recent.trades or recent.until is None:
        return f'{title}<p class="note">None in the last {RECENT_DAYS} days of the record.</p></section>'
    rows = [
        (
            text(symbol), text(side), day(entry), _price(bought), day(leave), _price(sold), text(reason),
            toned(value, percent(value, 2)),
        )
        for symbol, entry, leave, side, reason, _, bought, sold, value in recent.trades
    ]  # fmt: skip
    head = ("symbol", "side", "opened", "at", "left", "at", "why it was left", "return")
    more = f" The latest {len(rows)} of {recent.count:,}." if recent.count > len(rows) else ""
    until = day(recent.until.normalize())
    note = f'<p class="note">Up to {until}; every trade is with its symbol below.{more}</p>'
    return f"{title}{table(head, rows, kind='recent')}{note}</section>"


def _price(value: float) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _chosen() -> str:
    """Place of the symbol that is looked at, which assets/page.js fills."""
    return (
        '<section id="symbol" aria-labelledby="symbol-h"><div class="chosen"><h2 id="symbol-h" '
        'tabindex="-1">Symbol</h2>'
        '<button type="button" id="previous">Previous</button><button type="button" '
        'id="next">Next</button></div>'
        '<div id="details" class="card"><noscript>The details of a symbol need '
        "JavaScript.</noscript></div></section>"
    )


def _endings(subjects: Sequence[Subject]) -> list[str]:
    single = len(subjects) == 1
    parts = [_failed(subject, "" if single else f" in {subject.label}") for subject in subjects]
    parts += [notes_section(each.run, "" if single else f" of {each.label}") for each in subjects]
    commands = "".join(
        f"{'' if single else f'<h3>{text(subject.label)}</h3>'}<pre "
        f'tabindex="0">{text(run_again(subject.run))}</pre>'
        for subject in subjects
        if subject.run
    )
    parts.append(f'<section aria-labelledby="again-h"><h2 id="again-h">Run it again</h2>{commands}</section>')
    parts += [glossary_section(), *(configuration(subject.run, subject.label) for subject in subjects)]
    seconds = sum(
        float(result.facts.get("seconds", {}).get("total", 0.0))
        for s in subjects
        for result in s.run.values()
    )
    parts.append(
        f"<footer>backtune {text(versions()['backtune'])}; {seconds:,.1f} s of one core. Past bars; no "
        "promise "
        "about the next.</footer>"
    )
    return parts


def _failed(subject: Subject, where: str) -> str:
    failed: Mapping[str, str] = subject.record.get("failed", {})
    if not failed:
        return ""
    items = "".join(f"<li><b>{text(symbol)}</b>: {text(reason)}</li>" for symbol, reason in failed.items())
    return f'<h2>Symbols that failed{text(where)}</h2><ul class="card failed">{items}</ul>'
