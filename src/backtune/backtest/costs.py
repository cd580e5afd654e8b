"""Costs a symbol: from a file, an object or a mapping."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backtune.errors import BacktuneError, SettingError, is_number

if TYPE_CHECKING:
    from backtune.problem import Costs

OTHERS = "*"  # the row of all symbols that have none of their own
BASIS_POINT = 1e4  # in one
SMALLEST = 0.01  # basis points: a fee below it is a fraction that was not turned into them


def costs_by_symbol(costs: Any) -> dict[str, Costs]:
    """Costs by symbol, `OTHERS` for all that are not named.

    Parameters
    ----------
    costs : Costs, mapping of symbol to Costs or to its fields, or path
        A file, CSV or TOML, has a row (a table) a symbol, with the fields of `Costs` in basis points.

    Raises
    ------
    SettingError
        One line: the file or row, what is wrong, the cure.
    """
    from backtune.problem import Costs

    if isinstance(costs, Costs):
        return {OTHERS: costs}
    if isinstance(costs, str | os.PathLike):
        return _read(Path(costs))
    if not isinstance(costs, Mapping) or not costs:
        raise SettingError(f"costs are {costs!r}; give a file, bt.Costs(...), or a dict of them by symbol")
    return {
        str(symbol): row if isinstance(row, Costs) else _costs(f"costs of {symbol}", row, 1.0)
        for symbol, row in costs.items()
    }


def costs_of_symbol(costs: Mapping[str, Costs], symbol: str) -> Costs:
    """Costs of one symbol.

    Raises
    ------
    SettingError
        It has none.
    """
    own = costs.get(symbol, costs.get(OTHERS))
    if own is None:
        raise SettingError(
            f"costs have no row of {symbol}, only of {', '.join(costs)}; add one, or one of {OTHERS} for all "
            "other symbols"
        )
    return own


def _read(path: Path) -> dict[str, Costs]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:  # no text, or no path, such as one with a null byte
        raise SettingError(
            f"costs {path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error
    rows = _toml_rows(path, text) if path.suffix == ".toml" else _csv_rows(path, text)
    if not rows:
        raise SettingError(f"costs {path}: holds no row; give one a symbol, such as ETHUSD,2,5")
    return {symbol: _costs(f"costs {path}: {symbol}", row, BASIS_POINT) for symbol, row in rows.items()}


def _toml_rows(path: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"costs {path}: is no TOML ({error}); give tables such as [ETHUSD]") from error


def _csv_rows(path: Path, text: str) -> dict[str, Any]:
    import csv

    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    if "symbol" not in names:
        raise SettingError(
            f"costs {path}: has no column symbol; give a header such as symbol,maker,taker,half_spread"
        )
    reader.fieldnames = names
    rows: dict[str, Any] = {}
    for row in reader:
        symbol = (row.pop("symbol") or "").strip()
        if symbol in rows or None in row:
            what = "is there twice" if symbol in rows else "has more values than the header names"
            raise SettingError(f"costs {path}: row {symbol!r} {what}; give one row a symbol")
        rows[symbol] = {name: _number(value) for name, value in row.items() if value and value.strip()}
    return rows


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _costs(where: str, row: Any, unit: float) -> Costs:
    """Costs of one row, given in `unit` parts of one."""
    from backtune.problem import Costs

    known = [field.name for field in fields(Costs)]
    if not isinstance(row, Mapping):
        raise SettingError(f"{where} is {row!r}; give {', '.join(known)}")
    for name, value in row.items():
        if name == "leverage":
            raise SettingError(
                f"{where} has a leverage, which would need liquidation and has none; leave it out"
            )
        if name not in known:
            raise SettingError(f"{where} has {name!r}, which is no cost; known: {', '.join(known)}")
        if not is_number(value):
            raise SettingError(f"{where} has {name} {value!r}; give a number")
        if unit != 1.0 and name in ("maker", "taker") and 0.0 < abs(value) < SMALLEST:
            raise SettingError(
                f"{where} has {name} {value:g}; the file is in basis points: {BASIS_POINT * value:g} for a "
                f"fraction of {value:g}"
            )
    try:
        return Costs(**{name: value / unit for name, value in row.items()})
    except BacktuneError as error:
        raise SettingError(f"{where}: {error}") from error
