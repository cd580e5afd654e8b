"""Price files and frames as people have them: Yahoo, Stooq, Alpaca, Binance, and plain OHLC tables."""

from __future__ import annotations

import csv
import gzip
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from backtune.bars import rules
from backtune.bars.series import Asset, Bars, check_symbol, infer_asset
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
}
_BINANCE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades",
    "taker_base", "taker_quote", "ignore",
)  # fmt: skip
_LEAST_ROWS = 2


def load_bars(
    source: str | os.PathLike[str] | pd.DataFrame,
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
        micro- or nanoseconds, with or without timezone (then converted to UTC). The layouts of Yahoo,
        Stooq, Alpaca and Binance exports are read as they are.
    symbol : str, optional
        Name of the series; by default the file's name, or the frame's symbol column.
    asset : {"stock", "crypto"}, optional
        By default crypto where the series trades at weekends.
    drop_bad : bool
        Drop rows that break a rule instead of refusing them; `Bars.dropped` says how many.

    Returns
    -------
    Bars

    Raises
    ------
    BarsError
        Naming the file, the row (counted from 1, header apart), the value, the rule and the cure.
    """
    if isinstance(source, pd.DataFrame):
        name, raw = "DataFrame", source.copy()
    else:
        path = Path(source)
        name, raw = str(path.name), _read(path)
        symbol = symbol or path.name.partition(".")[0]
    raw = _standard_columns(name, raw)
    symbol = check_symbol(symbol or _only_symbol(name, raw) or "BARS")
    _only_symbol(name, raw)
    raw = raw.drop(columns="symbol", errors="ignore").reset_index(drop=True)
    frame, dropped = _checked(name, raw, drop_bad)
    if len(frame) < _LEAST_ROWS:
        raise BarsError(
            name,
            f"has {len(frame)} usable rows",
            f"a price series needs at least {_LEAST_ROWS}",
            value=len(frame),
        )
    timestamps = frame["timestamp"].to_numpy(dtype="datetime64[ns]")
    if asset is not None:
        one_of("asset", asset, ("stock", "crypto"))
    prices = {price: frame[price].to_numpy(dtype=np.float64) for price in rules.PRICES}
    volume = None
    if "volume" in raw:
        volume = pd.to_numeric(raw["volume"], errors="coerce").loc[frame.index].to_numpy(dtype=np.float64)
    return Bars(
        symbol,
        timestamps,
        volume=volume,
        asset=asset or infer_asset(symbol, timestamps),
        source=name,
        dropped=dropped,
        **prices,
    )


def find_bars_file(symbol: str, folder: str | os.PathLike[str]) -> Path:
    """Path of a symbol's price file in `folder`: SYMBOL.csv, .parquet, .csv.gz or .txt, in any case.

    Raises
    ------
    BarsError
        No such folder, or no such file in it; the message lists what is there.
    """
    name = check_symbol(symbol)
    root = Path(folder)
    if not root.is_dir():
        raise BarsError(
            str(folder), "is not a folder", "give the folder that holds SYMBOL.csv or SYMBOL.parquet"
        )
    files = {path.name.lower(): path for path in bars_files(root)}
    for suffix in SUFFIXES:
        if f"{name}{suffix}".lower() in files:
            return files[f"{name}{suffix}".lower()]
    have = ", ".join(path.name for path in list(files.values())[:8]) or "no price file"
    raise BarsError(
        str(folder), f"no price file for {name}", f"expected {name}.csv or {name}.parquet; it holds {have}"
    )


def bars_files(folder: Path) -> list[Path]:
    """Price files of a folder, by name."""
    return sorted(p for p in folder.iterdir() if p.is_file() and p.name.lower().endswith(SUFFIXES))


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise BarsError(str(path), "no such file", "check the name and the folder")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return _read_csv(path)
    except (OSError, ValueError, UnicodeDecodeError, csv.Error, EOFError) as error:
        kind = "Parquet" if path.suffix.lower() == ".parquet" else "CSV"
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise BarsError(
            path.name, f"cannot be read as {kind} ({first[0][:120]})", "check the file"
        ) from error


def _read_csv(path: Path) -> pd.DataFrame:
    head = pd.read_csv(path, nrows=2, header=None, dtype=str, sep=None, engine="python", encoding="utf-8-sig")
    first = [str(cell).strip() for cell in head.iloc[0]]
    sep = _separator(path)
    if len(first) == len(_BINANCE) and all(_is_number(cell) for cell in first):
        return pd.read_csv(path, header=None, names=list(_BINANCE), dtype=str, sep=sep, encoding="utf-8-sig")
    frame = pd.read_csv(path, dtype=str, sep=sep, encoding="utf-8-sig", skipinitialspace=True)
    if (
        first[0] == "Price" and len(head) > 1 and str(head.iloc[1, 0]) == "Ticker"
    ):  # yfinance's three-line header
        frame = frame.rename(columns={"Price": "Date"}).iloc[2:]
    return frame


def _separator(path: Path) -> str:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as lines:
        line = lines.readline()
    return max(",;\t", key=line.count)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _standard_columns(source: str, raw: pd.DataFrame) -> pd.DataFrame:
    """Keep the columns that matter, under this package's names."""
    if isinstance(raw.columns, pd.MultiIndex):
        raw.columns = raw.columns.get_level_values(0)
    if not isinstance(raw.index, pd.RangeIndex):
        levels = [name or f"index{'' if i == 0 else i}" for i, name in enumerate(raw.index.names)]
        raw = raw.reset_index(names=levels)
    plain = {str(column).strip().strip("<>").lower().replace(" ", "_"): column for column in raw.columns}
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
    if len(names) > 1:
        shown = ", ".join(str(name) for name in names[:5])
        raise BarsError(source, f"holds {len(names)} symbols ({shown}...)", "give one symbol a file or frame")
    return str(names[0]) if len(names) else None


def _checked(source: str, raw: pd.DataFrame, drop_bad: bool) -> tuple[pd.DataFrame, int]:
    """Return converted rows that obey every rule, and how many did not."""
    raw = raw.dropna(how="all")
    given = len(raw)
    frame = pd.DataFrame({"timestamp": _timestamps(raw["timestamp"])})
    for name in rules.PRICES:
        frame[name] = pd.to_numeric(raw[name], errors="coerce").astype(np.float64)
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
        if len(stamps) > 1 and (np.diff(stamps.astype("int64")) < 0).all():
            rules.refuse(source, found, raw, rows, "the rows run from newest to oldest: sort them by date")
        if not drop_bad:
            rules.refuse(source, found, raw, rows)
        frame = frame[~np.logical_or.reduce([fault.rows for fault in found])]
    return frame, given - len(frame)


def _timestamps(column: pd.Series) -> pd.Series:
    """Timestamps without timezone (UTC where they had one); NaT where one cannot be read."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[ns]")
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return column.astype("datetime64[ns]")
    numbers = pd.to_numeric(column, errors="coerce")
    if len(numbers) and numbers.notna().mean() > 0.5:
        return _epochs(numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pandas' remark that formats differ from row to row
        parsed = pd.to_datetime(column, errors="coerce", utc=True, format="mixed")
    return parsed.dt.tz_localize(None).astype("datetime64[ns]")


def _epochs(numbers: pd.Series) -> pd.Series:
    """YYYYMMDD dates, or epochs whose unit shows in their size."""
    typical = float(numbers.abs().median())
    if 1e7 <= typical < 1e8:
        text = numbers.astype("Int64").astype(str)
        return pd.to_datetime(text, format="%Y%m%d", errors="coerce").astype("datetime64[ns]")
    for unit, limit in (("s", 1e11), ("ms", 1e14), ("us", 1e17), ("ns", np.inf)):
        if typical < limit:
            try:
                stamps = pd.to_datetime(numbers, unit=unit, errors="coerce")
            except (OverflowError, ValueError):
                break
            return stamps.astype("datetime64[ns]")
    return pd.Series(pd.NaT, index=numbers.index)


def check_folder(
    folder: str | os.PathLike[str], *, drop_bad: bool = False
) -> list[tuple[Path, Bars | BarsError]]:
    """Read every price file of a folder: its bars, or what is wrong with it.

    Raises
    ------
    BarsError
        `folder` is not a folder, or holds no price file.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BarsError(str(folder), "is not a folder", "give the folder that holds the price files")
    files = bars_files(root)
    if not files:
        raise BarsError(str(folder), "holds no price file", f"expected {', '.join(SUFFIXES)}")
    results: list[tuple[Path, Bars | BarsError]] = []
    for path in files:
        try:
            results.append((path, load_bars(path, drop_bad=drop_bad)))
        except BarsError as error:
            results.append((path, error))
        except SettingError as error:
            results.append((path, BarsError(path.name, str(error), "rename the file")))
    return results
