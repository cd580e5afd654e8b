"""Notes on the data, as a section of the page."""

from __future__ import annotations

from collections.abc import Mapping

from backtune.backtest import Result
from backtune.report.html import table, text

MOST = 500  # notes that the page lists


def notes_section(run: Mapping[str, Result], where: str) -> str:
    """A row a note; opened where one of them may make results wrong. Empty where there is none."""
    notes = [(symbol, note) for symbol, result in run.items() for note in result.notes]
    if not notes:
        return ""
    rows = [
        (
            text(symbol),
            "" if note.row is None else text(note.row),
            text(note.date),
            text(note.sentence),
        )
        for symbol, note in notes[:MOST]
    ]
    left = len(notes) - len(rows)
    more = f'<p class="note">And {left:,} more: backtune data check.</p>' if left else ""
    opened = " open" if any(note.warns for _, note in notes) else ""
    return (
        f'<details class="card"{opened}><summary>Notes on data and forecasts{text(where)}</summary>'
        f"{more}{table(('symbol', 'row', 'date', 'note'), rows, words=True)}</details>"
    )


def decided_note(result: Result, strategy: str) -> str:
    """What finer bars decided for a strategy, as a note of the page; empty without any."""
    sentence = decided_sentence(result, strategy)
    return f'<p class="note">{text(sentence)}.</p>' if sentence else ""


def decided_sentence(result: Result, strategy: str) -> str:
    """Say how many questions of order finer bars decided for a strategy; "" where there was none."""
    if strategy not in result.decided:
        return ""
    questions, left = result.decided[strategy].values()
    gone = max(questions - left, 0)
    return (
        f"{strategy}: the bars alone leave the order open for {questions} fills; finer bars decide {gone} of "
        f"them ({gone / questions:.0%})"
    )
