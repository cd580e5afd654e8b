"""Notes: what a user must know of the data, and what stops nothing."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backtune.errors import BacktuneWarning

REMARKS = {  # what was done to read a file as its owner means it; every other code is a warning
    "newest_first", "no_header", "lines_before_header", "lines_after_rows", "header_repeated", "equal_rows",
    "null_rows", "encoding", "number_format", "date_order", "time_format", "adjusted_columns",
    "adjusted_close", "own_columns", "timezone", "within_rounding", "split_applied", "forecast_values",
    "forecast_columns", "detail", "units",
}  # fmt: skip


class DataWarning(BacktuneWarning):
    """A note on data that may make results wrong, for those who call `load_bars` themselves."""


@dataclass(frozen=True)
class Note:
    """One thing to know about a price series.

    Attributes
    ----------
    code : str
        What kind of thing, for programs: "jump", "gap", "asset_guessed", ...
    sentence : str
        The same for people: what was seen, what was done, and the option that changes it.
    row : int or None
        Data row, counted from 1 without the header, where it is one row.
    date : str
        Its date (and time where bars are shorter than a day); empty where it is none.
    """

    code: str
    sentence: str
    row: int | None = None
    date: str = ""

    @property
    def warns(self) -> bool:
        """Whether results may be wrong where it is not heeded; else it says how the file was read."""
        return self.code not in REMARKS

    @property
    def leaks(self) -> bool:
        """Whether it says that forecasts may know the bars that they are for."""
        return self.code.startswith("leak_") and self.code != "leak_unknown"

    def __str__(self) -> str:
        """Sentence, with row and date before it."""
        place = [f"row {self.row}"] if self.row is not None else []
        place += [f"({self.date})"] if self.date else []
        return f"{' '.join(place)}: {self.sentence}" if place else self.sentence

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Note:
        """Note that `as_dict` made plain."""
        return cls(plain["code"], plain["sentence"], plain.get("row"), plain.get("date", ""))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"warns": self.warns}


def warn(source: str, notes: Iterable[Note], stacklevel: int = 3) -> None:
    """Give the notes that warn as Python warnings."""
    for note in notes:
        if note.warns:
            warnings.warn(f"{source}: {note}", DataWarning, stacklevel=stacklevel)
