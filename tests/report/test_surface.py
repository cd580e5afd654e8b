"""The surface of a simulation is that of the problem it was tuned on."""

import numpy as np
import pytest

from backtune.errors import SettingError
from backtune.report.surface import surface, tuning_problem
from backtune.store import Run


@pytest.mark.parametrize("simulation", [0, 7, -1])
@pytest.mark.parametrize("strategy", ["maxdiff", "always_on"])
def test_the_value_at_the_optimum_is_what_the_simulation_was_tuned_to(sample_result, simulation, strategy):
    grid = surface(sample_result, simulation, strategy, points=21)
    rows = sample_result.simulations
    row = rows[(rows["strategy"] == strategy) & rows["selected"]].iloc[simulation]
    assert grid.value == row["in_sample"]
    assert grid.totals.shape == (21, 21)
    assert grid.totals.max() <= grid.value  # exact: no point of the grid is above it


def test_the_plateau_holds_the_optimum_and_ends_where_a_tenth_is_lost(sample_result):
    tables = sample_result
    grid = surface(tables, 3)
    problem = tuning_problem(tables, 3, grid.strategy, grid.exit)
    lost = grid.value - 0.1 * abs(grid.value) - 1e-12
    beyond = 0
    for axis, ((low, high), offset) in enumerate(zip(grid.plateau, grid.x, strict=True)):
        left, right = problem.bounds[axis]
        assert left <= low <= offset <= high <= right
        for end, step in ((low, -0.001 * (right - left)), (high, 0.001 * (right - left))):
            x = np.array(grid.x)
            x[axis] = end
            assert problem(x) >= lost
            x[axis] = end + step
            if left <= x[axis] <= right:
                beyond += 1
                assert problem(x) < lost
    assert beyond >= 1


def test_a_folder_gives_the_same_surface(sample_run):
    tables = Run.open(sample_run.folder)["SP500"]
    here, there = surface(sample_run["SP500"]), surface(tables)
    assert np.array_equal(here.totals, there.totals)


def test_what_is_not_there_is_refused_in_one_line(sample_result):
    tables = sample_result
    with pytest.raises(SettingError, match="simulation 30 is not there"):
        surface(tables, 30)
    with pytest.raises(SettingError, match="unknown tuned strategy 'untuned'"):
        surface(tables, 0, "untuned")
