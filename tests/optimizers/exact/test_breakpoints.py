"""Breakpoints are the last floats on their side, however the sum with the forecast rounds."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from backtune.optimizers.exact.breakpoints import (
    breakpoints,
    largest_at_most,
    last_level,
    next_float,
    previous_float,
)
from backtune.problem import FILLS
from backtune.problem.kernels import down_level, up_level

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


@given(moves, moves, st.sampled_from([1.0, 10.0]))
def test_last_level_splits_the_offsets(forecast, move, ceiling):
    def holds(x):
        return min(max(forecast + x, 0.0), ceiling) <= move

    x = last_level(forecast, move, ceiling)
    if np.isinf(x):
        assert [holds(offset) for offset in (-20.0, 0.0, 20.0)] == [x > 0] * 3
    else:
        assert holds(x)
        assert not holds(np.nextafter(x, np.inf))


@given(*[moves] * 6, st.sampled_from(list(FILLS.values())), st.booleans(), st.booleans())
def test_a_leg_changes_its_state_at_its_breakpoints(o, h, lo, c, hf, lf, fills, eod, short):
    """By the words of the fill rules, at each breakpoint and at the float beyond it."""
    leg = np.array([[o], [h], [lo], [c], [hf], [lf], [1.0]])
    taken, filled, at_open = breakpoints(leg, 1, -1.0 if short else 1.0, fills, eod, 0.0)[:, 0]
    published = fills == FILLS["published"]

    def states(a, b):
        up, down = up_level(hf, a), down_level(lf, b)
        opened = not published and (o > up if short else o < down)
        crossed = (h > up if short else down > lo) or opened
        reached = not eod and (
            (down >= lo if published else down > lo) if short else (up <= h if published else up < h)
        )
        return reached, crossed, opened

    for which, point, high in ((0, taken, not short), (1, filled, short), (2, at_open, short)):
        inner, outer = (point, np.nextafter(point, np.inf)) if high else (point, np.nextafter(point, -np.inf))
        never, always = (-np.inf, np.inf) if high else (np.inf, -np.inf)
        for offset, holds in ((inner, True), (outer, False)):
            if np.isinf(point):
                offset, holds = 0.0, point == always
                assert point in (never, always)
            assert states(*((offset, 0.0) if high else (0.0, offset)))[which] == holds
