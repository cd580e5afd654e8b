"""The parts of a bar in a table: by the names of its columns, by what they hold, and of one symbol."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow
from pyarrow import compute

from backtune.bars.columns import choose, role_of
from backtune.bars.layout import is_time
from backtune.bars.names import near, plain
from backtune.bars.notes import Note
from backtune.bars.numbers import marks_of, text_floats
from backtune.bars.options import ReadOptions
from backtune.bars.table import Column, Table, missing
from backtune.errors import BarsError

_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?|\d{1,6}")
_NUMBER = re.compile(r"[$€£¥]?\s*[+-]?[\d.,'  ]+(?:[eE][+-]?\d+)?")
_ORDERS = (
    ("open", "high", "low", "close"),
    ("low", "high", "open", "close"),
    ("open", "close", "high", "low"),
)


def parts_of(
    table: Table, symbol: str | None, options: ReadOptions
) -> tuple[dict[str, Column], list[Note], str | None]:
    """Columns by the part of a bar that they are, notes, and the symbol that the table names.

    Raises
    ------
    BarsError
        A part is not there; or the table holds several symbols, and none of them is `symbol`.
    """
    notes: list[Note] = []
    named = options.named_columns()
    table = _of_ticker(table, symbol)
    named_by = next((ticker for ticker in table.tickers if ticker), None)
    if table.names:
        places = choose(table.source, table.names, named)
    else:
        places = _nameless(table)
        order = ", ".join(
            part for part, _ in sorted(places.items(), key=lambda item: item[1]) if part != "timestamp"
        )
        notes.append(Note("no_header", f"no names of columns; read as time, {order}"))
    parts = {part: table.columns[place] for part, place in places.items()}
    if "clock" in parts:
        parts["timestamp"] = _date_and_time(parts["timestamp"], parts.pop("clock"))
    if "symbol" not in parts and "symbol" not in named and named_by is None:
        extra = _names_of_symbols(table, places)
        if extra is not None:
            parts["symbol"] = extra
    if "symbol" in parts:
        parts, symbols = _of_symbol(table.source, parts, symbol)
        named_by = symbols or named_by
    return parts, notes, named_by


def symbols_in(table: Table) -> list[str]:
    """Symbols of a table that holds several, in their order; empty where it holds one."""
    tickers = list(dict.fromkeys(ticker for ticker in table.tickers if ticker))
    if len(tickers) > 1:
        return tickers
    place = next((i for i, name in enumerate(table.names) if role_of(name) == "symbol"), None)
    if place is None:
        return []
    names = _distinct(table.columns[place])
    return names if len(names) > 1 else []


def _distinct(column: Column) -> list[str]:
    if isinstance(column, pd.Series):
        return [str(name).strip() for name in column.dropna().unique()]
    names = compute.unique(compute.utf8_trim_whitespace(column)).to_pylist()
    return [name for name in names if name]


def _of_ticker(table: Table, symbol: str | None) -> Table:
    """Columns of one symbol, where a line of names, or a level of a frame, holds several."""
    tickers = list(dict.fromkeys(ticker for ticker in table.tickers if ticker))
    if len(tickers) < 2:
        return table
    chosen = _chosen(table.source, tickers, symbol, "")
    keep = [i for i, ticker in enumerate(table.tickers) if ticker in ("", chosen)]
    names, columns = [table.names[i] for i in keep], [table.columns[i] for i in keep]
    return Table(table.source, names, columns, [table.tickers[i] for i in keep], table.notes)


def _of_symbol(
    source: str, parts: dict[str, Column], symbol: str | None
) -> tuple[dict[str, Column], str | None]:
    column = parts.pop("symbol")
    names = _distinct(column)
    if len(names) < 2:
        return parts, names[0] if names else None
    chosen = _chosen(source, names, symbol, "")
    if isinstance(column, pd.Series):
        rows = (column.astype(str).str.strip() == chosen).to_numpy(dtype=np.bool_)
    else:
        same = compute.equal(compute.utf8_trim_whitespace(column), chosen)
        rows = np.asarray(same.to_numpy(), dtype=np.bool_)
    kept = {
        part: one[rows] if isinstance(one, pd.Series) else one.filter(pyarrow.array(rows))
        for part, one in parts.items()
    }
    return kept, chosen


def _chosen(source: str, names: Sequence[str], symbol: str | None, where: str) -> str:
    """The name that is `symbol`, as it is or but for case and marks.

    Raises
    ------
    BarsError
    """
    if symbol is not None:
        same = [name for name in names if name == symbol] or [
            name for name in names if plain(name) == plain(symbol)
        ]
        if len(same) == 1:
            return same[0]
    alike = near(symbol, list(names)) if symbol else []
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    meant = f"did you mean {' or '.join(alike)}? " if alike else ""
    raise BarsError(
        source,
        f"holds {len(names)} symbols ({shown}){where}{f', and {symbol} is none of them' if symbol else ''}",
        f"{meant}give one symbol a file or frame, or say which: symbol={names[0]!r} "
        f"(backtune run {names[0]} --data FILE)",
    )


def _names_of_symbols(table: Table, places: dict[str, int]) -> Column | None:
    """A column of few words that no name tells: symbols, where the same dates come again for each."""
    used = set(places.values())
    time = table.columns[places["timestamp"]]
    rows = len(table)
    days = time.nunique() if isinstance(time, pd.Series) else len(compute.unique(time))
    if days > 0.9 * rows:
        return None
    for place, column in enumerate(table.columns):
        if place in used or role_of(table.names[place] if table.names else "") is not None:
            continue
        names = _distinct(column)
        words = all(not _NUMBER.fullmatch(name) and not is_time(name) for name in names[:50])
        if 1 < len(names) <= rows / 2 and words and abs(rows / len(names) - days) <= 0.5 * days:
            return column
    return None


def _nameless(table: Table) -> dict[str, int]:
    """Parts of a bar in columns without names: a time, a time of day, then prices in an order that they obey.

    Raises
    ------
    BarsError
        The columns are no such.
    """
    wrong = BarsError(
        table.source,
        "no column for time, open, high, low, close: the first line names no columns, and what follows is "
        "no time with four prices in an order that can be told",
        "put a line Date,Open,High,Low,Close above",
    )
    samples = [[str(text) for text in _head(column)] for column in table.columns]
    time = next(
        (i for i, texts in enumerate(samples) if texts and all(is_time(text) for text in texts)), None
    )
    if time is None:
        raise wrong
    places, place = {"timestamp": time}, time + 1
    if place < len(samples) and _is_clock(samples[place], samples[time]):
        places["clock"], place = place, place + 1
    numbers = [
        i for i in range(place, len(samples)) if samples[i] and all(_NUMBER.fullmatch(t) for t in samples[i])
    ]
    if len(numbers) < 4 or numbers[3] - numbers[0] != 3:
        raise wrong
    order = _order(table, numbers[:4])
    if order is None:
        raise wrong
    places |= {part: numbers[rank] for rank, part in enumerate(order)}
    if len(numbers) > 4 and numbers[4] == numbers[3] + 1:
        places["volume"] = numbers[4]
    words = [
        i
        for i in range(time)
        if samples[i] and len(set(samples[i])) == 1 and not _NUMBER.fullmatch(samples[i][0])
    ]
    if words:
        places["symbol"] = words[0]
    return places


def _head(column: Column) -> list[object]:
    some = column.head(200).tolist() if isinstance(column, pd.Series) else column.slice(0, 200).to_pylist()
    return [value for value in some if value is not None and str(value).strip()]


def _is_clock(texts: Sequence[str], dates: Sequence[str]) -> bool:
    """Times of day beside dates of eight digits or fewer parts; a price has other marks, or more values."""
    if not texts or not all(_CLOCK.fullmatch(text) for text in texts):
        return False
    if all(":" in text for text in texts):
        return True
    days_alone = all(len(re.sub(r"\D", "", date)) <= 8 for date in dates)
    return days_alone and all(len(text) in (4, 6) for text in texts)


def _order(table: Table, places: Sequence[int]) -> tuple[str, ...] | None:
    """The order of four columns that almost all rows obey as bars; open, high, low, close where it is one."""
    columns = [table.columns[place] for place in places]
    if any(isinstance(column, pd.Series) for column in columns):
        return _ORDERS[0]
    marks = marks_of(columns)
    values = [text_floats(column, marks) for column in columns]
    for order in _ORDERS:
        parts = dict(zip(order, values, strict=True))
        with np.errstate(invalid="ignore"):
            top = parts["high"] >= np.fmax(parts["open"], parts["close"]) * (1 - 1e-9)
            bottom = parts["low"] <= np.fmin(parts["open"], parts["close"]) * (1 + 1e-9)
        if np.mean(top & bottom) > 0.95:
            return order
    return None


def _date_and_time(date: Column, clock: Column) -> Column:
    """Dates with their time of day, as text; the time alone where it holds the date as well.

    Times of day of at most four digits are hours and minutes where none is beyond 23:59, else hours, minutes
    and seconds.
    """
    dates, clocks = _as_text(date), _as_text(clock)
    there = clocks.filter(compute.invert(pyarrow.array(missing(clocks))))
    if len(there) and all(is_time(text) for text in there.slice(0, 50).to_pylist()):
        return clocks
    bare = compute.replace_substring_regex(clocks, r"\.0*$", "")
    digits = compute.match_substring_regex(bare, r"^\d{1,6}$")
    if compute.all(digits).as_py():
        numbers = np.asarray(compute.cast(bare, pyarrow.int64()).to_numpy(), dtype=np.int64)
        longest = compute.max(compute.utf8_length(bare)).as_py() or 0
        minutes = longest <= 4 and bool((numbers <= 2359).all() and (numbers % 100 < 60).all())
        padded = compute.utf8_lpad(bare, 4 if minutes else 6, "0")
        pattern, shape = (r"^(..)(..)$", r"\1:\2") if minutes else (r"^(..)(..)(..)$", r"\1:\2:\3")
        clocks = compute.replace_substring_regex(padded, pattern, shape)
    days = compute.replace_substring_regex(compute.utf8_trim_whitespace(dates), r"\.0*$", "")
    days = compute.replace_substring_regex(days, r"[ T]00:00(?::00)?$", "")
    days = compute.replace_substring_regex(days, r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3")
    return compute.binary_join_element_wise(days, clocks, " ")


def _as_text(column: Column) -> pyarrow.ChunkedArray:
    if isinstance(column, pd.Series):
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            column = column.dt.strftime("%Y-%m-%d %H:%M:%S")
        texts = [
            None if value is None or value is pd.NaT or value != value else str(value) for value in column
        ]
        return pyarrow.chunked_array([pyarrow.array(texts, pyarrow.string())])
    return column
