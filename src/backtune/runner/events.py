"""What a run tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Event:
    """Something happened.

    Attributes
    ----------
    kind : {"step", "part", "running", "retry", "note", "done", "reused", "failed"}
        "step": a strategy of the symbol is done (in the process itself only), "part": `share` of its
        simulations are (there, and where workers share them). "running": `names` are running now. "retry": a
        worker died, what it did is run again. "note": something about the run as a whole. The last three end
        a symbol, each symbol once; "reused": there was a good result already.
    symbol : str
    message : str
        In one line: why it failed; of one that is done, why the result that was there could not be used; the
        note.
    names : tuple of str
    share : float
        From 0 to 1.
    """

    kind: Literal["step", "part", "running", "retry", "note", "done", "reused", "failed"]
    symbol: str = ""
    message: str = ""
    names: tuple[str, ...] = ()
    share: float = 0.0

    @property
    def ends(self) -> bool:
        """Whether it ends a symbol."""
        return self.kind in ("done", "reused", "failed")


Progress: TypeAlias = Callable[[Event], None]


def silent(event: Event) -> None:
    """Tell nobody."""
