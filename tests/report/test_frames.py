"""Rows and frames as tables for a terminal."""

import pandas as pd
import pytest
from rich.console import Console

from backtune.report.frames import frame_table, rows_table


def printed(table):
    console = Console(width=100, record=True)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_what_looks_like_markup_is_shown_as_it_is():
    text = printed(rows_table(["a [95 %]"], [["1 [red]"]], [False], title="of [b]"))
    assert all(part in text for part in ("a [95 %]", "1 [red]", "of [b]"))


def test_columns_are_those_with_a_format_in_that_order():
    frame = pd.DataFrame({"a_b": [1.23456], "c": ["x"], "d": [2]})
    text = printed(frame_table(frame, {"c": "{}", "a_b": "{:.1f}", "missing": "{}"}))
    assert text.split() == ["c", "a", "b", *[word for word in text.split() if set(word) == {"─"}], "x", "1.2"]


@pytest.mark.parametrize(
    ("value", "shown"), [(1 / 3, "0.333333"), (None, "-"), (float("nan"), "-"), (7, "7")]
)
def test_a_frame_without_formats_is_shown_as_it_is(value, shown):
    assert shown in printed(frame_table(pd.DataFrame({"a_b": pd.Series([value], dtype=object)})))
    assert "a_b" in printed(frame_table(pd.DataFrame({"a_b": [value]})))
