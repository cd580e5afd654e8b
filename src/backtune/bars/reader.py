"""Sources that a run reads its bars from, beside folders and files: ``--data NAME:argument`` and the like."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from backtune.bars.frames import is_frame
from backtune.bars.series import Bars
from backtune.bars.universe import Universe
from backtune.errors import BarsError, SettingError, in_a_line
from backtune.plugins import added_by_others, import_object, load

if TYPE_CHECKING:
    from typing_extensions import TypeIs


class Reader(Protocol):
    """Where a run gets its bars from; `backtune.bars.Universe` is one.

    An entry point of the group ``backtune.sources``, ``module:object``, or the object itself given as `data`
    names one. A class is called with what follows the name: "7" of "universe:7".
    """

    def load(self, symbol: str) -> Any:
        """Bars of a symbol: `Bars`, or what `backtune.load_bars` reads: a DataFrame, the path of a file."""


def is_reader(data: object) -> TypeIs[Reader]:
    """Whether `data` is a source; a table with a column `load` is none."""
    return callable(getattr(data, "load", None))


DOWNLOADED = ("yfinance", "ccxt", "alpaca")
KNOWN = {"universe": lambda argument="": Universe(_seed(argument))}


def is_reader_name(data: object) -> bool:
    """Whether `data` is text that names a source rather than a folder or a file."""
    if not isinstance(data, str) or os.path.exists(data):
        return False
    head, colon, _ = data.partition(":")
    if colon:
        return len(head) > 1 and not {"/", "\\"} & set(head)  # C:\bars is a folder of Windows
    return data in KNOWN or (data.isidentifier() and data in added_by_others("sources", KNOWN))


def reader_named(name: str) -> Reader:
    """Source of a name: NAME, NAME:argument, or module:object.

    Raises
    ------
    SettingError
        Nothing has that name, it cannot be imported, or it has no `load`.
    """
    head, _, argument = name.partition(":")
    added = added_by_others("sources", KNOWN)
    if head in KNOWN or head in added:
        item: Any = KNOWN[head] if head in KNOWN else load("source", added[head])
    elif head in DOWNLOADED:
        raise SettingError(
            f"data is {name!r}, which a run does not ask; fetch its bars with backtune data download, and "
            "give the folder"
        )
    else:
        item, argument = import_object("source", name), ""
    if callable(item):
        item = item(argument) if argument else item()
    if not is_reader(item):
        raise SettingError(f"source {name!r} has no load(symbol); give it one that returns bars")
    return item


def read(reader: Reader, symbol: str) -> Any:
    """What a source has of a symbol.

    Raises
    ------
    BarsError, SettingError
        It fails, whatever it raises, or gives something else.
    """
    label = f"source {type(reader).__name__}"
    try:
        answer = reader.load(symbol)
    except (BarsError, SettingError):
        raise
    except Exception as error:  # of another's code
        raise BarsError(symbol, f"{label} fails ({in_a_line(error)})", "correct it") from error
    if isinstance(answer, Bars) or is_frame(answer) or os.path.isfile(str(answer)):
        return answer
    raise BarsError(
        symbol, f"{label} gives a {type(answer).__name__}", "return Bars, a DataFrame or the path of a file"
    )


def _seed(argument: str) -> int:
    if not argument:
        return 0
    if not argument.isdigit():
        raise SettingError(f"source 'universe:{argument}': expected a seed, such as universe:7")
    return int(argument)
