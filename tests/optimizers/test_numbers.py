"""What an objective gives is a real number or no value: never half of one, nor text that looks like one."""

import numpy as np
import pytest

import backtune as bt
from backtune.optimizers.numbers import number, numbers
from bench_objectives import Answers

KINDS = ("text", "bytes", "none", "array", "complex", "complex128", "list", "object")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_number_is_no_value(kind):
    with pytest.raises(bt.OptimizerError, match="none of 5 evaluations") as raised:
        bt.optimize(Answers(kind), "random", budget=5)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [1, 1.5, True, np.float32(2), np.int64(3), np.array(4.0)])
def test_numbers_of_any_kind_are_taken(value):
    assert number(value) == float(value)


@pytest.mark.parametrize("values", [[1j, 2.0], ["1", "2"], [None, 1.0], np.array([1 + 0j]), [[1.0], ["2"]]])
def test_a_batch_of_anything_else_is_refused(values):
    with pytest.raises((TypeError, ValueError)):
        numbers(values)


@pytest.mark.parametrize("values", [[1, 2], np.arange(3, dtype="float32"), np.array([True, False]), [1, 2.5]])
def test_a_batch_of_numbers_is_taken(values):
    assert numbers(values).tolist() == np.asarray(values, dtype=np.float64).tolist()
    assert numbers(values).dtype == np.float64
