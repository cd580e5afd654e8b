"""How many units an order is for, and prices and quantities as an exchange takes them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pandas as pd

from backtune.errors import SettingError, is_number

NEAR = 1e-9  # of a step: floats of a price on a tick are off by as little


@dataclass(frozen=True)
class Sizing:
    """What decides quantities.

    Attributes
    ----------
    capital : float or None
        Money in one symbol: an order of size 1 is for all of it. None: no quantities.
    risk : float or None
        Share of `capital` that an order may lose; see `quantity`.
    tick, lot : float or None
        Steps of price and of quantity; None leaves them as they are.

    Raises
    ------
    SettingError
        One is not above zero, or a risk has no capital.
    """

    capital: float | None = None
    risk: float | None = None
    tick: float | None = None
    lot: float | None = None

    def __post_init__(self) -> None:
        for name in ("capital", "risk", "tick", "lot"):
            value = getattr(self, name)
            good = value is None or (is_number(value) and 0.0 < value < (1.0 if name == "risk" else math.inf))
            if not good:
                expected = "a share of capital, 0 < risk < 1" if name == "risk" else "a number above 0"
                raise SettingError(f"{name} is {value!r}; expected {expected}")
        if self.risk is not None and self.capital is None:
            raise SettingError(f"risk is {self.risk!r} of a capital that is not given; give capital, too")

    def quantity(self, size: float, price: float, adverse: float) -> float:
        """Units of an order of `size`, rounded down to lots.

        As many as `capital` times `size` buys at `price`, and no more than lose `risk` of the capital if the
        price goes against the position by `adverse`, a share of its price.
        """
        assert self.capital is not None
        units = self.capital * size / price
        if self.risk is not None and adverse > 0.0:
            units = min(units, self.risk * self.capital / (price * adverse))
        return units if self.lot is None else _to_step(units, self.lot, up=False)

    def price(self, price: float, *, up: bool) -> float:
        """A price on its tick, the next above or below."""
        return price if self.tick is None else _to_step(price, self.tick, up=up)


def _to_step(value: float, step: float, *, up: bool) -> float:
    count = value / step
    nearest = round(count)
    if abs(count - nearest) > NEAR * max(1.0, abs(nearest)):
        nearest = math.ceil(count) if up else math.floor(count)
    return float(nearest * Decimal(repr(float(step))))


def read_instruments(path: str | os.PathLike[str]) -> dict[str, tuple[float | None, float | None]]:
    """Tick and lot by symbol, from a CSV file with the columns symbol, tick and lot (either may be empty).

    Raises
    ------
    SettingError
        It cannot be read, lacks a column, names a symbol twice, or a step is no number above 0.
    """
    try:  # words, the heading a row like others: pandas takes NA for nothing, and longer rows for an index
        rows = pd.read_csv(Path(path), dtype=str, header=None, keep_default_na=False).fillna("")
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: cannot be read as CSV ({' '.join(str(error).split())})") from error
    heading, *lines = ([word.strip() for word in row] for row in rows.to_numpy().tolist())
    for name in ("symbol", "tick", "lot"):
        if heading.count(name) != 1:
            what = "several columns" if name in heading else "no column"
            raise SettingError(f"{path}: {what} {name!r}; it needs symbol, tick and lot")
    steps: dict[str, tuple[float | None, float | None]] = {}
    for line in lines:
        cells = dict(zip(heading, line, strict=True))
        symbol = cells["symbol"]
        if symbol in steps:
            raise SettingError(f"{path}: {symbol or 'an empty symbol'} is named twice; keep one of its rows")
        steps[symbol] = _step(path, cells, "tick"), _step(path, cells, "lot")
    return steps


def _step(path: str | os.PathLike[str], cells: Mapping[str, str], name: str) -> float | None:
    """A step above 0; None where the cell is empty."""
    word = cells[name]
    if not word:
        return None
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise SettingError(
            f"{path}: {name} of {cells['symbol']} is {word!r}; expected a number above 0, or nothing"
        )
    return value


def for_symbol(
    sizing: Sizing, instruments: Mapping[str, tuple[float | None, float | None]], symbol: str
) -> Sizing:
    """The sizing with the steps of a symbol, where they are listed."""
    tick, lot = instruments.get(symbol, (None, None))
    return replace(sizing, tick=sizing.tick if tick is None else tick, lot=sizing.lot if lot is None else lot)
