"""What a price series is, and where it comes from.

`load_bars` reads files and frames: `containers` unpack them, `layout` and `table` find the rows of a text,
`columns` and `parts` what each column is, `times` and `numbers` what its cells mean; `rules` holds the
definition of a bar, `adjustment` makes prices of one scale, `checks` looks at the series as a whole. `sample`
serves the real daily bars that ship with the arch package, `Universe` makes synthetic symbols.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtune.bars.files import find_bars_file
    from backtune.bars.names import check_symbol, folder_name
    from backtune.bars.notes import DataWarning, Note
    from backtune.bars.options import ReadOptions
    from backtune.bars.read import load_bars
    from backtune.bars.sample import SAMPLE_SYMBOLS, load_sample
    from backtune.bars.series import Bars
    from backtune.bars.universe import Universe

_HOME = {
    "find_bars_file": "files",
    "check_symbol": "names",
    "folder_name": "names",
    "DataWarning": "notes",
    "Note": "notes",
    "ReadOptions": "options",
    "load_bars": "read",
    "SAMPLE_SYMBOLS": "sample",
    "load_sample": "sample",
    "Bars": "series",
    "Universe": "universe",
}
__all__ = [
    "SAMPLE_SYMBOLS",
    "Bars",
    "DataWarning",
    "Note",
    "ReadOptions",
    "Universe",
    "check_symbol",
    "find_bars_file",
    "folder_name",
    "load_bars",
    "load_sample",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:  # the command line needs the names of options, and none of pandas
        raise AttributeError(f"module 'backtune.bars' has no attribute {name!r}")
    value = getattr(import_module(f"backtune.bars.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
