"""The contract of an optimizer as a test suite; of one that is no `Search`, `OptimizerConformance`."""

from __future__ import annotations

import logging
import math
import pickle
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from backtune.errors import OptimizerError, SettingError
from backtune.optimizers.base import Optimizer, Optimum
from backtune.problem import EntryExitProblem
from backtune.space import Float, Int, Ordinal, Space

Array = NDArray[np.float64]
Function = Callable[[Array], float]


class Recorded:
    """An objective that keeps the points it was given.

    Parameters
    ----------
    bounds : sequence of (low, high)
    function : callable, optional
        x (d,) -> float; by default a cone with its top at 70 % of each side.
    """

    def __init__(self, bounds: Any, function: Function | None = None) -> None:
        self.bounds = bounds
        self.points: list[Array] = []
        self.dtypes: set[Any] = set()
        low, high = np.array(bounds, dtype=np.float64).T
        self._top = low + 0.7 * (high - low)
        self._function = function or self._cone

    def _cone(self, x: Array) -> float:
        return -float(np.abs(x - self._top).sum())

    def __call__(self, x: Array) -> float:
        """Record x and give its value."""
        self.points.append(np.array(x))
        if "torch" in sys.modules:
            self.dtypes.add(sys.modules["torch"].get_default_dtype())
        return self._function(x)


class RecordedBatch(Recorded):
    """The same with `batch`."""

    def batch(self, points: Array) -> Array:
        """Values at points (m, d)."""
        return np.array([self(point) for point in points])


def example_problem() -> EntryExitProblem:
    """Make a small entry-exit problem with both sides and no symmetry."""
    rng = np.random.default_rng(7)
    c = 0.02 * rng.standard_normal(40)
    h, lo = c + 0.01 * np.abs(rng.standard_normal(40)), c - 0.01 * np.abs(rng.standard_normal(40))
    up, down = c + 0.01 * rng.standard_normal(40), c - 0.01 * rng.standard_normal(40)
    return EntryExitProblem(
        np.clip(0.0, lo, h),
        h,
        lo,
        c,
        up,
        down,
        rng.random(40),
        rng.random(40),
        bounds=((-0.02, 0.03), (-0.03, 0.01)),
    )


def example_space() -> Space:
    """Make a space of every type, with a condition and a constraint that half of it does not meet."""
    return Space(
        fast=(2, 20),
        slow=Int(2, 22, step=5),
        rate=Float(1e-4, 1.0, log=True),
        size=Int(1, 1000, log=True),
        share=Float(0.0, 1.0, step=0.25),
        level=Ordinal(["low", "middle", "high"]),
        kind=["sma", "ema"],
        span=Int(3, 9, when={"kind": "ema"}),
        constraints=lambda point: point["fast"] < point["slow"],
    )


def reseed(seed: int) -> None:
    """Put the global generators of random, NumPy and (where it is imported) torch elsewhere."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def process_state() -> dict[str, Any]:
    """What a search must leave as it found it, as comparable values."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    state: dict[str, Any] = {
        "random": random.getstate(),
        "np.random": (name, np.asarray(keys).tobytes(), *rest),
        "np.errstate": np.geterr(),
        "warnings.filters": list(warnings.filters),
        "loggers": {
            logger.name: (logger.level, list(logger.handlers), logger.propagate, logger.disabled)
            for logger in (logging.root, *map(logging.getLogger, list(logging.root.manager.loggerDict)))
        },
        "logging.disable": logging.root.manager.disable,
    }
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        state["torch generator"] = bytes(torch.get_rng_state().numpy())
        state["torch default dtype"] = torch.get_default_dtype()
        state["torch threads"] = torch.get_num_threads()
    if find_spec("threadpoolctl") is not None:
        pools = import_module("threadpoolctl").threadpool_info()
        state["BLAS threads"] = {pool["filepath"]: pool["num_threads"] for pool in pools}
    return state


@contextmanager
def heard() -> Iterator[list[str]]:
    """Give a list that has the text of every warning shown inside, once the block has ended."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        yield texts
        texts.extend(str(one) for one in shown or [])


class OptimizerConformance:
    """What every optimizer keeps to, on an entry-exit problem.

    Attributes
    ----------
    budget : int
        Evaluations in most tests; lower it for a method that is slow.
    """

    budget: ClassVar[int] = 60

    @pytest.fixture
    def optimizer(self) -> Optimizer:
        """Make the optimizer to be tested."""
        raise NotImplementedError("override the fixture 'optimizer' to return the optimizer to be tested")

    def test_value_is_the_problems_own_at_a_point_of_its_box(self, optimizer: Optimizer) -> None:
        problem = example_problem()
        best = optimizer.optimize(problem, budget=self.budget, seed=1)
        assert best.value == problem(best.x)
        assert all(low <= x <= high for x, (low, high) in zip(best.x, problem.bounds, strict=True))
        assert best.method == optimizer.method
        assert best.stopped in ("proved", "budget", "time", "converged")
        assert best.exact == (best.stopped == "proved")
        assert best.seconds > 0

    def test_prints_and_warns_nothing(self, optimizer: Optimizer, capfd: pytest.CaptureFixture[str]) -> None:
        with heard() as warned:
            optimizer.optimize(example_problem(), budget=self.budget, seed=1)
        assert (warned, *capfd.readouterr()) == ([], "", "")

    def test_leaves_the_process_as_it_was(self, optimizer: Optimizer) -> None:
        optimizer.optimize(example_problem(), budget=self.budget, seed=1)  # imports are no change of state
        reseed(3)
        before = process_state()
        optimizer.optimize(example_problem(), budget=self.budget, seed=1)
        after = process_state()
        assert [key for key in before if before[key] != after.get(key)] == []

    def test_survives_pickling(self, optimizer: Optimizer) -> None:
        again = pickle.loads(pickle.dumps(optimizer))
        results = [one.optimize(example_problem(), budget=self.budget, seed=2) for one in (optimizer, again)]
        assert same(*results)
        assert same(results[0], pickle.loads(pickle.dumps(results[0])))

    def test_same_seed_same_result_whatever_the_global_generators(self, optimizer: Optimizer) -> None:
        reseed(1)
        first = optimizer.optimize(example_problem(), budget=self.budget, seed=5)
        reseed(2)
        assert same(first, optimizer.optimize(example_problem(), budget=self.budget, seed=5))


class SearchConformance(OptimizerConformance):
    """What every search keeps to, on any objective."""

    BOX: ClassVar[list[tuple[float, float]]] = [
        (-0.03, 0.03),
        (2.0, 5.0),
        (-7.0, -6.0),
        (0.0, 1e-6),
        (-1e4, 1e4),
    ]

    @pytest.mark.parametrize("budget", [1, 2, 7, None])
    def test_keeps_the_budget_to_the_evaluation(self, optimizer: Optimizer, budget: int | None) -> None:
        objective, budget = RecordedBatch(self.BOX[:2]), budget or self.budget
        best = optimizer.optimize(objective, budget=budget, seed=0)
        assert best.evaluations == len(objective.points) <= budget
        assert best.stopped == ("budget" if best.evaluations == budget else "converged")

    @pytest.mark.parametrize(("size", "side"), [(1e308, 1.0), (1.0, 1e300)])
    def test_warns_nothing_of_huge_values_and_boxes(
        self, optimizer: Optimizer, capfd: pytest.CaptureFixture[str], size: float, side: float
    ) -> None:
        def waves(x: np.ndarray) -> float:
            return -size * float(np.sin((np.asarray(x) / side).sum()))

        with heard() as warned:
            optimizer.optimize(Recorded([(-side, side)] * 3, waves), budget=self.budget, seed=0)
        assert (warned, *capfd.readouterr()) == ([], "", "")

    @pytest.mark.parametrize("dimension", [1, 2, 5])
    def test_stays_in_the_box_and_reports_its_best(self, optimizer: Optimizer, dimension: int) -> None:
        objective = Recorded(self.BOX[:dimension])
        best = optimizer.optimize(objective, budget=self.budget, seed=4)
        low, high = np.array(objective.bounds).T
        assert all(point.shape == (dimension,) for point in objective.points)
        assert all(((low <= point) & (point <= high)).all() for point in objective.points)
        values = [objective._cone(point) for point in objective.points]
        assert best.value == max(values)
        np.testing.assert_array_equal(best.x, objective.points[int(np.argmax(values))])
        np.testing.assert_array_equal(best.trace, np.maximum.accumulate(values))

    def test_batch_changes_no_point(self, optimizer: Optimizer) -> None:
        single, batched = Recorded(self.BOX[:2]), RecordedBatch(self.BOX[:2])
        for objective in (single, batched):
            optimizer.optimize(objective, budget=self.budget, seed=6)
        np.testing.assert_array_equal(single.points, batched.points)

    def test_same_seed_same_points_whatever_the_global_generators(self, optimizer: Optimizer) -> None:
        runs = [Recorded(self.BOX[:2]) for _ in range(2)]
        for number, objective in enumerate(runs):
            reseed(number)
            optimizer.optimize(objective, budget=self.budget, seed=8)
        np.testing.assert_array_equal(runs[0].points, runs[1].points)

    def test_the_objective_sees_the_process_as_it_was(self, optimizer: Optimizer) -> None:
        optimizer.optimize(Recorded(self.BOX[:2]), budget=2, seed=0)
        objective = RecordedBatch(self.BOX[:2])
        optimizer.optimize(objective, budget=self.budget, seed=0)
        usual = {sys.modules["torch"].get_default_dtype()} if "torch" in sys.modules else set()
        assert objective.dtypes == usual

    @pytest.mark.parametrize("dimension", [1, 2, 3])
    def test_same_seed_same_points_whatever_ran_before(self, optimizer: Optimizer, dimension: int) -> None:
        points: dict[int, list[bytes]] = {1: [], 2: []}
        for seed in (1, 2, 1, 1):  # a library may keep something from one run to the next
            objective = Recorded(self.BOX[:dimension])
            optimizer.optimize(objective, budget=min(self.budget, 30), seed=seed)
            points[seed].append(np.array(objective.points).tobytes())
        assert [len(set(runs)) for runs in points.values()] == [1, 1]

    @pytest.mark.parametrize("failure", ["nan", "inf", "-inf", "raises"])
    @pytest.mark.parametrize("kind", [Recorded, RecordedBatch])
    def test_a_failed_evaluation_counts_and_is_never_best(
        self, optimizer: Optimizer, failure: str, kind: type[Recorded]
    ) -> None:
        bad: list[float] = []

        def cliff(x: Array) -> float:
            if x[0] <= 0.6:
                return float(x[0])
            bad.append(float(x[0]))
            return _raise() if failure == "raises" else float(failure)

        objective = kind([(0.0, 1.0), (0.0, 1.0)], cliff)
        best = optimizer.optimize(objective, budget=self.budget, seed=2)
        assert best.value == best.x[0] <= 0.6
        assert len(best.trace) == best.evaluations <= self.budget
        assert (np.diff(best.trace[np.isfinite(best.trace)]) >= 0).all()
        assert best.failures > 0
        if kind is Recorded:
            assert best.failures == len(bad)

    def test_an_objective_that_only_fails_is_an_error_that_says_so(self, optimizer: Optimizer) -> None:
        def fails(x: Array) -> float:
            return _raise()

        with pytest.raises(OptimizerError, match="ZeroDivisionError: of the objective"):
            optimizer.optimize(Recorded(self.BOX[:2], fails), budget=self.budget, seed=0)

    def test_proposes_only_points_of_a_space_of_every_type(self, optimizer: Optimizer) -> None:
        space, seen = example_space(), []

        def function(point: dict[str, Any]) -> float:
            seen.append(point)
            return float(-abs(point["fast"] - 7.0) - point["rate"] - (point["kind"] == "sma"))

        objective, budget = space.objective(function), min(self.budget, 30)
        best, again = (optimizer.optimize(objective, budget=budget, seed=3) for _ in range(2))
        assert all(point in space for point in seen)
        assert best.point is not None
        assert best.point == again.point
        assert function(best.point) == best.value == again.value
        assert best.encoding

    def test_a_flat_objective_is_no_trouble(self, optimizer: Optimizer) -> None:
        best = optimizer.optimize(Recorded(self.BOX[:2], lambda x: 0.25), budget=self.budget, seed=0)
        assert best.value == 0.25

    @pytest.mark.parametrize(
        "bounds", [[(1.5, 1.5), (0.0, 1.0)], [(0.0, 1.0), (2.0, 2.0), (-1.0, 0.0)], [(3.0, 3.0), (4.0, 4.0)]]
    )
    def test_a_side_of_zero_width_stays_where_it_is(self, optimizer: Optimizer, bounds: Any) -> None:
        objective = Recorded(bounds)
        best = optimizer.optimize(objective, budget=min(self.budget, 30), seed=0)
        for axis, (low, high) in enumerate(bounds):
            if low == high:
                assert {float(point[axis]) for point in objective.points} == {low}
        assert best.x.shape == (len(bounds),)

    def test_stops_when_the_time_is_over(self, optimizer: Optimizer) -> None:
        def slow(x: Array) -> float:
            time.sleep(0.004)
            return float(x[0])

        objective = Recorded([(0.0, 1.0), (0.0, 1.0)], slow)
        best = optimizer.optimize(objective, budget=4000, seed=0, time_limit=0.02)
        assert best.stopped == "time"
        assert 1 <= best.evaluations == len(objective.points) < 4000

    def test_an_objective_that_writes_to_its_argument_changes_nothing(self, optimizer: Optimizer) -> None:
        def rude(x: Array) -> float:
            value = -float(np.abs(x - 0.3).sum())
            x[:] = 99.0
            return value

        bounds = [(0.0, 1.0), (0.0, 1.0)]
        best = optimizer.optimize(Recorded(bounds, rude), budget=self.budget, seed=0)
        assert best.value == -float(np.abs(best.x - 0.3).sum())

    @pytest.mark.parametrize(
        "wrong", [{"budget": 0}, {"budget": 2.5}, {"seed": -1}, {"seed": 2**32}, {"time_limit": 0.0}]
    )
    def test_refuses_a_setting_that_means_nothing(self, optimizer: Optimizer, wrong: dict[str, Any]) -> None:
        with pytest.raises(SettingError, match=next(iter(wrong))):
            optimizer.optimize(Recorded(self.BOX[:2]), **wrong)

    @pytest.mark.parametrize("bounds", [[(0.0, math.inf)], [(1.0, 0.0)], [], 3.0])
    def test_refuses_bounds_that_are_no_box(self, optimizer: Optimizer, bounds: Any) -> None:
        class Boxless(Recorded):
            def __init__(self) -> None:
                self.bounds = bounds

        with pytest.raises(SettingError, match="bounds"):
            optimizer.optimize(Boxless())


def same(one: Optimum, other: Optimum) -> bool:
    """Whether two optima agree to the bit, time aside."""
    return (
        one.x.tobytes() == other.x.tobytes()
        and one.trace.tobytes() == other.trace.tobytes()
        and (one.value, one.evaluations, one.stopped) == (other.value, other.evaluations, other.stopped)
    )


def _raise() -> float:
    raise ZeroDivisionError("of the objective")
