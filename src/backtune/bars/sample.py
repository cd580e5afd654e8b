"""The sample: real daily S&P 500 and NASDAQ bars, 1999-2018, from inside the arch package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from backtune.bars.read import load_bars
from backtune.bars.series import Bars
from backtune.errors import BarsError, one_of

SAMPLE_SYMBOLS = ("SP500", "NASDAQ")


def load_sample(symbol: str) -> Bars:
    """Bars of "SP500" or "NASDAQ": 5,031 days, 1999-01-04 to 2018-12-31.

    Raises
    ------
    SettingError
        Another symbol.
    BarsError
        The arch package does not hold the file it is known to hold.
    """
    name = one_of("sample symbol", str(symbol).upper(), SAMPLE_SYMBOLS).lower()
    spec = find_spec("arch")  # located, not imported: importing arch takes seconds
    path = Path(spec.origin or "").parent / "data" / name / f"{name}.csv.gz" if spec else Path(name)
    if not path.is_file():
        raise BarsError(
            path.name, "the sample is not inside the installed arch package", "pip install 'arch>=7.2'"
        )
    return load_bars(path, name.upper(), asset="stock")
