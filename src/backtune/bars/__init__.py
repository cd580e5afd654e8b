"""What a price series is, and where it comes from.

`load_bars` reads files and frames: `containers` unpack them, `layout` and `table` find the rows of a text,
`columns` and `parts` what each column is, `times` and `numbers` what its cells mean; `rules` holds the
definition of a bar, `adjustment` makes prices of one scale, `checks` looks at the series as a whole. `sample`
serves the real daily bars that ship with the arch package, `Universe` makes synthetic symbols.
"""

from typing import TYPE_CHECKING

from backtune.lazy import lazily

if TYPE_CHECKING:
    from backtune.bars.detail import FineBars
    from backtune.bars.files import find_bars_file
    from backtune.bars.fine import fine_bars
    from backtune.bars.names import check_symbol, check_symbols, folder_name
    from backtune.bars.notes import DataWarning, Note
    from backtune.bars.options import ReadOptions
    from backtune.bars.read import load_bars
    from backtune.bars.sample import SAMPLE_SYMBOLS, load_sample
    from backtune.bars.series import Bars
    from backtune.bars.universe import Universe

__all__ = [
    "SAMPLE_SYMBOLS",
    "Bars",
    "DataWarning",
    "FineBars",
    "Note",
    "ReadOptions",
    "Universe",
    "check_symbol",
    "check_symbols",
    "find_bars_file",
    "fine_bars",
    "folder_name",
    "load_bars",
    "load_sample",
]

__getattr__ = lazily(
    __name__,
    {
        "detail": ["FineBars"],
        "files": ["find_bars_file"],
        "fine": ["fine_bars"],
        "names": ["check_symbol", "check_symbols", "folder_name"],
        "notes": ["DataWarning", "Note"],
        "options": ["ReadOptions"],
        "read": ["load_bars"],
        "sample": ["SAMPLE_SYMBOLS", "load_sample"],
        "series": ["Bars"],
        "universe": ["Universe"],
    },
)
