"""report.html: one self-contained page that opens from disk and asks no host for anything."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from backtune.backtest import Result, Settings
from backtune.bars import Bars
from backtune.errors import RunError, SettingError
from backtune.identity import versions
from backtune.metrics.portfolio import PortfolioResult
from backtune.metrics.weights import EQUAL, Weights
from backtune.report.compared import comparison_section, differences_section
from backtune.report.html import number, p_value, percent, prose, table, text, toned
from backtune.report.notes import notes_section
from backtune.report.pieces import MANY, Piece, draw
from backtune.report.sections import BADGES, badge
from backtune.report.shell import asset, plotly_file, shell
from backtune.report.terminal import unseen_lines
from backtune.report.watched import tried_note
from backtune.store import Run
from backtune.store.receipts import write_atomically
from backtune.verdict.comparison import Comparison, compare_runs
from backtune.verdict.judged import Judged, judge_run
from backtune.verdict.rule import DEPENDS, EDGE, NO_SIGN, NONE, RULE, UNKNOWN, VERDICTS, Judgement
from backtune.verdict.tried import Tries, count_run, tries

FEW = 20  # symbols up to which the surfaces are drawn finely
FINE, COARSE = 61, 31
HEADLINES = {
    EDGE: "An edge, by the written rule",
    DEPENDS: "What it earns depends on the order inside the bar",
    UNKNOWN: "Cannot tell yet whether this is an edge",
    NO_SIGN: "No sign of an edge",
    NONE: "No edge",
}


@dataclass(frozen=True, eq=False)
class Subject:
    """What a page is about: a run, and the verdicts on it."""

    label: str
    run: Run
    judged: Judged
    tries: Tries
    portfolio: PortfolioResult | None = None

    @property
    def record(self) -> Mapping[str, Any]:
        """See `backtune.Run.record`."""
        return self.run.record


@dataclass(frozen=True, eq=False)
class Report:
    """A report page.

    Attributes
    ----------
    subjects : tuple of Subject
        What the page is about. A page of many symbols is larger than what it is made of, so it is made
        where it is asked for.
    """

    subjects: tuple[Subject, ...] = field(repr=False)

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The verdicts, one of each run."""
        return tuple(subject.judged for subject in self.subjects)

    @property
    def tries(self) -> tuple[Tries, ...]:
        """What the ledger makes of them, one of each run."""
        return tuple(subject.tries for subject in self.subjects)

    @property
    def html(self) -> str:
        """The page as text."""
        return b"".join(_page(self.subjects)).decode()

    def write(self, path: str | os.PathLike[str], workers: int = 1) -> Path:
        """Write the page; of many symbols, their parts are drawn in `workers` processes.

        With more than one, a script needs ``if __name__ == "__main__":``.

        Raises
        ------
        RunError
            It cannot be written, or a table that it shows cannot be read.
        """
        target = Path(path)
        try:
            write_atomically(target, _page(self.subjects, workers))
        except OSError as error:
            raise RunError(
                f"{target}: cannot be written ({error.strerror or error}); free space there, or "
                "write another file with backtune report RUN --output FILE"
            ) from error
        return target

    def _repr_html_(self) -> str:
        """Show the page in a notebook, apart from the notebook's own scripts and styles."""
        return f'<iframe srcdoc="{escape(self.html)}" width="100%" height="800" frameborder="0"></iframe>'


def report(
    *subjects: Result | Mapping[str, Result] | str | os.PathLike[str],
    weights: Weights = EQUAL,
    benchmark: str | Bars | None = None,
) -> Report:
    """Judge results, and write the page about them.

    Parameters
    ----------
    *subjects : Result, Run, other mapping of symbol to Result, or path of a run folder
        Several are shown side by side.
    weights, benchmark
        Of the portfolio; see `backtune.Run.portfolio`.

    Returns
    -------
    Report
        ``.judged`` has the verdicts, ``.write(path)`` writes the page; a notebook shows it.

    Raises
    ------
    RunError
        No run folder, or a damaged one.
    SettingError
        Nothing given, or something else.

    Examples
    --------
    >>> import backtune as bt
    >>> page = bt.report(bt.backtest_forecasts("SP500", num_simulations=5))
    >>> page.judged[0].symbols["SP500"].verdict
    'no sign of an edge'
    """
    if not subjects:
        raise SettingError("nothing to report on; give a result or a run folder")
    plotly_file()  # a page without figures is none: better said before the work
    return Report(tuple(_subject(subject, weights, benchmark) for subject in subjects))


def _subject(item: object, weights: Weights = EQUAL, benchmark: str | Bars | None = None) -> Subject:
    if isinstance(item, str | os.PathLike):
        item = Run.open(item)
    if isinstance(item, Result):
        item = {item.symbol: item}
    if not isinstance(item, Run) and isinstance(item, Mapping) and item:
        item = Run.of(item.values())
    if not isinstance(item, Run) or not (item or item.folder):
        raise SettingError(f"{type(item).__name__} is nothing to report on; give a result or a run folder")
    count_run(item)  # what is looked at is counted, wherever it was run
    judged = judge_run(item)
    account = None
    if judged.portfolio is not None:
        account = item.portfolio(judged.portfolio.evidence.strategy, weights=weights, benchmark=benchmark)
    label = item.folder.name if item.folder else "this session"
    return Subject(label, item, judged, tries(item, judged), account)


def _page(subjects: Sequence[Subject], workers: int = 1) -> Iterator[bytes]:
    """Give the page in parts, a symbol each and what is around them."""
    single = len(subjects) == 1
    compared = None if single else compare_subjects(subjects)
    body = [_header(subjects[0]) if single else _comparison(subjects, compared)]
    count = sum(len(subject.run) for subject in subjects)
    body.append(_tools(subjects, count))
    ending = [_failed(subject, "" if single else f" in {subject.label}") for subject in subjects]
    ending += [notes_section(each.run, "" if single else f" of {each.label}") for each in subjects]
    ending += ["<h2>Configuration</h2>", *(_configuration(subject) for subject in subjects)]
    ending.append(
        f"<footer>backtune {text(versions()['backtune'])}. Past bars; no promise about the next.</footer>"
    )
    title = subjects[0].label if single else f"{len(subjects)} runs"
    before, after = shell(f"backtune: {title}", script=asset("page.js"))
    first, last = ("\n".join(part) for part in (body, ending))
    yield (before + first).encode()
    for subject in subjects:
        yield from _symbols(subject, count, "" if single else subject.label, workers)
    yield (last + after).encode()


def compare_subjects(subjects: Sequence[Subject]) -> Comparison | None:
    """Compare runs on the bars that they share; None where they share none."""
    with suppress(SettingError):
        return compare_runs([subject.run for subject in subjects], [subject.label for subject in subjects])
    return None


def _header(subject: Subject) -> str:
    settings, judged = subject.record["settings"], subject.judged
    overall, horizon = judged.portfolio, settings["horizon"]
    after = "the next bar" if horizon == 1 else f"the next {text(horizon)} bars"
    form = (
        "%Y-%m-%d"
        if all(at == at.normalize() for at in (judged.first, judged.last) if at)
        else "%Y-%m-%d %H:%M"
    )
    period = f"Out of sample {judged.first:{form}} to {judged.last:{form}}. " if overall else ""
    about = (
        f"{period}{len(subject.run)} symbol{'s' if len(subject.run) != 1 else ''}, "
        f"{_simulations(subject)} each: tuned on {settings['window']} bars, then traded on "
        f"{after}, untouched. Forecasts {text(settings['model'])}, optimizer {text(settings['optimizer'])}, "
        f"fills {text(settings['fills'])}. It took {_seconds(subject):,.1f} s of one core."
    )
    if overall is None:
        return f"<header><h1>No symbol has a result</h1><p class='soft'>{about}</p></header>{_rule()}"
    several = len(subject.run) > 1
    lead = "As one portfolio with equal capital in every symbol: " if several else ""
    headline = HEADLINES[overall.verdict]
    if overall.verdict == EDGE and subject.tries.portfolio and subject.tries.portfolio.verdict != EDGE:
        headline = "An edge by itself, and none among all that was tried on these bars"
    return (
        f'<header><p class="soft">{text(overall.can_prove)} {text(" ".join(unseen_lines(subject.run)))}</p>'
        f"<h1>{headline}</h1><p class='soft'>{about}</p></header>"
        f'<p class="answer">{badge(overall)} {lead}{prose(overall.sentence)}</p>'
        f"{tried_note(subject.tries.portfolio)}"
        f"{_census(subject) if several else ''}{_rule()}"
    )


def _simulations(subject: Subject) -> str:
    """Number of simulations of a symbol, or the least and the most of them."""
    wanted = subject.record["settings"]["num_simulations"]
    counts = sorted({int(facts.get("simulations", 0)) for facts in _facts(subject)} - {0})
    ends = counts if len(counts) < 3 else [counts[0], counts[-1]]
    return f"{' to '.join(f'{count:,}' for count in ends) or text(wanted)} simulations"


def _seconds(subject: Subject) -> float:
    return sum(float(facts.get("seconds", {}).get("total", 0.0)) for facts in _facts(subject))


def _facts(subject: Subject) -> list[Mapping[str, Any]]:
    return [result.facts for result in subject.run.values()]


def _census(subject: Subject) -> str:
    verdicts = [judgement.verdict for judgement in subject.judged.symbols.values()]
    counted = "; ".join(f"{name}: {verdicts.count(name)}" for name in VERDICTS if name in verdicts)
    edges = [symbol for symbol, j in subject.judged.symbols.items() if j.verdict == EDGE]
    named = f" ({', '.join(edges[:12])}{' …' if len(edges) > 12 else ''})" if edges else ""
    shown = f"Of {len(verdicts)} symbols, each corrected for the others: {counted}{text(named)}."
    return f'<p class="soft">{shown}</p>'


def _rule() -> str:
    return (
        '<details class="card"><summary>The rule behind the verdicts</summary>'
        f'<div class="rule">{text(RULE)}</div></details>'
    )


def _comparison(subjects: Sequence[Subject], compared: Comparison | None) -> str:
    names = list(dict.fromkeys(symbol for subject in subjects for symbol in subject.run))
    rows = [("<b>as one portfolio</b>", *(_cell(subject.judged.portfolio) for subject in subjects))]
    rows += [
        (text(name), *(_cell(subject.judged.symbols.get(name)) for subject in subjects)) for name in names
    ]
    head = ("", *(text(subject.label) for subject in subjects))
    return (
        f"<header><h1>{len(subjects)} runs side by side</h1><p class='soft'>Verdict, return out of sample, "
        "Sharpe ratio and corrected p-value. Each run is corrected for its own symbols, not for having run "
        "several: picking the best run of many finds edges that are not there.</p></header>"
        f"{table(head, rows)}{comparison_section(compared) if compared else ''}"
        f"{differences_section([(subject.label, subject.record) for subject in subjects])}{_rule()}"
    )


def _cell(judgement: Judgement | None) -> str:
    if judgement is None:
        return "–"
    e = judgement.evidence
    return (
        f"{badge(judgement)}<br>{toned(e.total_return, percent(e.total_return))}, Sharpe {number(e.sharpe)}, "
        f"p {p_value(judgement.p_value)}"
    )


def _tools(subjects: Sequence[Subject], count: int) -> str:
    if count < 2:
        return ""
    there = {j.verdict for subject in subjects for j in subject.judged.symbols.values()}
    chips = "".join(
        f'<button type="button" data-verdict="{BADGES[name]}" aria-pressed="false">{name}</button>'
        for name in VERDICTS
        if name in there
    )
    orders = (
        ("", "as run"),
        ("name", "by name"),
        ("return", "by return"),
        ("sharpe", "by Sharpe"),
        ("p", "by p-value"),
    )
    options = "".join(f'<option value="{key}">{label}</option>' for key, label in orders)
    return (
        f'<h2>Symbols</h2><div class="tools"><input id="search" type="search" placeholder="Find a symbol" '
        f'aria-label="Find a symbol"><select id="sort" aria-label="Order">{options}</select>{chips}</div>'
    )


def _symbols(subject: Subject, count: int, label: str, workers: int) -> Iterator[bytes]:
    points = FINE if count <= FEW else COARSE
    title = f"<h2>{text(label)}</h2>" if label else ""
    yield f'{title}<div class="rows">'.encode()
    judgements, others = subject.judged.symbols, subject.tries.symbols
    pieces = (
        Piece(result, judgements[symbol], others[symbol], points, opened=count == 1)
        for symbol, result in subject.run.items()
    )
    yield from draw(pieces, workers if count >= MANY else 1)
    yield b"</div>"


def _failed(subject: Subject, where: str) -> str:
    failed: Mapping[str, str] = subject.record.get("failed", {})
    if not failed:
        return ""
    items = "".join(f"<li><b>{text(symbol)}</b>: {text(reason)}</li>" for symbol, reason in failed.items())
    return f'<h2>Symbols that failed{text(where)}</h2><ul class="card failed">{items}</ul>'


def _configuration(subject: Subject) -> str:
    record = subject.record
    spent: dict[str, float] = {}
    for result in subject.run.values():
        for stage, seconds in result.seconds.items():
            spent[stage] = spent.get(stage, 0.0) + seconds
    settings = [(text(key), text(_setting(value))) for key, value in record["settings"].items()]
    data = [
        (text(symbol), text(entry["source"]), text(entry["bars"]), text(str(entry["first"])[:10]),
         text(str(entry["last"])[:10]), text(entry["asset"]), f"<code>{text(entry['sha256'][:16])}</code>")
        for symbol, entry in record.get("data", {}).items()
    ]  # fmt: skip
    parts = [
        f"<h3>Run it again</h3><pre>{text(_again(subject))}</pre>",
        table(("stage", "seconds, all symbols"), [(text(k), number(v, 3)) for k, v in spent.items()]),
        table(("setting", "value"), settings, words=True),
        table(("package", "version"), [(text(k), text(v)) for k, v in record.get("versions", {}).items()]),
    ]
    if data:
        parts.append(table(("symbol", "source", "bars", "first", "last", "asset", "SHA-256"), data))
    title = f"Configuration of {text(subject.label)}, and the command that runs it again"
    return f'<details class="card"><summary>{title}</summary>{"".join(parts)}</details>'


def _setting(value: object) -> str:
    """A setting as one reads it."""
    if isinstance(value, list):
        return ", ".join(map(_setting, value)) if value and isinstance(value[0], str) else str(value)
    return "default" if value is None else str(value)


def _again(subject: Subject) -> str:
    """Command, or call, that makes the results again, from any folder."""
    record, source = subject.record, subject.record.get("source", {})
    command = list(map(str, record.get("command") or ()))
    if not command:
        return _call(subject)
    if source.get("kind") == "path":
        for place, word in enumerate(command):
            if word.startswith("--data="):
                command[place] = f"--data={source['path']}"
            elif word == "--data":
                command[place + 1 : place + 2] = [str(source["path"])]
    return shlex.join(command)


def _call(subject: Subject) -> str:
    settings, source = subject.record["settings"], subject.record.get("source", {})
    usual = Settings().as_dict()
    changed = {name: value for name, value in settings.items() if value != usual[name]}
    known = {
        "sample": "",
        "path": f", data={source.get('path')!r}",
        "source": f", data={source.get('name')!r}",
        "universe": f", data=Universe({source.get('seed')}, {source.get('bars')})",
    }
    data = known.get(source.get("kind", ""), ", data=data")
    options = data + "".join(f", {name}={value!r}" for name, value in changed.items())
    symbols = list(subject.record["symbols"])
    one = len(symbols) == 1
    call = f"bt.backtest_forecasts({symbols[0]!r}" if one else f"bt.run_parallel_backtests({symbols!r}"
    return f"{call}{options}){'  # data: as it was given' if data == ', data=data' else ''}"
