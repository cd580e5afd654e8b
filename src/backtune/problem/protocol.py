"""What backtest, tables, report and runner know of a problem: the seam that every exit and objective fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
LEDGER = ("entry", "exit", "side", "size", "entry_price", "exit_price", "reason", "value")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a point of parameters earns on the bars of a problem, bar by bar.

    Attributes
    ----------
    value : ndarray, shape (n,)
        Return of each bar under the problem's own fill rule, sizes and costs included.
    causal, optimistic : ndarray, shape (n,)
        The same orders under those two rules: the order inside the bar, which bars do not tell, can move
        the total only between theirs.
    trades, ambiguous : ndarray of int, shape (n,)
        Fills of entries, and those among them whose result depends on the order inside the bar.
    turnover : ndarray, shape (n,)
        Notional bought and sold, in units of capital.
    position : ndarray, shape (n,)
        What is still held after the bar's close, in units of capital: long above 0, short below.
    state : object
        What is open after the last bar, to go on from: `Problem.outcome` of the next bars takes it. None
        where nothing ever stays open.
    costs : ndarray, shape (n,), optional
        What was paid in the bar, as a fraction of capital. None: one fee on `turnover`.
    held : ndarray of int, shape (n,), optional
        Positions that were open at any time in the bar. None where each ends with its bar: those of `trades`.
    """

    value: Array
    causal: Array
    optimistic: Array
    trades: Counts
    ambiguous: Counts
    turnover: Array
    position: Array
    state: Any = None
    costs: Array | None = None
    held: Counts | None = None
    make_ledger: Callable[[], dict[str, Any]] = field(default=dict, repr=False)

    @cached_property
    def ledger_columns(self) -> dict[str, NDArray[Any]]:
        """Columns of `ledger`, by name: what else works with them needs no table of pandas."""
        columns = self.make_ledger()
        return {name: np.asarray(columns.get(name, ())) for name in LEDGER}

    def ledger_where(self, entries: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """`ledger_columns` of the trades that were entered in some of the bars, shape (n,)."""
        kept = entries[self.ledger_columns["entry"].astype(np.int64)]
        return {name: column[kept] for name, column in self.ledger_columns.items()}

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """A row a trade.

        Columns are entry and exit (bars, counted from the problem's first), side ("long", "short"), size,
        entry_price and exit_price (moves on the close before their bar), reason (why it was left: "close",
        "take_profit", "stop", "time", "end") and value (its return times its size, costs included).
        """
        import pandas as pd

        return pd.DataFrame(self.ledger_columns)


def joined_ledgers(parts: Iterable[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Trades of several ledgers, by column, in the order of their entries, a long before a short."""
    each = list(parts)
    columns = {name: np.concatenate([part[name] for part in each]) for name in LEDGER}
    order = np.lexsort((columns["side"] == "short", columns["entry"]))
    return {name: column[order] for name, column in columns.items()}


@runtime_checkable
class Problem(Protocol):
    """An objective over named parameters that can say bar by bar what it is made of.

    Attributes
    ----------
    parameters : tuple of str
        Names, in the order of a point's values.
    bounds : tuple of (low, high)
        One a parameter.
    size : int
        Number of bars n.
    """

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        ...

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Box, a (low, high) per parameter."""
        ...

    @property
    def size(self) -> int:
        """Number of bars."""
        ...

    def __call__(self, x: ArrayLike) -> float:
        """Return the objective at x, shape (d,)."""
        ...

    def batch(self, points: ArrayLike) -> Array:
        """Return the objective at points of shape (m, d), shape (m,)."""
        ...

    def outcome(self, x: ArrayLike, state: Any = None) -> Outcome:
        """Return what x, shape (d,), or (n, d) for a row a bar, earns bar by bar."""
        ...

    def window(self, start: int, stop: int) -> Problem:
        """Return the problem of bars start..stop-1 alone."""
        ...
