"""Where a run's bars come from, as plain values for run.json, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from backtune.backtest import Data
from backtune.bars import Bars, Universe
from backtune.bars.files import holds_several
from backtune.bars.frames import is_frame
from backtune.bars.reader import is_reader, is_reader_name
from backtune.errors import RunError, SettingError

Source: TypeAlias = Data | Mapping[str, Data] | None


def check_source(data: Source, symbols: int) -> None:
    """Refuse what holds no bars, and one price series for several symbols: each would get the same bars.

    Raises
    ------
    SettingError
    """
    if isinstance(data, Mapping):
        for symbol, one in data.items():
            if not (is_frame(one) or is_reader(one) or isinstance(one, str | os.PathLike | Bars | None)):
                raise SettingError(
                    f"data of {symbol} is of type {type(one).__name__}; give a folder, a price file, a "
                    "DataFrame or Bars"
                )
        return
    if data is None or is_reader(data) or is_reader_name(data):
        return
    if isinstance(data, Bars) or is_frame(data):
        label, one = f"a {type(data).__name__}", True
    elif isinstance(data, str | os.PathLike):
        label, one = os.fspath(data), os.path.isfile(data)
    else:
        raise SettingError(
            f"data is of type {type(data).__name__}; give a folder, or a mapping of symbol to bars"
        )
    if one and symbols > 1 and (isinstance(data, Bars) or not holds_several(data)):
        raise SettingError(
            f"data is {label}, one price series for {symbols} symbols; give a folder with a file for each, "
            "one file with a column of symbols, or a mapping of symbol to bars"
        )


def of_symbol(data: Source, symbol: str) -> Data | None:
    """Data of one symbol; paths made absolute, since workers start elsewhere."""
    one = data.get(symbol) if isinstance(data, Mapping) else data
    if one is None or is_frame(one) or isinstance(one, Bars) or is_reader(one) or is_reader_name(one):
        return one
    return os.path.abspath(os.fspath(one))


def describe(data: Source) -> dict[str, Any]:
    """Plain values that `restore` understands; of bars given as objects, only that they were."""
    if data is None:
        return {"kind": "sample"}
    if isinstance(data, Universe):
        return {"kind": "universe", "seed": data.seed, "bars": data.bars}
    if is_reader_name(data):
        return {"kind": "source", "name": data}
    if is_frame(data) or isinstance(data, Mapping | Bars) or is_reader(data):
        return {"kind": "memory"}
    return {"kind": "path", "path": os.path.abspath(os.fspath(data))}


def restore(source: Mapping[str, Any]) -> Data | None:
    """Return what `describe` described.

    Raises
    ------
    RunError
        The bars were objects of the program that started the run.
    """
    kind = source.get("kind")
    if kind == "sample":
        return None
    if kind == "universe":
        return Universe(source["seed"], source["bars"])
    if kind in ("path", "source"):
        return str(source["path" if kind == "path" else "name"])
    raise RunError(
        "the run's bars were given as objects, which a run folder does not keep; resume it from the program "
        "that has them, with run_folder= and data="
    )
