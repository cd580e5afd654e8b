"""What was tried on which bars, in a few hundred bytes: how one run is known from another.

Bars are known by their moves alone, whatever the file, folder or name of the symbol, and a record by what
it returned on them. Kept are a record's digest and, of those bars whose hashes are the smallest, the hash
of what was returned there. Of two stretches that overlap both keep many of the same bars, since the hash
of a bar does not depend on the stretch: Broder (1997), "On the resemblance and containment of documents";
and two records of different length are one variant, looked at twice, where they returned the same on all
the bars that both keep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
KEPT, FEW_KEPT = 64, 16  # bars of a short record, alone or of many symbols; of a long one an eighth
MANY_SYMBOLS = 100
TOGETHER = 3  # bars in a row that make a mark: one alone may look like another
DIGITS = 1e7  # of a move, or a return, that count


@dataclass(frozen=True)
class Trial:
    """A record of one symbol.

    Attributes
    ----------
    record : str
        Digest of all that the tuned strategies returned, and on which bars.
    bars : mapping of str to str
        Of some bars, by their mark: the hash of what was returned.
    symbols : tuple of str
        Of a run as a whole, what was in it.
    """

    record: str
    bars: Mapping[str, str]
    symbols: tuple[str, ...] = ()

    @classmethod
    def together(cls, trials: Mapping[str, Trial]) -> Trial:
        """Trial of a run as a whole."""
        records = "".join(sorted(one.record for one in trials.values()))
        bars = {mark: answer for one in trials.values() for mark, answer in one.bars.items()}
        return cls(hashlib.sha256(records.encode()).hexdigest()[:24], bars, tuple(sorted(trials)))

    def overlaps(self, other: Trial) -> bool:
        """Whether the two are of the same bars, in part at least."""
        return self.record == other.record or not self.bars.keys().isdisjoint(other.bars)

    def varies(self, other: Trial) -> bool:
        """Whether the two returned something else on a bar that both keep, or are of other symbols."""
        both = self.bars.keys() & other.bars.keys()
        return self.symbols != other.symbols or any(self.bars[mark] != other.bars[mark] for mark in both)


def trial(inputs: pd.DataFrame, returns: pd.DataFrame, tuned: Collection[str], symbols: int = 1) -> Trial:
    """Trial of one symbol.

    Parameters
    ----------
    inputs, returns : DataFrame
        Tables of its result; see `backtune.BacktestResult`.
    tuned : collection of str
        Strategies that count.
    symbols : int
        Number of symbols of the run; of many, fewer bars are kept of each.
    """
    strategies, causal = returns["strategy"].to_numpy(), returns["causal"].to_numpy()
    names = sorted(name for name in dict.fromkeys(strategies.tolist()) if name in tuned)
    columns = [causal[strategies == name] for name in names]
    n = len(columns[0]) if columns else 0
    moves = np.column_stack([inputs[name].to_numpy() for name in ("open", "high", "low", "close")])
    marks, moved = _marks(moves, n)
    answers = _mixed(np.column_stack(columns)) if columns else marks
    record = hashlib.sha256(marks.tobytes() + answers.tobytes()).hexdigest()[:24]
    kept = np.argsort(marks, kind="stable")
    kept = kept[moved[kept]][: max(KEPT if symbols <= MANY_SYMBOLS else FEW_KEPT, n // 8)]
    return Trial(record, {f"{marks[t] >> 16:012x}": f"{answers[t] >> 32:08x}" for t in kept.tolist()})


def variants(trials: Sequence[Trial]) -> int:
    """Number of trials that differ on a bar that they share; one looked at again on more bars counts once."""
    kinds: list[Trial] = []
    for one in trials:
        if all(not one.overlaps(kind) or one.varies(kind) for kind in kinds):
            kinds.append(one)
    return len(kinds)


def _marks(moves: NDArray[np.float64], n: int) -> tuple[Hashes, NDArray[np.bool_]]:
    """Hashes of the last `n` bars, each with those before it; and whether prices moved, to tell them by."""
    alone = _mixed(moves)
    ranges = moves[:, 1] > moves[:, 2]
    marks, moved = alone.copy(), ranges.astype(np.int64)
    for back in range(1, TOGETHER):
        marks[back:] = _mix(marks[back:] ^ (alone[:-back] + np.uint64(back)))
        moved[back:] += ranges[:-back]
    marks[: TOGETHER - 1], moved[: TOGETHER - 1] = 0, 0  # the bars before them are not all there
    start = len(marks) - n
    return marks[start:], moved[start:] == TOGETHER


def _mixed(values: NDArray[np.float64]) -> Hashes:
    """Hash of each row, shape (n,)."""
    numbers = np.rint(np.nan_to_num(values) * DIGITS).astype(np.int64).view(np.uint64)
    mixed = np.zeros(len(numbers), np.uint64)
    for column in numbers.T:
        mixed = _mix(mixed ^ column)
    return mixed


def _mix(values: Hashes) -> Hashes:
    """The finalizer of splitmix64: Steele, Lea and Flood (2014), OOPSLA."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
