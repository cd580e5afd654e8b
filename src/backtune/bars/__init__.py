"""What a price series is, and where it comes from.

`load_bars` reads files and frames (`files`), `rules` holds the definition of a bar, `sample` serves
the real daily bars that ship with the arch package, `Universe` makes synthetic symbols.
"""

from backtune.bars.files import find_bars_file, load_bars
from backtune.bars.names import check_symbol, folder_name
from backtune.bars.notes import DataWarning, Note
from backtune.bars.sample import SAMPLE_SYMBOLS, load_sample
from backtune.bars.series import Bars
from backtune.bars.universe import Universe

__all__ = [
    "SAMPLE_SYMBOLS",
    "Bars",
    "DataWarning",
    "Note",
    "Universe",
    "check_symbol",
    "find_bars_file",
    "folder_name",
    "load_bars",
    "load_sample",
]
