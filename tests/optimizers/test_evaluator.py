"""The Evaluator: counting, clipping, failures, and the end of a search."""

import math
from typing import ClassVar

import numpy as np
import pytest

import backtune as bt
from backtune.errors import OptimizerError, SettingError
from backtune.optimizers.evaluator import Evaluator, Stop
from backtune.testing import Recorded, RecordedBatch

BOX = [(0.0, 1.0), (-2.0, 2.0)]


class Listed(bt.Search):
    """Evaluates the points it is given, through one of the evaluator's four calls."""

    library = "listed"

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def search(self, evaluator, seed):
        for name, points in self.calls:
            getattr(evaluator, name)(points)


def test_points_outside_and_nan_are_moved_into_the_box():
    objective = Recorded(BOX)
    Listed([("values", [[-1.0, 5.0], [np.nan, 0.5]]), ("value", [math.inf, -math.inf])]).optimize(objective)
    assert [point.tolist() for point in objective.points] == [[0.0, 2.0], [0.0, 0.5], [1.0, -2.0]]


def test_unit_coordinates_reach_both_ends_exactly():
    objective = Recorded([(0.1, 0.3), (-0.7, 1e9)])
    Listed([("unit", [[0.0, 0.0], [1.0, 1.0]]), ("unit_value", [1.0, 0.0])]).optimize(objective)
    assert [point.tolist() for point in objective.points] == [[0.1, -0.7], [0.3, 1e9], [0.3, -0.7]]


@pytest.mark.parametrize("kind", [Recorded, RecordedBatch])
def test_a_batch_past_the_budget_is_cut(kind):
    objective = kind(BOX)
    best = Listed([("unit", np.random.default_rng(0).random((10, 2)))]).optimize(objective, budget=4)
    assert (best.evaluations, best.stopped, len(objective.points), len(best.trace)) == (4, "budget", 4, 4)


def test_ending_early_is_called_converged():
    best = Listed([("unit_value", [0.5, 0.5])]).optimize(Recorded(BOX), budget=4)
    assert (best.evaluations, best.stopped) == (1, "converged")


def test_the_last_evaluation_ends_the_search_and_a_library_that_goes_on_is_stopped_again():
    evaluator = Evaluator(Recorded(BOX), 2)
    evaluator.unit_value([0.5, 0.5])
    for call, points in (("unit_value", [0.1, 0.1]), ("unit_value", [0.2, 0.2]), ("unit", [[0.3, 0.3]] * 3)):
        with pytest.raises(Stop):
            getattr(evaluator, call)(points)
    assert evaluator.count == 2


def test_no_points_are_no_evaluation():
    evaluator = Evaluator(Recorded(BOX), 5)
    assert evaluator.values(np.empty((0, 2))).shape == (0,)
    assert evaluator.count == 0


@pytest.mark.parametrize("call", ["values", "value"])
def test_a_failure_reads_as_finite_and_below_all_seen(call):
    values = iter([3.0, -5.0, math.nan, 4.0, math.inf])
    evaluator = Evaluator(Recorded(BOX, lambda x: next(values)), 9)
    if call == "values":
        seen = evaluator.values(np.zeros((5, 2)))
    else:
        seen = [evaluator.value(np.zeros(2)) for _ in range(5)]
    assert np.isfinite(seen).all()
    assert max(seen[2], seen[4]) < -5.0
    assert evaluator.trace[:5].tolist() == [3.0, 3.0, 3.0, 4.0, 4.0]
    assert (evaluator.failures, evaluator.best) == (2, 4.0)


def test_a_failure_before_any_value_and_one_below_the_lowest_float_read_as_finite():
    values = iter([math.nan, -1.7e308, math.nan])
    evaluator = Evaluator(Recorded(BOX, lambda x: next(values)), 9)
    assert np.isfinite([evaluator.value(np.zeros(2)) for _ in range(3)]).all()


def test_a_batch_that_raises_is_evaluated_point_by_point():
    def first_only(x):
        if x[0] > 0.5:
            raise ValueError("too far")
        return float(x[0])

    class Whole(RecordedBatch):
        def batch(self, points):
            raise ValueError("one of them is too far")

    best = Listed([("unit", [[0.2, 0.0], [0.9, 0.0], [0.4, 0.0]])]).optimize(Whole(BOX, first_only))
    assert (best.value, best.evaluations, best.failures) == (0.4, 3, 1)


def test_a_batch_that_raises_where_no_point_does_is_an_error_not_a_slow_run():
    class Faulty(RecordedBatch):
        def batch(self, points):
            raise TypeError("wrong axis")

    with pytest.raises(OptimizerError, match=r"batch raised TypeError: wrong axis; .* correct batch"):
        bt.optimize(Faulty(BOX), "random", budget=50)


@pytest.mark.needs("torch")
def test_a_batch_may_give_a_torch_tensor():
    import torch

    class Tensor(RecordedBatch):
        def batch(self, points):
            return torch.tensor(super().batch(points), requires_grad=True)

    best = bt.optimize(Tensor(BOX), "random", budget=50)
    assert best.value == bt.optimize(Recorded(BOX), "random", budget=50).value


@pytest.mark.parametrize("kind", [Recorded, RecordedBatch])
def test_a_budget_without_end_needs_no_memory_and_the_trace_grows(kind):
    points = np.random.default_rng(0).random((9000, 2))
    best = Listed([("unit", points[:4000]), ("unit", points[4000:])]).optimize(kind(BOX), budget=10**15)
    values = [Recorded(BOX)._cone(point) for point in points * [1.0, 4.0] + [0.0, -2.0]]
    np.testing.assert_array_equal(best.trace, np.maximum.accumulate(values))


def test_one_point_given_flat_is_one_point():
    best = Listed([("unit", [0.5, 0.5]), ("values", [0.5, 0.5])]).optimize(Recorded(BOX))
    assert best.evaluations == 2


def test_a_batch_of_the_wrong_shape_is_an_error_that_says_so():
    class Wrong(RecordedBatch):
        def batch(self, points):
            return np.zeros((len(points), 1))

    with pytest.raises(OptimizerError, match=r"shape \(25, 1\) for 25 points; expected \(25,\)"):
        bt.optimize(Wrong(BOX), "scipy", budget=50)


def test_an_error_inside_a_search_is_one_line_that_names_the_method():
    class Fails(bt.Search):
        library = "fails"

        def search(self, evaluator, seed):
            evaluator.unit_value([0.5, 0.5])
            raise ArithmeticError("in the\nlibrary")

    with pytest.raises(
        OptimizerError, match="fails failed after 1 evaluations: ArithmeticError: in the library"
    ):
        Fails().optimize(Recorded(BOX))


@pytest.mark.parametrize("budget", [1, 3])
def test_a_library_that_turns_the_stop_into_its_own_error_ends_as_stopped(budget):
    class Wraps(bt.Search):
        library = "wraps"

        def search(self, evaluator, seed):
            try:
                while True:
                    evaluator.unit_value([0.5, 0.5])
            except BaseException as stop:
                raise SystemError("returned a result with an exception set") from stop

    best = Wraps().optimize(Recorded(BOX), budget=budget)
    assert (best.stopped, best.evaluations) == ("budget", budget)


def test_a_search_that_evaluates_nothing_is_an_error():
    with pytest.raises(OptimizerError, match="listed ended without evaluating"):
        Listed([]).optimize(Recorded(BOX))


def test_keyboard_interrupt_is_not_a_failed_evaluation():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bt.optimize(Recorded(BOX, interrupted), "random", budget=5)


@pytest.mark.parametrize("limit", [-1.0, "soon", math.nan, True])
def test_a_time_limit_that_means_nothing_is_refused(limit):
    with pytest.raises(SettingError, match="time_limit"):
        bt.optimize(Recorded(BOX), "random", budget=5, time_limit=limit)


@pytest.mark.parametrize("batch", [True, False])
def test_an_error_of_several_lines_is_reported_in_one(batch):
    class Verbose:
        bounds: ClassVar = [(0.0, 1.0)]

        def __call__(self, x):
            if batch:
                return 1.0
            raise ValueError("first\n  second")

    objective = Verbose()
    if batch:

        def fails(points):
            raise ValueError("first\n  second")

        objective.batch = fails
    with pytest.raises(OptimizerError, match="ValueError: first second") as caught:
        bt.optimize(objective, "random", budget=5)
    assert "\n" not in str(caught.value)


def test_a_box_too_wide_for_a_float_is_refused():
    """Its width overflows, and then every point of the unit cube is its lower end."""

    class Endless:
        bounds: ClassVar = [(-1e308, 1e308)]

        def __call__(self, x):
            return float(x[0])

    with pytest.raises(SettingError, match="bounds"):
        bt.optimize(Endless(), "random", budget=5)
