"""`load_bars`: from a file or a frame to bars, with a note on all that was done and all that looks wrong."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray

from backtune.bars import rules
from backtune.bars.adjustment import adjust, jumps, undo_splits
from backtune.bars.assets import active_bars, judge_asset
from backtune.bars.checks import date_text, last_day_twice, live_row, series_notes
from backtune.bars.containers import decoded, read_container, suffix_of
from backtune.bars.frames import Frame, as_pandas, from_frame, is_frame
from backtune.bars.layout import BAR_CELLS
from backtune.bars.names import check_symbol, plain, symbol_of
from backtune.bars.notes import Note, warn
from backtune.bars.options import Asset, ReadOptions
from backtune.bars.parts import parts_of, symbols_in
from backtune.bars.rows import Rows, obeying, oldest_first, read_rows, stamps_with_offset, without_empty
from backtune.bars.rules import PRICES
from backtune.bars.series import Bars
from backtune.bars.table import Table, from_text, reader
from backtune.bars.times import now
from backtune.errors import BarsError, SettingError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_LEAST_ROWS = 2
_MAKE_FRAMES = ("to_pandas", "toPandas", "compute", "collect")  # methods of frames of other libraries


def load_bars(
    source: str | os.PathLike[str] | Frame,
    symbol: str | None = None,
    *,
    options: ReadOptions | None = None,
    **changes: Any,
) -> Bars:
    """Read a price series and check that every row is a bar.

    A file is read as its owner means it: whatever its encoding, compression, marks between cells, lines
    before and behind the rows, names of columns, order of rows, and way to write times and numbers. What was
    done is in `Bars.notes`, and so is what looks wrong; what cannot be told is asked, by an error that names
    the option.

    Parameters
    ----------
    source : path or DataFrame
        CSV or text (also in .gz, .zip, .zst or .bz2), Parquet, Feather, JSON of freqtrade or ccxt; a pandas
        or polars frame, or an Arrow table. Times with a zone are turned to UTC, the exchange's own clock kept
        in `Bars.local`; bars of a day or more keep the exchange's own date.
    symbol : str, optional
        Name of the series, or which of several in one file; by default the file's name, or that of the
        frame's symbol column.
    options : ReadOptions, optional
    **changes
        Fields of `ReadOptions`: asset, days_a_year, drop_bad, day_first, timezone, decimal, columns, raw,
        split, accept_jumps.

    Returns
    -------
    Bars

    Warns
    -----
    DataWarning
        For each of `Bars.notes` that may make results wrong.

    Raises
    ------
    BarsError
        Naming the file, the row (counted from 1, header apart), the value, the rule and the cure.
    SettingError
        A symbol that is no usable name, a bad option, or a source of another type.
    """
    bars = read_bars(source, symbol, options=options, **changes)
    warn(bars.source, bars.notes)
    return bars


def read_bars(
    source: str | os.PathLike[str] | Frame,
    symbol: str | None = None,
    *,
    options: ReadOptions | None = None,
    **changes: Any,
) -> Bars:
    """`load_bars` for callers that show `Bars.notes` themselves: no Python warnings."""
    chosen = read_options(options, changes)
    if symbol is not None:
        check_symbol(symbol)
    table, default = read_table(source)
    return bars_of(table, symbol, default, chosen)


def bars_of(table: Table, symbol: str | None, default: str | None, options: ReadOptions) -> Bars:
    """Bars of a table: of `symbol` where it is given, else named by the file (`default`), or by the table.

    Raises
    ------
    BarsError, SettingError
        See `load_bars`.
    """
    try:
        return _bars_of(table, symbol, default, options)
    except (pyarrow.ArrowException, OverflowError, MemoryError, UnicodeError, RecursionError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise BarsError(table.source, f"cannot be read ({first[0][:120]})", "check the file") from error


def read_options(options: ReadOptions | None, changes: dict[str, Any]) -> ReadOptions:
    """Options with changes.

    Raises
    ------
    SettingError
        One that is unknown, or has no such value.
    """
    try:
        return replace(options or ReadOptions(), **changes)
    except TypeError as error:
        known = ", ".join(ReadOptions.__dataclass_fields__)
        raise SettingError(f"{error}; options of load_bars are {known}") from error


def read_table(
    source: str | os.PathLike[str] | Frame, cells_a_row: int = BAR_CELLS
) -> tuple[Table, str | None]:
    """Table of a file or frame, and the symbol that the file's name says.

    Parameters
    ----------
    source : path or DataFrame
    cells_a_row : int
        The least that a row of a text file has.

    Raises
    ------
    BarsError, SettingError
        See `load_bars`.
    """
    if is_frame(source):
        return from_frame("DataFrame", as_pandas(source)), None
    if not isinstance(source, str | os.PathLike):
        raise SettingError(f"source is of type {_type_name(source)}; give {_instead_of(source)}")
    path = Path(source)
    try:
        state = path.stat()
    except (OSError, ValueError):
        return _file_table(path, 0, 0, cells_a_row), stem(path)
    try:
        table = _file_table(path, state.st_mtime_ns, state.st_size, cells_a_row)
    except MemoryError as error:
        raise BarsError(path.name, "does not fit into memory", "cut it") from error
    if not symbols_in(table):
        _file_table.cache_clear()
    return table, stem(path)


def _type_name(source: object) -> str:
    """Name of its type, with its package where another has a type of that name."""
    kind = type(source)
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package == "builtins" else f"{package} {kind.__name__}"


def _instead_of(source: object) -> str:
    """What to give in place of a source of another type: of somebody's frame, the frame that it can make."""
    makes = next((name for name in _MAKE_FRAMES if callable(getattr(source, name, None))), "")
    if makes and "Frame" in type(source).__name__:
        return f"the pandas DataFrame that its {makes}() makes"
    return "the path of a price file, or a pandas DataFrame"


@lru_cache(maxsize=2)  # bars, and forecasts of them
def _file_table(path: Path, changed: int, size: int, cells_a_row: int) -> Table:
    """Table of a file; one of many symbols is asked for again and again, and read once until it changes."""
    frame, content = read_container(path)
    if frame is not None:
        return from_frame(path.name, frame)
    text, encoding = decoded(path.name, content)
    table = from_text(path.name, text, cells_a_row)
    if encoding:
        table.notes.insert(0, Note("encoding", f"read as {encoding.replace('_', '-')} text"))
    return table


def stem(path: Path) -> str:
    """File name without the suffix of a price file: BRK.B of BRK.B.csv.gz, BTC/USDT of BTC%2FUSDT.csv."""
    name, ending = path.name, suffix_of(path) or path.suffix
    return symbol_of(name[: len(name) - len(ending)])


def _bars_of(table: Table, symbol: str | None, default: str | None, options: ReadOptions) -> Bars:
    parts, notes, named = parts_of(table, symbol, options)
    notes = [*table.notes, *notes]
    name = check_symbol(symbol or default or named or "BARS")
    rows = read_rows(table.source, parts, options, notes)
    raw = reader(parts)
    rows = without_empty(rows, notes)
    rows = oldest_first(rows, notes)
    stamps, offset = stamps_with_offset(rows, options)
    rows, stamps, offset, dropped = obeying(table.source, rows, stamps, offset, raw, options, notes)
    if last_day_twice(stamps if offset is None else stamps + offset):
        notes.append(live_row(stamps, int(rows.places[-1]) + 1))
        rows, stamps = rows.take(slice(0, -1)), stamps[:-1]
        offset = None if offset is None else offset[:-1]
    if len(stamps) < _LEAST_ROWS:
        raise BarsError(
            table.source,
            f"has {len(stamps)} usable rows",
            f"a price series needs at least {_LEAST_ROWS}",
            value=len(stamps),
        )
    prices, volume = _adjusted(table.source, name, rows, stamps, options, notes)
    asset = _asset(name, stamps, prices, volume, options, notes)
    matrix = np.stack([prices[part] for part in PRICES])
    numbers = rows.places + 1
    notes += series_notes(stamps, matrix, volume, numbers, asset == "crypto", now())
    if named is not None and _another(name, named):
        notes.append(
            Note("other_symbol", f"the file says that it holds {named[:40]}, and it is read as {name}")
        )
    return Bars(
        name,
        stamps,
        matrix[0],
        matrix[1],
        matrix[2],
        matrix[3],
        volume=volume,
        asset=asset,
        source=table.source,
        dropped=dropped,
        utc_offset=offset,
        notes=tuple(notes),
        days_a_year=options.days_a_year,
    )


def _adjusted(
    source: str,
    name: str,
    rows: Rows,
    stamps: NDArray[np.datetime64],
    options: ReadOptions,
    notes: list[Note],
) -> tuple[dict[str, Array], Array | None]:
    prices, said = adjust(rows.prices, rows.extra, options)
    notes += said
    prices, volume, said = undo_splits(source, name, prices, rows.extra.get("volume"), stamps, options)
    notes += said
    if prices is not rows.prices:
        prices = dict(prices)
        rules.widen(prices)
        none = np.zeros(len(stamps), dtype=np.bool_)
        bad = rules.faults(prices, dict.fromkeys(("timestamp", *PRICES), none), stamps, none)
        if bad:
            row = int(rows.places[np.argmax(bad[0].rows)]) + 1
            cure = "raw=True (--raw) for the prices as they are"
            raise BarsError(source, f"adjusted, {bad[0].rule}", cure, row=row)
    if not options.accept_jumps:
        notes += jumps(name, prices, partial(date_text, stamps), rows.places + 1)
    return prices, volume


def _asset(
    name: str,
    stamps: NDArray[np.datetime64],
    prices: dict[str, Array],
    volume: Array | None,
    options: ReadOptions,
    notes: list[Note],
) -> Asset:
    if options.asset is not None:
        return options.asset  # type: ignore[return-value]
    asset, sure = judge_asset(name, stamps, active_bars(np.stack([prices[part] for part in PRICES]), volume))
    if not sure:
        other = "crypto" if asset == "stock" else "stock"
        sentence = (
            f"asset guessed: {asset}, since neither the days of trade nor the name tell; "
            f"asset={other!r} (--asset {other}) if it is"
        )
        notes.append(Note("asset_guessed", sentence))
    return asset


def _another(name: str, named: str) -> bool:
    """Whether a file's own symbol is another than its name says."""
    one, other = plain(name), plain(named)
    ticker = named.upper() == named and " " not in named and len(named) <= 24
    return bool(ticker and other and one and one not in other and other not in one)
