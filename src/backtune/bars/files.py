"""Price files of a folder: which there are, which is a symbol's, and what each of them holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from backtune.bars.containers import NOT_READ, SUFFIXES, suffix_of
from backtune.bars.frames import Frame
from backtune.bars.names import check_symbol, folder_name, near
from backtune.bars.options import ReadOptions
from backtune.bars.parts import symbols_in
from backtune.bars.read import bars_of, read_options, read_table, stem
from backtune.bars.series import Bars
from backtune.errors import BarsError, SettingError

_PREFERRED = (".csv", ".parquet", ".csv.gz", ".txt")


def find_bars_file(symbol: str, folder: str | os.PathLike[str]) -> Path:
    """Path of a symbol's price file in `folder`: SYMBOL.csv, .parquet, .csv.gz or any other, in any case.

    BTC/USDT may lie there as BTC%2FUSDT (its folder name), BTC-USDT, BTC_USDT or BTCUSDT.

    Raises
    ------
    BarsError
        No such folder, or no such file in it; the message names those that may be meant.
    """
    name = check_symbol(symbol)
    files = bars_files(Path(folder))
    for written in (name, *_as_files(name)):
        for suffix in (*_PREFERRED, *SUFFIXES):
            wanted = f"{written}{suffix}"
            matching = [path for path in files if path.name.lower() == wanted.lower()]
            if matching:  # the name as given before one in another case
                return next((path for path in matching if path.name == wanted), matching[0])
    itself = next((path for path in files if path.name.lower() == name.lower()), None)
    if itself is not None:
        raise BarsError(
            str(folder),
            f"{itself.name} is a file, and a symbol is named without the ending",
            f"give {stem(itself)} (backtune run {stem(itself)} --data {folder})",
        )
    stems = {stem(path): path.name for path in files}
    alike = [stems[stem] for stem in near(name, list(stems))]
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
    return [path for path in _entries(folder) if _is_price_file(path)]


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BarsError(
            str(folder), "is not a folder", "give the folder that holds SYMBOL.csv or SYMBOL.parquet"
        )
    try:
        with os.scandir(folder) as entries:  # which says of each whether it is a file, without another look
            names = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
        return [folder / name for name in sorted(names)]
    except OSError as error:
        raise BarsError(str(folder), f"cannot be read ({error.strerror})", "check its permissions") from error


def _is_price_file(path: Path) -> bool:
    """By its ending; JSON must be rows, since settings and manifests are JSON too."""
    suffix = suffix_of(path)
    if suffix != ".json":
        return bool(suffix)
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip().startswith((b"[[", b"[{"))
    except OSError:
        return False


def check_files(
    source: str | os.PathLike[str], options: ReadOptions | None = None, **changes: Any
) -> list[tuple[Path, Bars | BarsError]]:
    """Read a price file, or every one of a folder: its bars, or what is wrong with it.

    A file of several symbols gives an entry for each, under FILE:SYMBOL.

    Raises
    ------
    BarsError
        `source` is neither, or a folder without a price file.
    """
    path, chosen = Path(source), read_options(options, changes)
    if path.is_file():
        return _check_file(path, chosen)
    entries = _entries(path)
    files = [entry for entry in entries if _is_price_file(entry)]
    if not files:
        raise BarsError(str(source), "holds no price file", f"expected {', '.join(SUFFIXES[:8])}")
    results: list[tuple[Path, Bars | BarsError]] = []
    for entry in entries:
        if entry in files:
            results += _check_file(entry, chosen)
        elif entry.suffix.lower() in NOT_READ:
            kind = NOT_READ[entry.suffix.lower()]
            error = BarsError(entry.name, f"is {kind}, which is not read", "save it as CSV or Parquet")
            results.append((entry, error))
    return results


def _check_file(path: Path, options: ReadOptions) -> list[tuple[Path, Bars | BarsError]]:
    try:
        table, default = read_table(path)
    except BarsError as error:
        return [(path, error)]
    results: list[tuple[Path, Bars | BarsError]] = []
    names: list[str | None] = [*symbols_in(table)] or [None]
    for name in names:
        shown = path if name is None else path.with_name(f"{path.name}:{folder_name(name)}")
        try:
            results.append((shown, bars_of(table, name, default, options)))
        except BarsError as error:
            results.append((shown, error))
        except SettingError as error:
            results.append((shown, BarsError(path.name, str(error), "rename the file")))
    return results


def holds_several(source: str | os.PathLike[str] | Frame) -> bool:
    """Whether one price file or frame holds several symbols."""
    try:
        return bool(symbols_in(read_table(source)[0]))
    except (BarsError, SettingError):
        return False
