"""Notes on the data, as a section of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtune.bars import Note
from backtune.report.html import table, text


def notes_section(record: Mapping[str, Any], where: str) -> str:
    """A row a note; opened where one of them may make results wrong. Empty where there is none."""
    by_symbol = {symbol: entry.get("notes", ()) for symbol, entry in record.get("data", {}).items()}
    by_symbol |= record.get("notes", {})
    notes = [(symbol, Note.from_dict(plain)) for symbol, found in by_symbol.items() for plain in found]
    if not notes:
        return ""
    rows = [
        (
            text(symbol),
            "" if note.row is None else text(note.row),
            text(note.date),
            text(note.sentence),
        )
        for symbol, note in notes
    ]
    opened = " open" if any(note.warns for _, note in notes) else ""
    return (
        f'<details class="card"{opened}><summary>Notes on data and forecasts{text(where)}</summary>'
        f"{table(('symbol', 'row', 'date', 'note'), rows, words=True)}</details>"
    )
