"""A DataFrame as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table


def frame_table(frame: pd.DataFrame, forms: Mapping[str, str]) -> Table:
    """Table of `frame`, its numbers to the right.

    Parameters
    ----------
    frame : DataFrame
    forms : mapping of str to str
        Columns to show, in order, and the format of each, such as ``"{:.2f}"``.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown = [name for name in forms if name in frame]
    for name in shown:
        number = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(name.replace("_", " "), justify="right" if number else "left", overflow="fold")
    for row in frame.to_dict("records"):
        table.add_row(*(escape(_cell(row[name], forms[name])) for name in shown))
    return table


def _cell(value: Any, form: str) -> str:
    return "-" if value is None or value is pd.NA or value != value else form.format(value)
