"""What the columns of a table of forecasts are, by their names: "TSLA_high", "pred_low", "close q10"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from backtune.bars.columns import plain_name, role_of
from backtune.bars.names import plain
from backtune.errors import ForecasterError

TIMES = ("ds", "target_time", "target_date", "valid_time", "for_date", "forecast_date", "forecast_for")
SYMBOLS = ("unique_id", "item_id", "series")
MODELS = ("model", "model_name", "forecaster")
MADE_AT = ("made_at", "made", "created_at", "issued_at", "generated_at", "predicted_at", "as_of", "asof")
PARTS = {"high": "high", "hi": "high", "low": "low", "lo": "low", "close": "close"}
_SAID = {
    "pred", "predicted", "prediction", "predictions", "forecast", "forecasted", "forecasts", "fc", "yhat",
    "next", "expected",
}  # fmt: skip
_FILLERS = _SAID | {"move", "moves", "return", "ret", "price", "prices", "mean", "quantile", "q", "p"}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LEVEL = re.compile(r"([qp]?)(\d+(?:\.\d+)?)(%?)")
SHOWN = 12


@dataclass(frozen=True)
class Heading:
    """What one column is.

    Attributes
    ----------
    role : {"time", "symbol", "model", "made_at", "high", "low", "close", ""}
    symbol : str
        What its name says beside that: a symbol, in a table that has columns for each.
    level : float or None
        Of a quantile; None of a point.
    said : bool
        The name says that it is a forecast, as "pred_high" does.
    """

    role: str
    symbol: str = ""
    level: float | None = None
    said: bool = False


@dataclass
class Columns:
    """Places of the columns of one symbol.

    Attributes
    ----------
    time : int
    symbol, model, made_at : int or None
    points : dict of move to place
    quantiles : dict of (move, level) to place
    spare : list of str
        Names of columns that are none of these.
    """

    time: int
    symbol: int | None
    model: int | None
    made_at: int | None
    points: dict[str, int] = field(default_factory=dict)
    quantiles: dict[tuple[str, float], int] = field(default_factory=dict)
    spare: list[str] = field(default_factory=list)


def heading_of(name: object) -> Heading:
    """Tell what a column of this name is.

    Examples
    --------
    >>> heading_of("predictedHigh")
    Heading(role='high', symbol='', level=None, said=True)
    >>> heading_of("BTC-USD low q10")
    Heading(role='low', symbol='btc_usd', level=0.1, said=False)
    """
    text = plain_name(_CAMEL.sub("_", str(name)))
    for role, known in (("made_at", MADE_AT), ("model", MODELS), ("time", TIMES), ("symbol", SYMBOLS)):
        if text in known:
            return Heading(role)
    known_role = {"timestamp": "time", "symbol": "symbol"}.get(role_of(name) or "")
    if known_role:
        return Heading(known_role)
    words = [word for word in text.split("_") if word]
    places = [place for place, word in enumerate(words) if word in PARTS]
    if len(places) != 1:
        return Heading("")
    level, others, said = None, [], False
    for place, word in enumerate(words):
        word_level = _level_of(word, place > places[0]) if place != places[0] else None
        if place == places[0]:
            continue
        if word_level is not None and level is None:
            level = word_level
        elif word in _FILLERS:
            said |= word in _SAID
        else:
            others.append(word)
    return Heading(PARTS[words[places[0]]], "_".join(others), level, said)


def _level_of(word: str, behind: bool) -> float | None:
    """Level that a word names: q10, p0.1, 10%, and a bare number where it stands behind the move's name."""
    if word == "median":
        return 0.5
    match = _LEVEL.fullmatch(word)
    if not match or not (match[1] or match[3] or behind):
        return None
    value = float(match[2])
    value = value / 100 if value >= 1.0 or match[3] else value
    return value if 0.0 < value < 1.0 else None


def columns_of(source: str, names: Sequence[str], symbol: str) -> Columns:
    """Places of the columns that forecast `symbol`.

    Raises
    ------
    ForecasterError
        Time, high or low is not there or there twice; or the columns are of other symbols.
    """
    every = [heading_of(name) for name in names]
    time = _only(source, names, every, "time")
    if time is None:
        raise ForecasterError(
            f"{source}: no column for time; it has: {_shown(names)}; name it time (or date): that of the bar "
            "that a row is for"
        )
    symbols, models, made_at = (_only(source, names, every, role) for role in ("symbol", "model", "made_at"))
    columns = Columns(time, symbols, models, made_at)
    moves = [place for place, heading in enumerate(every) if heading.role in PARTS.values()]
    mine = [place for place in moves if plain(every[place].symbol) == plain(symbol)]
    if columns.symbol is not None or not mine:
        mine = [place for place in moves if not every[place].symbol]
    said = [place for place in mine if every[place].said]
    mine = said or mine
    for place in mine:
        _put(source, names, every[place], place, columns)
    have = set(columns.points) | {move for move, _ in columns.quantiles}
    if not {"high", "low"} <= have:
        _refuse(source, names, symbol)
    used = {columns.time, columns.symbol, columns.model, columns.made_at, *mine}
    columns.spare = [
        name
        for place, name in enumerate(names)
        if place not in used and plain_name(name) not in ("", "index")
    ]
    return columns


def symbols_of(names: Sequence[str]) -> list[str]:
    """Symbols that the names of columns hold, each as it is found there."""
    every = [heading_of(name) for name in names]
    sides: dict[str, set[str]] = {}
    for heading in every:
        if heading.role in ("high", "low") and heading.symbol:
            sides.setdefault(heading.symbol, set()).add(heading.role)
    return [symbol for symbol, columns in sides.items() if len(columns) == 2]


def _only(source: str, names: Sequence[str], every: Sequence[Heading], role: str) -> int | None:
    places = [place for place, heading in enumerate(every) if heading.role == role]
    if len(places) > 1 and role == "time":  # the index of a frame that nobody named, beside a column
        places = [place for place in places if plain_name(names[place]) != "index"] or places
    if len(places) > 1:
        same = ", ".join(names[place] for place in places)
        raise ForecasterError(f"{source}: columns {same} may each be the {role}; leave one of them")
    return places[0] if places else None


def _put(source: str, names: Sequence[str], heading: Heading, place: int, columns: Columns) -> None:
    held: dict[object, int] = columns.points if heading.level is None else columns.quantiles  # type: ignore[assignment]
    key: object = heading.role if heading.level is None else (heading.role, heading.level)
    if key in held:
        raise ForecasterError(
            f"{source}: columns {names[held[key]]} and {names[place]} may each be the {heading.role}; leave "
            "one of them"
        )
    held[key] = place


def _refuse(source: str, names: Sequence[str], symbol: str) -> None:
    others = symbols_of(names)
    if others:
        shown = ", ".join(others[:SHOWN]) + (", ..." if len(others) > SHOWN else "")
        raise ForecasterError(
            f"{source}: has columns for {shown}, and {symbol} is none of them; name its columns "
            f"{symbol}_high and {symbol}_low, or high and low beside a column of symbols"
        )
    raise ForecasterError(
        f"{source}: no columns for the predicted high and low; it has: {_shown(names)}; name them high and "
        "low (or pred_high, high_q10, SYMBOL_high)"
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(name for name in names[:SHOWN] if name) or "columns without names"
