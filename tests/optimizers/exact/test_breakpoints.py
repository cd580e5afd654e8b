"""Breakpoints are the last floats on their side, however the sum with the forecast rounds."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from backtune.kernels import down_level, up_level
from backtune.optimizers.exact.breakpoints import (
    first_down,
    largest_at_most,
    last_up,
    next_float,
    previous_float,
)

moves = st.one_of(
    st.floats(-0.9, 12.0),
    st.floats(-0.05, 0.05),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e-300, -1e-300, 10.0, -1.0, 1e-17]),
)


@given(st.floats(allow_nan=False, allow_infinity=False, max_value=1e308, min_value=-1e308))
def test_neighbouring_floats(x):
    assert next_float(x) == np.nextafter(x, np.inf)
    assert previous_float(x) == np.nextafter(x, -np.inf)


@given(moves, moves)
@example(0.1, 0.1)
@example(1e-17, 0.02)
@example(12.0, 1e-17)
def test_largest_at_most_is_the_last_float(forecast, level):
    x = largest_at_most(forecast, level)
    assert forecast + x <= level
    assert forecast + np.nextafter(x, np.inf) > level


@given(moves, moves, st.booleans())
def test_last_up_splits_the_high_offsets(forecast, level, strict):
    def holds(x):
        up = up_level(forecast, x)
        return up < level if strict else up <= level

    x = last_up(forecast, level, strict)
    if np.isinf(x):
        assert [holds(offset) for offset in (-20.0, 0.0, 20.0)] == [x > 0] * 3
    else:
        assert holds(x)
        assert not holds(np.nextafter(x, np.inf))


@given(moves, moves, st.booleans())
def test_first_down_splits_the_low_offsets(forecast, level, strict):
    def holds(x):
        down = down_level(forecast, x)
        return down > level if strict else down >= level

    x = first_down(forecast, level, strict)
    if np.isinf(x):
        assert [holds(offset) for offset in (-20.0, 0.0, 20.0)] == [x < 0] * 3
    else:
        assert holds(x)
        assert not holds(np.nextafter(x, -np.inf))
