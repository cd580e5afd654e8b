"""A space of named parameters, and an objective over it as optimizers see one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.errors import SettingError, in_a_line
from backtune.space.parameters import Categorical, Float, Int, Parameter

Array = NDArray[np.float64]
Values = dict[str, Any]
Constraint = Callable[[Values], bool]
PLAIN = (int, float, str, bool, type(None))  # types of values that are written the same everywhere
TRIES = 10_000  # points tried for one that meets the constraints
AT_ONCE = 20  # of them drawn at once, which takes as long as one


class Space:
    """Named parameters of any type.

    A point is a dict of name to value, in the order of the space, of the parameters that are there: one whose
    condition `when` does not hold is left out of it.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        `Float`, `Int`, `Ordinal` or `Categorical`. In short: a pair of whole numbers is an `Int`, another
        pair of numbers a `Float`, a list a `Categorical`.
    constraints : callable or sequence of callable
        Each takes a point and says whether it may be tried, such as ``lambda p: p["fast"] < p["slow"]``.
    **named
        More parameters, by name.

    Raises
    ------
    SettingError
        A parameter that means nothing, a condition on one that is not there, or constraints that nothing
        meets.

    Examples
    --------
    >>> import backtune as bt
    >>> space = bt.Space(fast=(2, 20), slow=bt.Int(10, 100, step=5), kind=["sma", "ema"],
    ...                  constraints=lambda p: p["fast"] < p["slow"])
    >>> space.point([0, 4, 1])
    {'fast': 2, 'slow': 30, 'kind': 'ema'}
    """

    def __init__(
        self,
        parameters: Mapping[str, Any] | None = None,
        constraints: Constraint | Sequence[Constraint] = (),
        **named: Any,
    ) -> None:
        if parameters is not None and not isinstance(parameters, Mapping):
            raise SettingError(f"parameters are {parameters!r}; give a dict of them by name, or fast=(2, 50)")
        described = {**(parameters or {}), **named}
        if not described:
            raise SettingError("the space has no parameters; give at least one, such as fast=(2, 50)")
        self.parameters: dict[str, Parameter] = {
            _name(name): _parameter(name, value) for name, value in described.items()
        }
        self.constraints = _checked_constraints(constraints)
        self._conditions = self._checked_conditions()
        self._conditional = any(self._conditions.values())
        if self.constraints:
            self._nearest(np.array([(low + high) / 2 for low, high in self.bounds]))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in their order."""
        return tuple(self.parameters)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Ends of the line of each parameter; see `backtune.space.parameters`."""
        return tuple(parameter.bounds for parameter in self.parameters.values())

    @property
    def count(self) -> int:
        """Combinations of cells; 0 where there is no end of them."""
        total = 1
        for parameter in self.parameters.values():
            total *= parameter.count
        return total

    def point(self, places: ArrayLike) -> Values:
        """Point at places (d,) on the lines of the parameters.

        Where the values there do not meet the constraints, the nearest of points tried around them that does:
        the same for the same values.

        Raises
        ------
        SettingError
            A constraint raised.
        """
        array = np.asarray(places, dtype=np.float64)
        line = array.tolist()
        if array.shape != (len(self.parameters),) or any(map(math.isnan, line)):
            raise SettingError(f"places are {places!r}; expected {len(self.parameters)} numbers")
        values = self._values(line)
        return values if self.allows(values) else self._nearest(array)

    def places(self, point: Mapping[str, Any]) -> Array:
        """Places of a point on the lines of the parameters; 0-th cells or low ends of those not there.

        Raises
        ------
        SettingError
            It has another name, a value that its parameter does not have, or misses one.
        """
        result = np.array(
            [
                low + 0.5 * bool(p.count)
                for p, (low, _) in zip(self.parameters.values(), self.bounds, strict=True)
            ]
        )
        active = [name for name in self.parameters if self._is_there(name, point)]
        if set(point) != set(active):
            raise SettingError(f"a point has {sorted(point)}; expected {sorted(active)}")
        for place, (name, parameter) in enumerate(self.parameters.items()):
            if name in point:
                result[place] = parameter.place(point[name])
        return result

    def __contains__(self, point: object) -> bool:
        """Whether a point has the names, types and values of the space and meets the constraints."""
        if not isinstance(point, Mapping):
            return False
        try:
            self.places(point)
        except SettingError:
            return False
        return self.allows(dict(point))

    def allows(self, point: Values) -> bool:
        """Whether a point meets the constraints.

        Raises
        ------
        SettingError
            A constraint raised.
        """
        if not self.constraints:
            return True
        try:
            return all(bool(constraint(dict(point))) for constraint in self.constraints)
        except Exception as error:
            raise SettingError(
                f"a constraint failed at {point}: {in_a_line(error)}; a parameter with a condition may "
                "not be there: use p.get"
            ) from error

    def points(self) -> Iterator[Values]:
        """Every point once, in order; of a space whose `count` is not 0.

        Raises
        ------
        SettingError
            There is no end of them.
        """
        if not self.count:
            endless = next(name for name, parameter in self.parameters.items() if not parameter.count)
            raise SettingError(f"{endless} has no end of values; give it a step to go through all points")
        seen = set()
        for cells in product(*(range(parameter.count) for parameter in self.parameters.values())):
            values = self._present(
                {name: p.at(cell) for cell, (name, p) in zip(cells, self.parameters.items(), strict=True)}
            )
            key = cells
            if len(values) < len(cells):
                key = tuple(
                    cell if name in values else -1 for cell, name in zip(cells, self.parameters, strict=True)
                )
            if key not in seen and self.allows(values):
                seen.add(key)
                yield values

    def row(self, point: Mapping[str, Any]) -> Values:
        """Values of a point for a table, by every name: None where it is not there, text for no plain one."""
        return {
            name: parameter.shown(point[name]) if name in point else None
            for name, parameter in self.parameters.items()
        }

    def at_end(self, point: Mapping[str, Any]) -> bool:
        """Whether a value of a point is the first or the last of its parameter, of those in an order."""
        return any(self.parameters[name].at_end(value) for name, value in point.items())

    def objective(self, function: Callable[[Values], float]) -> SpaceObjective:
        """Return a function of a point as an objective that every optimizer takes."""
        return SpaceObjective(function, self)

    def _values(self, places: Sequence[float]) -> Values:
        return self._present(
            {name: p.value(place) for place, (name, p) in zip(places, self.parameters.items(), strict=True)}
        )

    def _present(self, values: Values) -> Values:
        """Leave out what is not there; a condition on what is left out does not hold."""
        if not self._conditional:
            return values
        present: Values = {}
        for name, value in values.items():
            if self._is_there(name, present):
                present[name] = value
        return present

    def _is_there(self, name: str, present: Mapping[str, Any]) -> bool:
        return all(
            other in present and any(self.parameters[other].same(present[other], value) for value in wanted)
            for other, wanted in self._conditions[name].items()
        )

    def _nearest(self, places: Array) -> Values:
        """Nearest allowed point of those tried about `places`, in a range that grows."""
        low, high = np.array(self.bounds).T
        places = np.clip(places, low, high)
        told = self._told(self._values(places.tolist()))
        digest = hashlib.sha256(repr(list(told.items())).encode()).digest()
        rng = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
        for first in range(0, TRIES, AT_ONCE):
            reach = np.array([min(1.0, 0.02 * 1.05**number) for number in range(first, first + AT_ONCE)])
            away = rng.uniform(-1.0, 1.0, (AT_ONCE, len(low))) * reach[:, None] * (high - low)
            for about in np.clip(places + away, low, high):
                values = self._values(about.tolist())
                if self.allows(values):
                    return values
        raise SettingError(
            f"none of {TRIES} points of the space meets its constraints; loosen them, or narrow the "
            "parameters"
        )

    def _told(self, values: Values) -> Values:
        """Values by what is the same in every process: of a choice that is no plain value, its cell."""
        return {
            name: value if type(value) in PLAIN else self.parameters[name].place(value)
            for name, value in values.items()
        }

    def _checked_conditions(self) -> dict[str, dict[str, tuple[Any, ...]]]:
        """By name: the values, by name, that other parameters have where this one is there."""
        conditions: dict[str, dict[str, tuple[Any, ...]]] = {}
        for name, parameter in self.parameters.items():
            own: dict[str, tuple[Any, ...]] = {}
            for other, wanted in (parameter.when or {}).items():
                if other not in conditions:
                    raise SettingError(
                        f"{name} depends on {other!r}, which is no parameter before it; name one that is"
                    )
                before, values = self.parameters[other], _several(wanted)
                if not values:
                    raise SettingError(f"{name} depends on no value of {other!r}; give one, or several")
                places = [before.place(value) for value in values]
                own[other] = tuple(
                    before.value(place) if before.count else value
                    for place, value in zip(places, values, strict=True)
                )
            conditions[name] = own
        return conditions

    def __repr__(self) -> str:
        """Show the parameters and the number of constraints."""
        return f"Space({self.parameters}, constraints={len(self.constraints)})"


class SpaceObjective:
    """A function of a point of a space, as optimizers see an objective: over floats, with bounds.

    Parameters
    ----------
    function : callable
        Takes a point (a dict), gives a number: what is maximized.
    space : Space
    """

    def __init__(self, function: Callable[[Values], float], space: Space) -> None:
        self.function, self.space = function, space

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Those of the space's lines."""
        return self.space.bounds

    def __call__(self, x: ArrayLike) -> float:
        """Return the function's value at the point of the places x, shape (d,)."""
        return self.at(self.space.point(x))

    def at(self, point: Values) -> float:
        """Return the function's value at a point."""
        return float(self.function(dict(point)))


def _checked_constraints(constraints: Any) -> tuple[Constraint, ...]:
    if callable(constraints):
        return (constraints,)
    if isinstance(constraints, str) or not isinstance(constraints, Sequence):
        raise SettingError(
            f"constraints are {constraints!r}; give a function of a point, or several in a list"
        )
    for constraint in constraints:
        if not callable(constraint):
            raise SettingError(f"constraint {constraint!r} is no function of a point")
    return tuple(constraints)


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise SettingError(f"a parameter is named {name!r}; expected text")
    return name


def _parameter(name: str, value: Any) -> Parameter:
    if isinstance(value, Parameter):
        return value
    if isinstance(value, list):
        return Categorical(value)
    if isinstance(value, tuple) and len(value) == 2:
        integers = all(isinstance(end, int | np.integer) and not isinstance(end, bool) for end in value)
        return Int(*value) if integers else Float(*value)
    raise SettingError(
        f"parameter {name!r} is {value!r}; give a pair (low, high), a list of choices, or a bt.Float, "
        "bt.Int, bt.Ordinal or bt.Categorical"
    )


def _several(wanted: Any) -> Sequence[Any]:
    return wanted if isinstance(wanted, tuple | list) else (wanted,)
