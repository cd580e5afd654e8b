"""Rows, and a DataFrame, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table


def rows_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool], title: str = ""
) -> Table:
    """Table of cells, those of the columns marked in `right` to the right."""
    table = Table(title=escape(title) or None, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for name, number in zip(head, right, strict=True):
        table.add_column(escape(name), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def frame_table(frame: pd.DataFrame, forms: Mapping[str, str] | None = None) -> Table:
    """Table of `frame`, its numbers to the right.

    Parameters
    ----------
    frame : DataFrame
    forms : mapping of str to str
        Columns to show, in order, and the format of each, such as ``"{:.2f}"``; by default every column, its
        numbers to six digits.
    """
    shown = list(frame) if forms is None else [name for name in forms if name in frame]
    right = [pd.api.types.is_numeric_dtype(frame[name]) for name in shown]
    rows = (
        [_cell(row[name], forms[name] if forms else "") for name in shown] for row in frame.to_dict("records")
    )
    head = [str(name) if forms is None else str(name).replace("_", " ") for name in shown]
    return rows_table(head, rows, right)


def _cell(value: Any, form: str) -> str:
    if value is None or value is pd.NA or value != value:
        return "-"
    return form.format(value) if form else f"{value:.6g}" if isinstance(value, float) else str(value)
