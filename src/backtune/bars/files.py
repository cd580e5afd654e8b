"""Price files and frames as people have them: Yahoo, Stooq, Alpaca, Binance, and plain OHLC tables."""

from __future__ import annotations

import gzip
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars import rules
from backtune.bars.assets import ASSETS, Asset, active_bars, judge_asset
from backtune.bars.checks import last_day_twice, live_row
from backtune.bars.frames import Frame, as_pandas, is_frame
from backtune.bars.names import check_symbol, folder_name, near, symbol_of
from backtune.bars.notes import Note, warn
from backtune.bars.series import Bars
from backtune.bars.times import read_durations, read_times, read_utc_offsets
from backtune.errors import BarsError, SettingError, one_of

SUFFIXES = (".csv", ".parquet", ".csv.gz", ".txt")
_NAMES = {
    "timestamp": (
        "timestamp",
        "datetime",
        "date",
        "time",
        "open_time",
        "opentime",
        "t",
        "index",
        "unnamed:_0",
    ),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v", "vol"),
    "symbol": ("symbol", "ticker", "tic"),
    "utc_offset": ("utc_offset",),  # of `Bars.frame`
}
_BINANCE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades",
    "taker_base", "taker_quote", "ignore",
)  # fmt: skip
_LEAST_ROWS = 2


def load_bars(
    source: str | os.PathLike[str] | Frame,
    symbol: str | None = None,
    *,
    asset: Asset | None = None,
    drop_bad: bool = False,
) -> Bars:
    """Read a price series and check that every row is a bar.

    Parameters
    ----------
    source : path or DataFrame
        .csv, .csv.gz, .txt or .parquet file, or a frame. Column names in any case; the time in a column
        Date, Datetime, timestamp or time (or the index of a frame), as text or as epoch seconds, milli-,
        micro- or nanoseconds, with or without timezone (then converted to UTC, and the exchange's own clock
        kept: `Bars.local`). The layouts of Yahoo, Stooq, Alpaca and Binance exports are read as they are.
    symbol : str, optional
        Name of the series; by default the file's name, or the frame's symbol column.
    asset : {"stock", "crypto"}, optional
        By default crypto where the series trades at weekends.
    drop_bad : bool
        Drop rows that break a rule instead of refusing them; `Bars.dropped` says how many.

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
        A symbol that is no safe name, an unknown asset, or a source of another type.
    """
    bars = read_bars(source, symbol, asset=asset, drop_bad=drop_bad)
    warn(bars.source, bars.notes)
    return bars


def read_bars(
    source: str | os.PathLike[str] | Frame,
    symbol: str | None = None,
    *,
    asset: Asset | None = None,
    drop_bad: bool = False,
) -> Bars:
    """`load_bars` for callers that show `Bars.notes` themselves: no Python warnings."""
    if asset is not None:
        one_of("asset", asset, ASSETS)
    if is_frame(source):
        name, raw = "DataFrame", as_pandas(source)
    elif isinstance(source, str | os.PathLike):
        path = Path(source)
        name, raw = path.name, _read(path)
        symbol = symbol_of(stem(path)) if symbol is None else symbol
    else:
        given = type(source).__name__
        raise SettingError(f"source is of type {given}; give the path of a price file, or a DataFrame")
    raw = _standard_columns(name, raw)
    only = _only_symbol(name, raw)
    symbol = check_symbol((only or "BARS") if symbol is None else symbol)
    raw = raw.drop(columns="symbol", errors="ignore").reset_index(drop=True)
    frame, dropped = _checked(name, raw, drop_bad)
    if len(frame) < _LEAST_ROWS:
        raise BarsError(
            name,
            f"has {len(frame)} usable rows",
            f"a price series needs at least {_LEAST_ROWS}",
            value=len(frame),
        )
    notes: list[Note] = []
    stamps = frame["timestamp"].to_numpy(dtype="datetime64[ns]")
    if last_day_twice(stamps):
        notes.append(live_row(stamps, int(frame.index[-1]) + 1))
        frame = frame.iloc[:-1]
    timestamps = frame["timestamp"].to_numpy(dtype="datetime64[ns]")
    prices = {price: frame[price].to_numpy(dtype=np.float64) for price in rules.PRICES}
    volume = None
    if "volume" in raw:
        volume = _floats(raw["volume"].loc[frame.index]).to_numpy()
    if asset is None:
        active = active_bars(np.stack([prices[price] for price in rules.PRICES]), volume)
        asset, sure = judge_asset(symbol, timestamps, active)
        if not sure:
            other = "crypto" if asset == "stock" else "stock"
            notes.append(
                Note(
                    "asset_guessed",
                    f"asset guessed: {asset}, since neither the days of trade nor the name tell; "
                    f"--asset {other} if it is (asset={other!r})",
                )
            )
    bars = Bars(
        symbol,
        timestamps,
        volume=volume,
        asset=asset,
        source=name,
        dropped=dropped,
        utc_offset=_offsets(frame["utc_offset"]),
        notes=tuple(notes),
        **prices,
    )
    return bars


def _offsets(column: pd.Series) -> NDArray[np.timedelta64] | None:
    """Offsets from UTC of the rows; None where all are 0: UTC, or a clock that names no zone."""
    offsets = column.to_numpy(dtype="timedelta64[ns]")
    return offsets if offsets.any() else None


def find_bars_file(symbol: str, folder: str | os.PathLike[str]) -> Path:
    """Path of a symbol's price file in `folder`: SYMBOL.csv, .parquet, .csv.gz or .txt, in any case.

    BTC/USDT may lie there as BTC%2FUSDT (its folder name), BTC-USDT, BTC_USDT or BTCUSDT.

    Raises
    ------
    BarsError
        No such folder, or no such file in it; the message lists what is there.
    """
    name = check_symbol(symbol)
    files = bars_files(Path(folder))
    for written in (name, *_as_files(name)):
        for suffix in SUFFIXES:
            wanted = f"{written}{suffix}"
            matching = [path for path in files if path.name.lower() == wanted.lower()]
            if matching:  # the name as given before one in another case
                return next((path for path in matching if path.name == wanted), matching[0])
    stems = {stem(path): path.name for path in files}
    alike = [stems[found] for found in near(name, list(stems))]
    have = ", ".join(path.name for path in files[:8]) or "no price file"
    expected = folder_name(name)
    raise BarsError(
        str(folder),
        f"no price file for {name}",
        f"did you mean {' or '.join(alike)}? Name it {expected}, or give --data FILE"
        if alike
        else f"expected {expected}.csv or {expected}.parquet; it holds {have}",
    )


def _as_files(symbol: str) -> list[str]:
    """Other names that a symbol's file may have, since / and : are in no file name."""
    others = [folder_name(symbol)]
    if "/" in symbol or ":" in symbol:
        others += [symbol.replace("/", mark).replace(":", mark) for mark in ("-", "_", "")]
    return others


def bars_files(folder: Path) -> list[Path]:
    """Price files of a folder, by name.

    Raises
    ------
    BarsError
        It is not a folder, or may not be read.
    """
    if not folder.is_dir():
        raise BarsError(
            str(folder), "is not a folder", "give the folder that holds SYMBOL.csv or SYMBOL.parquet"
        )
    try:
        return sorted(p for p in folder.iterdir() if p.is_file() and p.name.lower().endswith(SUFFIXES))
    except OSError as error:
        raise BarsError(str(folder), f"cannot be read ({error.strerror})", "check its permissions") from error


def stem(path: Path) -> str:
    """File name without the suffix of a price file: BRK.B of BRK.B.csv.gz."""
    name = path.name
    ending = max((end for end in SUFFIXES if name.lower().endswith(end)), key=len, default=path.suffix)
    return name[: len(name) - len(ending)]


def _read(path: Path) -> pd.DataFrame:
    kind = "Parquet" if path.suffix.lower() == ".parquet" else "CSV"
    try:
        if path.is_dir():
            raise BarsError(str(path), "is a folder", "name one price file in it")
        if not path.is_file():
            raise BarsError(str(path), "no such file", "check the name and the folder")
        return pd.read_parquet(path) if kind == "Parquet" else _read_csv(path)
    except (BarsError, ImportError):
        raise
    except pd.errors.ParserWarning as error:
        raise BarsError(
            path.name,
            "has rows with more fields than its header",
            "look for decimal commas, or name every column",
        ) from error
    except Exception as error:  # a damaged file makes its reader raise nearly anything
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise BarsError(
            path.name, f"cannot be read as {kind} ({first[0][:120]})", "check the file"
        ) from error


def _read_csv(path: Path) -> pd.DataFrame:
    lines = _first_lines(path)
    sep = max(",;\t", key=lines[0].count)
    first, second = ([cell.strip().strip('"') for cell in line.split(sep)] for line in lines)
    options: dict[str, Any] = {
        "dtype": str, "sep": sep, "encoding": "utf-8-sig", "skipinitialspace": True, "index_col": False,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows with more fields than the header
        if len(first) == len(_BINANCE) and all(_is_number(cell) for cell in first):
            return pd.read_csv(path, header=None, names=list(_BINANCE), **options)
        frame = pd.read_csv(path, **options)
    if first[0] == "Price" and second[0] == "Ticker":  # yfinance's three-line header
        _one_ticker(path.name, [cell for cell in second[1:] if cell])
        frame = frame.rename(columns={"Price": "Date"}).iloc[2:]
    _one_of_each(path.name, filter(None, first))  # pandas gives a second column another name
    return frame


def _first_lines(path: Path) -> tuple[str, str]:
    """The first line that is not blank, and the one after it."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as text:
        first = next((line for line in text if line.strip()), "")
        return first.rstrip("\r\n"), text.readline().rstrip("\r\n")


def _one_ticker(source: str, tickers: Iterable[object]) -> None:
    names = sorted({str(ticker) for ticker in tickers})
    if len(names) > 1:
        raise BarsError(
            source, f"holds {len(names)} symbols ({', '.join(names[:5])})", "give one symbol a file or frame"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _floats(column: pd.Series) -> pd.Series:
    """64-bit floats, NaN where a number cannot be read; text becomes the nearest float."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
        return pd.Series(np.nan, index=column.index)
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return numbers
    values = column.to_numpy(dtype=object)
    flags = np.array([type(value) in (bool, np.bool_) for value in values], dtype=np.bool_)
    read = numbers.notna().to_numpy() & ~flags
    exact = np.full(len(values), np.nan)
    exact[read] = values[read].astype(np.float64)  # to_numeric is off by a few ulps in two texts of five
    return pd.Series(exact, index=column.index)


def _standard_columns(source: str, raw: pd.DataFrame) -> pd.DataFrame:
    """Keep the columns that matter, under this package's names."""
    raw = _flat(source, raw)
    plain = _one_of_each(source, raw.columns)
    if "date" in plain and "time" in plain:
        raw[plain["date"]] = _date_and_time(raw[plain["date"]], raw[plain.pop("time")])
    chosen: dict[str, object] = {}
    for name, known in _NAMES.items():
        column = next((plain[alias] for alias in known if alias in plain), None)
        if column is not None:
            chosen[name] = column
    missing = [name for name in ("timestamp", *rules.PRICES) if name not in chosen]
    if missing:
        have = ", ".join(str(column) for column in raw.columns[:12])
        wanted = {"timestamp": "time (Date, Datetime, timestamp or time)"}
        raise BarsError(
            source,
            f"no column for {', '.join(wanted.get(name, name) for name in missing)}",
            f"it has: {have}; name the columns Date, Open, High, Low, Close",
        )
    return pd.DataFrame({name: raw[column] for name, column in chosen.items()})


def _one_of_each(source: str, columns: Iterable[object]) -> dict[str, object]:
    """Columns by their plain names, if no two of them have the same."""
    named: dict[str, list[object]] = {}
    for column in columns:
        named.setdefault(_plain_name(column), []).append(column)
    twice = next((same for same in named.values() if len(same) > 1), None)
    if twice:
        raise BarsError(
            source, f"columns {', '.join(map(str, twice))} have the same name", "keep one column of each name"
        )
    return {name: same[0] for name, same in named.items()}


def _flat(source: str, raw: pd.DataFrame) -> pd.DataFrame:
    """Frame with one level of columns, and its index as columns."""
    if isinstance(raw.columns, pd.MultiIndex):  # yfinance: (price, ticker), or (ticker, price)
        prices = [
            {"open", "close"} <= {_plain_name(value) for value in raw.columns.get_level_values(level)}
            for level in range(raw.columns.nlevels)
        ]
        level = prices.index(True) if any(prices) else 0
        for other in set(range(raw.columns.nlevels)) - {level}:
            _one_ticker(source, (ticker for ticker in raw.columns.get_level_values(other) if ticker))
        raw.columns = raw.columns.get_level_values(level)
    if isinstance(raw.index, pd.RangeIndex):
        return raw
    here = {_plain_name(column) for column in raw.columns}
    names = [name or f"index{'' if i == 0 else i}" for i, name in enumerate(raw.index.names)]
    doubled = [i for i, name in enumerate(names) if _plain_name(name) in here]
    for i in sorted(doubled, reverse=True):  # the column of that name says it already
        raw = raw.reset_index(level=i, drop=True)
        names.pop(i)
    return raw.reset_index(names=names) if names else raw.reset_index(drop=True)


def _plain_name(column: object) -> str:
    return str(column).strip().strip("<>").lower().replace(" ", "_")


def _date_and_time(date: pd.Series, time: pd.Series) -> pd.Series:
    digits = time.astype(str).str.strip().str.replace(r"\.0$", "", regex=True)
    plain = digits.str.fullmatch(r"\d{1,6}")
    padded = digits.str.zfill(6).str.replace(r"(..)(..)(..)", r"\1:\2:\3", regex=True)
    day = date.astype(str).str.strip().str.replace(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", regex=True)
    return day + " " + digits.where(~plain, padded)


def _only_symbol(source: str, raw: pd.DataFrame) -> str | None:
    if "symbol" not in raw:
        return None
    names = raw["symbol"].dropna().unique()
    _one_ticker(source, names)
    return str(names[0]) if len(names) else None


def _checked(source: str, raw: pd.DataFrame, drop_bad: bool) -> tuple[pd.DataFrame, int]:
    """Return converted rows that obey every rule, and how many did not."""
    raw = raw.dropna(how="all")
    given = len(raw)
    frame = pd.DataFrame({"timestamp": read_times(raw["timestamp"])})
    frame["utc_offset"] = read_utc_offsets(raw["timestamp"])
    if "utc_offset" in raw:
        frame["utc_offset"] += read_durations(raw["utc_offset"])
    for name in rules.PRICES:
        frame[name] = _floats(raw[name])
    rows = raw.index.to_numpy() + 1
    found = rules.faults(frame, raw)
    if found and not drop_bad:
        rules.refuse(source, found, raw, rows)
    if found:
        good = ~np.logical_or.reduce([fault.rows for fault in found])
        frame, raw, rows = frame[good], raw[good], rows[good]
    stamps = frame["timestamp"].to_numpy(dtype="datetime64[ns]")
    found = rules.order_faults(stamps)
    if found:
        bad = np.logical_or.reduce([fault.rows for fault in found])
        if 2 * (~bad).sum() < len(np.unique(stamps)):  # dropping would leave a remnant
            rules.refuse(source, found, raw, rows, "most rows are out of order: sort them by date")
        if not drop_bad:
            rules.refuse(source, found, raw, rows)
        frame = frame[~bad]
    return frame, given - len(frame)


def check_folder(
    folder: str | os.PathLike[str], *, drop_bad: bool = False
) -> list[tuple[Path, Bars | BarsError]]:
    """Read every price file of a folder: its bars, or what is wrong with it.

    Raises
    ------
    BarsError
        `folder` is not a folder, or holds no price file.
    """
    files = bars_files(Path(folder))
    if not files:
        raise BarsError(str(folder), "holds no price file", f"expected {', '.join(SUFFIXES)}")
    results: list[tuple[Path, Bars | BarsError]] = []
    for path in files:
        try:
            results.append((path, read_bars(path, drop_bad=drop_bad)))
        except BarsError as error:
            results.append((path, error))
        except SettingError as error:
            results.append((path, BarsError(path.name, str(error), "rename the file")))
    return results
