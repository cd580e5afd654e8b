"""One account whose exit changes from bar to bar: what is traded where the best exit in sample changes.

Orders of an exit are placed only where it is selected. A position that exit hold has opened lives on by
hold's own rule whichever exit is selected later, and its side places no order of another exit until the bar
after it was left: never two positions of a side at a time. Which orders that leaves may depend on the order
of events inside a bar, so causal and optimistic are the least and the greatest total over whole ways of the
account, orders of the other exits included.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.errors import ProblemError
from backtune.problem.entry_exit import EntryExitProblem
from backtune.problem.hold import HoldProblem
from backtune.problem.hold_outcome import hold_outcome
from backtune.problem.protocol import Array, Outcome, Problem, joined_ledgers

ARRAYS = ("value", "causal", "optimistic", "trades", "ambiguous", "turnover", "position", "held", "costs")


def traded(
    problems: Mapping[str, Problem],
    points: Mapping[str, Array],
    outcomes: Mapping[str, Outcome],
    selected: NDArray[np.str_],
) -> Outcome:
    """Outcome of the account that places the orders of the selected exit on each bar.

    Parameters
    ----------
    problems : mapping of exit to Problem
        Of the same n bars.
    points : mapping of exit to ndarray, shape (n, d)
        A row of offsets a bar.
    outcomes : mapping of exit to Outcome
        Of each at its points, alone.
    selected : ndarray of str, shape (n,)
        Exit of each bar.

    Raises
    ------
    ProblemError
        A position of an exit that is neither of one bar nor a `HoldProblem` is open where another is
        selected: nobody can say what becomes of it.
    """
    used = list(dict.fromkeys(selected.tolist()))
    if len(used) == 1:
        return outcomes[used[0]]
    holds = [name for name in used if getattr(problems[name], "holds", False)]
    others = [name for name in used if name not in holds]
    if len(holds) == 1 and all(_alike(problems[name], problems[holds[0]]) for name in others):
        [name] = holds
        return _held(name, problems, points, selected)
    names = selected.tolist()
    for at, (before, after) in enumerate(pairwise(names)):
        if before != after and outcomes[before].position[at] != 0.0:
            raise ProblemError(
                f"exit {before!r} holds a position where exit {after!r} is selected; give it without others"
            )
    return _joined({name: outcomes[name] for name in used}, {name: selected == name for name in used})


def open_questions(
    problems: Mapping[str, Problem],
    points: Mapping[str, Array],
    selected: NDArray[np.str_],
    account: Outcome,
) -> NDArray[np.int64]:
    """Trades by bar, shape (n,), whose result would depend on the order of events without finer bars.

    Those of the `account` itself where no problem has any. See `traded` for the other arguments.
    """
    coarse = {
        name: problem.without_detail() if isinstance(problem, HoldProblem) and problem.parts else problem
        for name, problem in problems.items()
    }
    if all(coarse[name] is problem for name, problem in problems.items()):
        return account.ambiguous
    outcomes = {name: problem.outcome(points[name]) for name, problem in coarse.items()}
    return traded(coarse, points, outcomes, selected).ambiguous


def _alike(problem: Problem, hold: Any) -> bool:
    return isinstance(problem, EntryExitProblem | HoldProblem) and problem.fills == hold.fills


def _held(
    name: str, problems: Mapping[str, Problem], points: Mapping[str, Array], selected: NDArray[np.str_]
) -> Outcome:
    """Account of one exit that holds and any number of exits of one bar."""
    hold: Any = problems[name]
    sides = []
    for side in (0, 1):
        outcomes, places = {}, {}
        for other in dict.fromkeys(selected[selected != name].tolist()):
            problem: Any = problems[other]
            sizes = np.zeros((2, problem.size))
            sizes[side] = problem.sizes[side] * (selected == other)
            outcomes[other] = problem.with_sizes(sizes).outcome(points[other])
            places[other] = selected == other
        sides.append(_joined(outcomes, places))
    orders = hold.with_sizes(hold.sizes * (selected == name))
    return hold_outcome(orders, hold.with_stop(points[name]), None, False, (sides[0], sides[1]))


def _joined(outcomes: Mapping[str, Outcome], places: Mapping[str, NDArray[np.bool_]]) -> Outcome:
    """Bars of several outcomes, each from its places."""
    arrays: dict[str, Any] = {}
    for array in ARRAYS:
        columns = {name: getattr(outcome, array) for name, outcome in outcomes.items()}
        if array == "held":
            columns = {n: outcomes[n].trades if column is None else column for n, column in columns.items()}
        if any(column is None for column in columns.values()):  # costs that are one fee
            continue
        arrays[array] = np.zeros_like(next(iter(columns.values())))
        for name, column in columns.items():
            arrays[array][places[name]] = column[places[name]]
    return Outcome(**arrays, make_ledger=lambda: _ledger(outcomes, places))


def _ledger(
    outcomes: Mapping[str, Outcome], places: Mapping[str, NDArray[np.bool_]]
) -> dict[str, NDArray[Any]]:
    return joined_ledgers(outcome.ledger_where(places[name]) for name, outcome in outcomes.items())
