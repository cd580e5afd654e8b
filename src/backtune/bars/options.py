"""How a price file is to be read, where the file itself leaves it open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from backtune.errors import SettingError, is_flag, is_number, one_of

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

Asset = Literal["stock", "crypto"]
ASSETS: tuple[Asset, ...] = ("stock", "crypto")
ROLES = ("timestamp", "open", "high", "low", "close", "volume", "symbol")
_SPLIT = re.compile(
    r"(?:(.+)=)?(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d)?)?:(\d+(?:\.\d+)?)(?:[:/](\d+(?:\.\d+)?))?"
)


def _option(help_: str, **more: Any) -> Any:
    return field(metadata={"help": help_}, **more)


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the owner of a price file says of it; the rest is told from the file.

    Each field's ``metadata["help"]`` says what it does, for a command line.

    Attributes
    ----------
    asset : {"stock", "crypto"}, optional
        By default crypto where there is trade on all seven days, else by the name.
    days_a_year : float, optional
        Days of trade a year; by default 252, 313 or 365, by the days of the week that hold bars.
    drop_bad : bool
        Drop rows that are no bars instead of refusing them: few, and not all for one reason.
    day_first : bool, optional
        Whether 01/02/2024 is 1 February (True) or 2 January (False), where nothing in the column decides.
    timezone : str, optional
        IANA zone of the exchange, such as "Asia/Tokyo": of times that name none, and to show the others in.
    decimal : {".", ","}, optional
        The decimal mark, where prices can be read in two ways.
    columns : str or mapping, optional
        Names of the columns where they are not known: "open=Erster,close=Schluss".
    raw : bool
        Leave prices as they are, though adjusted ones lie beside them.
    split : str or sequence of str
        Splits to undo in raw prices, each "DATE:RATIO" or "SYMBOL=DATE:RATIO": bars before the date are
        divided by the ratio.
    accept_jumps : bool
        Jumps that look like splits are real: no notes on them.
    """

    asset: str | None = _option("stock or crypto; told from the bars by default.", default=None)
    days_a_year: float | None = _option("Days of trade a year; told from the bars by default.", default=None)
    drop_bad: bool = _option("Drop rows that are no bars, where they are few.", default=False)
    day_first: bool | None = _option("Read 01/02/2024 as 1 February, or as 2 January.", default=None)
    timezone: str | None = _option("Zone of the exchange, such as Asia/Tokyo.", default=None)
    decimal: str | None = _option("Decimal mark of prices, . or , where it cannot be told.", default=None)
    columns: str | Mapping[str, str] | None = _option(
        "Names of columns: open=...,high=...,close=...", default=None
    )
    raw: bool = _option("Leave prices unadjusted, though adjusted ones lie beside them.", default=False)
    split: str | tuple[str, ...] = _option("Undo a split of raw prices: [SYMBOL=]DATE:RATIO.", default=())
    accept_jumps: bool = _option("Jumps that look like splits are real.", default=False)

    def __post_init__(self) -> None:
        if self.asset is not None:
            one_of("asset", self.asset, ASSETS)
        days = self.days_a_year
        if days is not None and not (is_number(days) and 1.0 <= days <= 366.0):
            raise SettingError(f"days_a_year is {days!r}; it is a number from 1 to 366")
        for name in ("drop_bad", "raw", "accept_jumps"):
            if not is_flag(getattr(self, name)):
                raise SettingError(f"{name} is {getattr(self, name)!r}; expected True or False")
        if self.day_first is not None and not is_flag(self.day_first):
            raise SettingError(f"day_first is {self.day_first!r}; expected True, False or None")
        if self.decimal is not None:
            one_of("decimal mark", self.decimal, (".", ","))
        if self.timezone is not None:
            zone(self.timezone)
        self.splits()
        self.named_columns()

    def splits(self, symbol: str = "") -> list[tuple[datetime, float]]:
        """Date and ratio of each split of a symbol to undo.

        Raises
        ------
        SettingError
            One that is no [SYMBOL=]DATE:RATIO.
        """
        from datetime import datetime

        splits: list[tuple[datetime, float]] = []
        for text in self._split_texts():
            match = _SPLIT.fullmatch(str(text).strip())
            try:
                date = datetime.fromisoformat(match[2]) if match else None
                ratio = float(match[3]) / float(match[4] or 1.0) if match else 0.0
            except (ValueError, ZeroDivisionError):
                date, ratio = None, 0.0
            if match is None or date is None or not 0.0 < ratio < 1e6:
                raise SettingError(
                    f"split is {str(text)[:60]!r}; give [SYMBOL=]DATE:RATIO, such as 2024-06-10:10"
                )
            if match[1] in (None, symbol):
                splits.append((date, ratio))
        return splits

    def check_symbols(self, symbols: Sequence[str]) -> None:
        """Refuse a split without its symbol where there are several: it would be undone in all of them.

        Raises
        ------
        SettingError
        """
        bare = next((text for text in self._split_texts() if "=" not in str(text)), None)
        if bare is not None and len(symbols) > 1:
            raise SettingError(
                f"split {bare} is of one of {len(symbols)} symbols; say which: {symbols[0]}={bare}"
            )

    def named_columns(self) -> dict[str, str]:
        """Column of each part of a bar that the owner named.

        Raises
        ------
        SettingError
            It is no list of PART=COLUMN.
        """
        if self.columns is None:
            return {}
        columns: Any = self.columns  # whatever was given
        if isinstance(columns, Mapping):
            pairs = [(str(part), str(column)) for part, column in columns.items()]
        else:
            text = columns if isinstance(columns, str) else ""  # which names none
            pairs = [(part, column) for part, _, column in (p.partition("=") for p in text.split(","))]
        spoken = {"time": "timestamp", "date": "timestamp"}
        parts = [(part.strip().lower(), column.strip()) for part, column in pairs]
        plain = {spoken.get(part, part): column for part, column in parts}
        bad = next((part for part, column in plain.items() if part not in ROLES or not column), None)
        if bad is not None or len(plain) < len(pairs):
            raise SettingError(
                f"columns are {str(self.columns)[:80]!r}; give time=...,open=...,high=...,low=...,close=... "
                "with the names that the file has"
            )
        return plain

    def _split_texts(self) -> tuple[Any, ...]:
        split: Any = self.split  # whatever was given
        if isinstance(split, str):
            return (split,)
        if not isinstance(split, Sequence) or isinstance(split, bytes):
            raise SettingError(
                f"split is {split!r}; give [SYMBOL=]DATE:RATIO, such as 2024-06-10:10, or a list of them"
            )
        return tuple(split)

    def plain(self) -> dict[str, Any]:
        """Fields as plain values, alike however they were given: for a file, and to be compared."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in ("drop_bad", "raw", "accept_jumps"):
            plain[name] = bool(plain[name])
        plain["day_first"] = None if self.day_first is None else bool(self.day_first)
        plain["days_a_year"] = None if self.days_a_year is None else float(self.days_a_year)
        plain["split"] = self._split_texts()
        plain["timezone"] = None if self.timezone is None else str(self.timezone)
        named = self.named_columns()
        plain["columns"] = ",".join(f"{part}={column}" for part, column in named.items()) or None
        return plain


def checked_date(name: str, value: Any) -> str | None:
    """Date as text, YYYY-MM-DD; a TOML file or a program may give a date.

    Raises
    ------
    SettingError
        It is none, or has a time of day.
    """
    from datetime import date, datetime, time

    try:
        if value is None or isinstance(value, str):
            return None if value is None else date.fromisoformat(value).isoformat()
        if isinstance(value, datetime) and value.time() == time.min and value.tzinfo is None:
            return value.date().isoformat()
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
    except (TypeError, ValueError):  # no date, or pandas' NaT
        pass
    raise SettingError(f"{name} is {value!r}; expected a date such as 2023-12-31")


def zone(name: object) -> ZoneInfo:
    """Time zone of an IANA name.

    Raises
    ------
    SettingError
        There is none of that name.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if not isinstance(name, str | ZoneInfo):
            raise ValueError(name)
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingError(
            f"timezone is {str(name)[:60]!r}; give an IANA name such as America/New_York or Asia/Tokyo"
        ) from error
