"""Names of symbols: which are usable, and what they are called where files and folders carry them.

Names that people trade under hold marks that no file system or shell likes (BTC/USDT, ES1!, M&M.NS), and
some are reserved on Windows (CON, PRN). The symbol stays as its owner writes it; a folder or file of it is
named by `folder_name`, which no two symbols share.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from urllib.parse import unquote

from backtune.errors import SettingError

LONGEST = 64
MANY = 1 << 15  # symbols whose names are looked over once: a run asks for each many times
_LONGEST_FOLDER = 180  # bytes: file systems allow 255, suffixes need some
_PLAIN = re.compile(r"[\w^=+@#&!$(),;'\[\] .-]")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_CAPTIONS = re.compile(r"\s*(\(\d+\)|historical data|stock price history)\s*$", re.IGNORECASE)


def check_symbol(symbol: object) -> str:
    """Return `symbol` if it is usable as a name.

    Raises
    ------
    SettingError
        It is empty, too long, holds what cannot be printed, or reads as a path.
    """
    name = symbol if isinstance(symbol, str) else ""
    if not _is_usable(name):
        if "." in os.path.basename(name)[1:] and os.path.isfile(name):
            raise SettingError(f"symbol {name!r} is not usable, it is a file; {of_file(name)}")
        raise SettingError(
            f"symbol {str(symbol)[:LONGEST]!r} is not usable; give 1 to {LONGEST} printable characters that "
            "are no path, such as BRK.B, ETH-USD or BTC/USDT"
        )
    return name


@lru_cache(maxsize=MANY)
def _is_usable(name: str) -> bool:
    return (
        0 < len(name) <= LONGEST
        and name.isprintable()
        and name == name.strip()
        and any(letter.isalnum() for letter in name)
        and unicodedata.is_normalized("NFC", name)
        and "\\" not in name
        and not name.startswith("/")
        and not {"", ".", ".."} & set(name.split("/"))
        and len(folder_name(name).encode()) <= _LONGEST_FOLDER
    )


def of_file(path: str) -> str:
    """How a price file is asked for, where it was taken for a symbol."""
    symbol = symbol_of(os.path.basename(path).partition(".")[0])
    call = f"{symbol} with data={path!r} (backtune run {symbol} --data {path})"
    return f"a symbol is named without folder and ending: {call}"


def check_symbols(symbols: object) -> list[str]:
    """Return symbols that are looked at together, each usable as a name, and there once.

    Raises
    ------
    SettingError
        They are no list, none, or one is given twice, which a correction for many symbols would count.
    """
    if isinstance(symbols, str | bytes) or not isinstance(symbols, Iterable):
        raise SettingError(f"symbols are {symbols!r}; give a list such as ['ETHUSD', 'BTCUSD']")
    names = [check_symbol(symbol) for symbol in symbols]
    if not names or len({name.casefold() for name in names}) < len(names):
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        raise SettingError(f"symbols are {shown or 'none'}; give each symbol once")
    return names


@lru_cache(maxsize=MANY)
def folder_name(symbol: str) -> str:
    """Name of a symbol's files and folders, on any system: %XX for each byte that one of them forbids.

    `symbol_of` turns it back, as readers of Hive partitions do (RFC 3986, section 2.1).

    Examples
    --------
    >>> [folder_name(name) for name in ("BRK.B", "BTC/USDT", "CON")]
    ['BRK.B', 'BTC%2FUSDT', '%43ON']
    """
    marks = [mark if _PLAIN.fullmatch(mark) else _escaped(mark) for mark in symbol]
    if _RESERVED.fullmatch(symbol) or symbol.startswith((".", " ", "-")):
        marks[0] = _escaped(symbol[0])
    if symbol.endswith((".", " ")):
        marks[-1] = _escaped(symbol[-1])
    return "".join(marks)


def symbol_of(folder: str) -> str:
    """Symbol that `folder_name` named so."""
    return unquote(folder)


def near(name: str, known: Sequence[str], most: int = 3) -> list[str]:
    """Those of the `known` names that may be meant by `name`: equal but for case and marks, or much alike."""
    wanted = plain(name)
    scored = {other: plain(other) for other in known}
    alike = [other for other, bare in scored.items() if bare == wanted]
    alike += [
        o
        for o, bare in scored.items()
        if min(len(wanted), len(bare)) > 2 and (wanted in bare or bare in wanted)
    ]
    close = get_close_matches(wanted, list(scored.values()), n=most, cutoff=0.75)
    alike += [other for bare in close for other, one in scored.items() if one == bare]
    return list(dict.fromkeys(alike))[:most]


def plain(name: str) -> str:
    """Letters and digits alone, without case and without what browsers and vendors append to file names."""
    return "".join(letter for letter in _CAPTIONS.sub("", name).casefold() if letter.isalnum())


def _escaped(mark: str) -> str:
    return "".join(f"%{byte:02X}" for byte in mark.encode())
