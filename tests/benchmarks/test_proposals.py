"""No method has a function evaluated outside its space; benchmarks/proposals.py makes a million proposals."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import proposals


@pytest.mark.slow
@pytest.mark.parametrize("asked", [10_000])
def test_no_proposal_of_any_method_is_outside_the_space(asked):
    rows = proposals.survey(asked)
    assert sum(count for _, count, _ in rows) >= asked
    assert [wrong[0] for _, _, wrong in rows if wrong] == []
    assert {"random", "scipy:differential_evolution", "sobol", "grid"} <= {name for name, _, _ in rows}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fast": 2.0}, "names or types"),
        ({"slow": 3}, "slow"),
        ({"fast": 20}, "constraint"),
        ({"kind": "ema"}, "names or types"),
        ({"rate": 2.0}, "rate"),
    ],
)
def test_the_rules_by_hand_see_a_point_outside(changed, said):
    point = {"fast": 3, "slow": 12, "rate": 0.1, "size": 5, "share": 0.5, "level": "low", "kind": "sma"}
    assert proposals.violation(point) == ""
    assert said in proposals.violation(point | changed)
