"""Downloads into a folder of Parquet files, one a symbol, that `--data` reads; what is there is kept."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
from pyarrow import parquet

from backtune.bars.names import check_symbol, folder_name
from backtune.bars.sources.base import COLUMNS, Source, check_interval, patient_pages
from backtune.bars.sources.registry import source_named
from backtune.errors import BarsError, SettingError

_ABOUT = b"backtune"
_OVERLAP = 5  # bars that are asked for again: they say whether the past was adjusted meanwhile
_FLUSH = 20  # pages after which what came is written
_SAME = 1e-6


@dataclass(frozen=True)
class Download:
    """What came of one symbol.

    Attributes
    ----------
    symbol : str
    path : Path
    bars : int
        In the file now.
    added : int
        That were not there before.
    again : bool
        The past was adjusted since the last download, and fetched once more.
    error : BarsError or None
        Why it ended early; what had come by then is kept.
    """

    symbol: str
    path: Path
    bars: int = 0
    added: int = 0
    again: bool = False
    error: BarsError | None = None


def download(
    symbols: Sequence[str],
    source: str | Source = "yfinance",
    *,
    interval: str = "1d",
    start: str | pd.Timestamp = "2015-01-01",
    end: str | pd.Timestamp | None = None,
    folder: str | os.PathLike[str] = "data",
    progress: Callable[[str, int], None] = lambda symbol, bars: None,
    wait: Callable[[float], None] = time.sleep,
) -> list[Download]:
    """Download bars into FOLDER/SYMBOL.parquet; what is there already is gone on with.

    A bar that has not ended is left out. Where the source adjusts for splits and dividends, the last bars are
    asked for again, and the whole past where they have changed.

    Parameters
    ----------
    symbols : sequence of str
        As the source writes them.
    source : str or Source
        "yfinance", "ccxt:EXCHANGE", "alpaca", or another's.
    interval : str
        "1m" to "1w"; see `INTERVALS`.
    start, end : str or Timestamp
        Dates, or times in UTC; `end` is now by default.
    folder : path
    progress : callable
        Called with symbol and bars so far, after each page.
    wait : callable
        Waits some seconds between attempts.

    Returns
    -------
    list of Download
        One a symbol; one that failed says why in `error`.

    Raises
    ------
    SettingError
        Unknown source or interval, a library or key that is missing, or bad dates.
    BarsError
        The folder cannot be written.
    """
    seconds, chosen = check_interval(interval), source_named(source)
    names = [check_symbol(symbol) for symbol in symbols]
    first, last = _moment("start", start), min(_moment("end", end), pd.Timestamp.now("UTC"))
    if not names or first >= last:
        raise SettingError(f"nothing to download: {len(names)} symbols from {first} to {last}")
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        return [_one(name, chosen, interval, seconds, first, last, target, progress, wait) for name in names]
    except OSError as error:
        reason = error.strerror or str(error)
        raise BarsError(
            str(folder), f"cannot be written ({reason})", "choose another folder with --to"
        ) from error


def _moment(name: str, time: str | pd.Timestamp | None) -> pd.Timestamp:
    now = pd.Timestamp.now("UTC")
    if time is None:
        return now
    try:
        moment = pd.Timestamp(time)
    except (ValueError, TypeError) as error:
        raise SettingError(f"{name} is {str(time)[:40]!r}; give a date such as 2020-01-31") from error
    if pd.isna(moment):
        raise SettingError(f"{name} is {str(time)[:40]!r}; give a date such as 2020-01-31")
    moment = moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")
    return moment


def _one(
    symbol: str,
    source: Source,
    interval: str,
    seconds: float,
    start: pd.Timestamp,
    end: pd.Timestamp,
    folder: Path,
    progress: Callable[[str, int], None],
    wait: Callable[[float], None],
) -> Download:
    path = folder / f"{folder_name(symbol)}.parquet"
    about = {"source": source.label, "interval": interval, "symbol": symbol}
    try:
        before, since = _stored(path, about)
        afresh = before is None or since is None or start < since - pd.Timedelta(1, "D")
        if not afresh and source.adjusts:
            assert before is not None
            begin = before["timestamp"].iloc[-min(_OVERLAP, len(before))]
            fresh = _fetch(symbol, source, interval, begin, end, None, progress, wait)
            if _agree(before, fresh):
                return _keep(path, before, fresh, about, since or start, seconds, len(before), False)
            afresh = True
        known = len(before) if before is not None else 0
        begin = start if afresh else before["timestamp"].iloc[-1]  # type: ignore[index]
        base = None if afresh else before

        def flush(part: pd.DataFrame) -> None:
            _write(path, _joined(base, part, seconds), about, start if afresh else since or start)

        fresh = _fetch(symbol, source, interval, begin, end, flush, progress, wait)
        again = afresh and before is not None and since is not None and start >= since
        return _keep(path, base, fresh, about, start if afresh else since or start, seconds, known, again)
    except BarsError as error:
        return Download(symbol, path, _rows(path), error=error)


def _rows(path: Path) -> int:
    """Bars in a file; 0 where there is none that can be read."""
    try:
        return int(parquet.read_metadata(path).num_rows)
    except (OSError, pyarrow.ArrowException):
        return 0


def _fetch(
    symbol: str,
    source: Source,
    interval: str,
    begin: pd.Timestamp,
    end: pd.Timestamp,
    flush: Callable[[pd.DataFrame], None] | None,
    progress: Callable[[str, int], None],
    wait: Callable[[float], None],
) -> pd.DataFrame:
    """All pages, written now and then, and when an error ends them: the next call goes on from there."""
    pages: list[pd.DataFrame] = []
    try:
        for page in patient_pages(source, symbol, interval, begin.tz_convert("UTC"), end, wait):
            pages.append(page)
            progress(symbol, sum(map(len, pages)))
            if flush and len(pages) % _FLUSH == 0:
                flush(pd.concat(pages, ignore_index=True))
    except BaseException:
        if flush and pages:
            flush(pd.concat(pages, ignore_index=True))
        raise
    return pd.concat(pages, ignore_index=True) if pages else pd.DataFrame(columns=list(COLUMNS))


def _joined(before: pd.DataFrame | None, fresh: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """Old and new bars, the new where both have one, without a last bar that has not ended."""
    parts = [part for part in (before, fresh) if part is not None and len(part)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    zone = parts[-1]["timestamp"].dt.tz
    parts = [part.assign(timestamp=part["timestamp"].dt.tz_convert(zone)) for part in parts]
    table = (
        pd.concat(parts, ignore_index=True).drop_duplicates("timestamp", keep="last").sort_values("timestamp")
    )
    ended = table["timestamp"] + pd.Timedelta(seconds, "s") <= pd.Timestamp.now("UTC")
    return table[ended].reset_index(drop=True)


def _keep(
    path: Path,
    before: pd.DataFrame | None,
    fresh: pd.DataFrame,
    about: dict[str, str],
    since: pd.Timestamp,
    seconds: float,
    known: int,
    again: bool,
) -> Download:
    table = _joined(before, fresh, seconds)
    if not len(table):
        raise BarsError(
            about["symbol"], f"{about['source']} has no bars of it", "check symbol, interval and dates"
        )
    _write(path, table, about, since)
    return Download(about["symbol"], path, len(table), max(len(table) - known, 0), again)


def _agree(before: pd.DataFrame, fresh: pd.DataFrame) -> bool:
    """Whether bars that were there have the prices that the source gives now."""
    both = before.merge(fresh, on="timestamp", suffixes=("", "_now"))
    if not len(both):
        return not len(fresh)
    ratio = both["close_now"].to_numpy(dtype=np.float64) / both["close"].to_numpy(dtype=np.float64)
    return bool(np.abs(ratio - 1.0).max() < _SAME)


def _stored(path: Path, about: dict[str, str]) -> tuple[pd.DataFrame | None, pd.Timestamp | None]:
    """Bars of the file, and from when on it was asked for; nothing where there is none.

    Raises
    ------
    BarsError
        It is none of this store, or holds bars of another source or interval.
    """
    if not path.is_file():
        return None, None
    cure = "choose another folder with --to, or remove it"
    try:
        table = parquet.read_table(path)
        said = json.loads((table.schema.metadata or {}).get(_ABOUT, b"{}"))
    except Exception as error:  # a damaged file makes its reader raise nearly anything
        raise BarsError(path.name, f"cannot be read ({type(error).__name__})", cure) from error
    if {name: said.get(name) for name in about} != about:
        holds = f"{said.get('interval')} bars of {said.get('source')}" if said else "bars from elsewhere"
        raise BarsError(path.name, f"holds {holds}, not {about['interval']} of {about['source']}", cure)
    frame = table.to_pandas()[list(COLUMNS)]
    return frame, pd.Timestamp(said["since"]) if said.get("since") else None


def _write(path: Path, table: pd.DataFrame, about: dict[str, str], since: pd.Timestamp) -> None:
    """Write the file whole, or leave the one that is there."""
    if not len(table):
        return
    arrow = pyarrow.Table.from_pandas(table[list(COLUMNS)], preserve_index=False)
    said = json.dumps(about | {"since": since.isoformat()}).encode()
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _ABOUT: said})
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        parquet.write_table(arrow, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
