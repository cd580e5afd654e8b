"""How a portfolio's capital is divided among its symbols."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from backtune.errors import SettingError
from backtune.metrics.calendar import Times
from backtune.metrics.performance import Array

EQUAL, INVERSE_VOLATILITY = "equal", "inverse_volatility"
PAST, LEAST = 60, 20  # bars of a symbol's past that its volatility is of, and the fewest
Weights: TypeAlias = str | os.PathLike[str] | Mapping[str, float] | pd.Series | pd.DataFrame


def inverse_volatility(moves: Array) -> Array:
    """One over the standard deviation of the asset's moves before each bar; 0 where it is not known.

    Parameters
    ----------
    moves : ndarray, shape (n,)
        Returns of the asset from close to close, in the order of time.

    Returns
    -------
    ndarray, shape (n,)
        Of the `PAST` bars before each one (at least `LEAST`), the bar itself left out.
    """
    deviation = pd.Series(moves).rolling(PAST, min_periods=LEAST).std().shift(1).to_numpy()
    known = deviation > 1e-12
    return np.where(known, 1.0 / np.where(known, deviation, 1.0), 0.0)


def weight_table(weights: Weights, symbols: Collection[str]) -> pd.DataFrame:
    """Weights that somebody gives, as a table of dates and symbols.

    Parameters
    ----------
    weights : file, mapping, Series or DataFrame
        A mapping or Series of symbol to weight; or a table with columns symbol and weight, with a column date
        too where they change; or one with a column a symbol and the date in front. A file is a CSV or Parquet
        of such a table. A row holds from its date on, which begins by the clock of the exchange (of the
        symbol with the most bars a year), unless it names a time zone itself.
    symbols : collection of str
        Those that there are; one that is not named has no weight.

    Returns
    -------
    DataFrame
        A row a date (one without a date holds from the start), a column a symbol; what is left to 1 is cash.

    Raises
    ------
    SettingError
        It cannot be read; a weight is negative or no number; a row adds up to more than 1; a symbol is not
        among `symbols`.
    """
    label = os.fspath(weights) if isinstance(weights, str | os.PathLike) else "weights"
    table = _by_date(_read(weights), label)
    unknown = [name for name in table if name not in symbols]
    if unknown:
        raise SettingError(f"{label}: {unknown[0]} is no symbol of the run; leave it out, or run it too")
    numbers = table.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all() or (numbers < 0.0).any():
        raise SettingError(f"{label}: every weight is a number of 0 or more; mend the others")
    if (numbers.sum(axis=1) > 1.0 + 1e-9).any():
        most = numbers.sum(axis=1).max()
        raise SettingError(f"{label}: weights add up to {most:g}; divide them so that they are at most 1")
    return pd.DataFrame(numbers, index=table.index, columns=list(table)).reindex(
        columns=list(symbols), fill_value=0.0
    )


def weights_at(table: pd.DataFrame, times: Times, shown: Times | None = None) -> Array:
    """Weights in force at each time, shape (n, symbols); nothing before the first date.

    `times` are bars of the portfolio: dates, or instants where `shown` is what the clock of the exchange
    showed then.
    """
    dates = pd.DatetimeIndex(table.index)
    if shown is not None and dates.tz is None:
        times = shown
    elif dates.tz is not None:
        dates = dates.tz_localize(None) if shown is None else dates.tz_convert(None)
    place = np.searchsorted(dates.to_numpy().astype("datetime64[ns]"), times, side="right") - 1
    return np.where(place[:, None] >= 0, table.to_numpy()[np.maximum(place, 0)], 0.0)


def _read(weights: Weights) -> pd.DataFrame:
    if isinstance(weights, pd.DataFrame):
        return weights if isinstance(weights.index, pd.RangeIndex) else weights.reset_index()
    if isinstance(weights, Mapping | pd.Series):
        pairs = list(weights.items())
        return pd.DataFrame({"symbol": [name for name, _ in pairs], "weight": [one for _, one in pairs]})
    path = Path(weights)
    try:
        return (
            pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"symbol": str})
        )
    except (OSError, ValueError) as error:
        raise SettingError(
            f"weights are {os.fspath(weights)!r}, which cannot be read ({type(error).__name__}); give "
            f"{EQUAL}, {INVERSE_VOLATILITY}, or a CSV or Parquet file with columns symbol and weight"
        ) from error


def _by_date(table: pd.DataFrame, label: str) -> pd.DataFrame:
    table = table.rename(columns={name: str(name).strip() for name in table})
    dated = next((name for name in table if name.lower() in ("date", "time", "timestamp", "index")), None)
    if dated is None:
        if not {"symbol", "weight"} <= set(table):
            raise SettingError(f"{label}: has no columns symbol and weight, nor one date; write them")
        table, dated = table.assign(date=pd.Timestamp.min), "date"
    try:
        dates = pd.DatetimeIndex(pd.to_datetime(table[dated]))
    except (ValueError, TypeError) as error:
        raise SettingError(f"{label}: column {dated} holds no dates; write them as 2024-01-31") from error
    table = table.assign(**{dated: dates})
    if {"symbol", "weight"} <= set(table):
        table = table.assign(weight=pd.to_numeric(table["weight"], errors="coerce").fillna(-1.0))
        if table.duplicated([dated, "symbol"]).any():
            raise SettingError(f"{label}: names a symbol twice; give each one weight a date")
        return table.pivot_table(index=dated, columns="symbol", values="weight", aggfunc="sum").fillna(0.0)
    if table.duplicated([dated]).any():
        raise SettingError(f"{label}: has a date twice; give each date one row")
    return table.set_index(dated).sort_index()
