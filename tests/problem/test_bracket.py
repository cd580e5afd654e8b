"""What happened inside a bar is known here, so that the fill rules can be held against the truth.

Paths are walked price by price: an order at a level is filled by the first price beyond it, and one that only
touches it, the open's among them, fills nothing. The bars of those paths are all that a problem is given.
"""

from __future__ import annotations

import numpy as np
import pytest

from backtune import EntryExitProblem, HoldProblem
from fine import finer
from price_paths import levels_on, moves_of, price_paths
from price_truth import FEE, held_total, true_returns

ROUNDING = 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("at_close", [False, True])
@pytest.mark.parametrize("ticks", [True, False])
def test_the_truth_of_every_fill_lies_between_causal_and_optimistic(ticks, at_close):
    """0 outside in 50,000 fills over both kinds of exit: gaps, jumps, a tick grid, both sides."""
    rng = np.random.default_rng(3)
    fills = outside = touches = 0
    while fills < 12_500:
        paths = price_paths(rng, 4_001, ticks=ticks)
        moves, o, h, lo, c = moves_of(paths)
        up, down = levels_on(rng, paths, ticks)
        for short in (False, True):
            problem = EntryExitProblem(
                o, h, lo, c, up, down, float(not short), float(short), fee=FEE, close_at_eod=at_close
            )
            truth = true_returns(moves, up, down, short, at_close)
            least, most = (problem.under(rule).returns((0, 0)) for rule in ("causal", "optimistic"))
            filled = ~np.isnan(truth)
            assert (problem.trades((0, 0)) == filled).all()
            assert problem.under("optimistic")((0, 0)) >= np.nansum(truth) - 1e-9 >= problem((0, 0)) - 2e-9
            outside += np.sum(filled & ((truth < least - ROUNDING) | (truth > most + ROUNDING)))
            touches += np.sum(o == (up if short else down))
            fills += filled.sum()
    assert outside == 0
    assert touches > 100  # opens that stand exactly at the level


@pytest.mark.slow
@pytest.mark.parametrize(
    "stop", [None, -0.0101, -0.0257]
)  # between ticks: a stop needs a touch, which must not be one of rounding
@pytest.mark.parametrize("ticks", [True, False])
def test_the_truth_of_held_positions_lies_between_causal_and_optimistic(ticks, stop):
    """0 outside on 1,200 paths: positions over bars, stops, both sides, gaps, jumps, a tick grid."""
    rng = np.random.default_rng(11)
    outside = fills = wide = 0
    for number in range(200):
        paths = price_paths(rng, 26, steps=16, ticks=ticks)
        moves, o, h, lo, c = moves_of(paths)
        up, down = levels_on(rng, paths, ticks)
        short, max_bars = bool(number % 2), (2, 5, 20)[number % 3]
        problem = HoldProblem(
            o,
            h,
            lo,
            c,
            up,
            down,
            float(not short),
            float(short),
            fee=FEE,
            max_bars=max_bars,
            stop_offset=stop,
        )
        stops = (
            None if stop is None else (np.maximum(up - stop, 0.0) if short else np.minimum(down + stop, 0.0))
        )
        truth, count = held_total(moves, paths[:-1, -1], up, down, stops, max_bars, short)
        least, most = problem((0, 0)), problem.under("optimistic")((0, 0))
        outside += not least - 1e-10 <= truth <= most + 1e-10
        wide += most > least + 1e-9
        fills += count
    assert outside == 0
    assert fills > 600
    assert wide > 20


@pytest.mark.slow
def test_no_truth_of_20_000_paths_lies_outside_with_holds_stops_both_sides_and_finer_bars():
    """Every other path has finer bars besides, whose bracket lies within that of the bars."""
    rng = np.random.default_rng(20)
    outside = wider = open_before = open_after = fills = 0
    for number in range(20_000):
        paths = price_paths(rng, 9, steps=int(rng.integers(4, 12)), ticks=bool(number % 3))
        moves, o, h, lo, c = moves_of(paths)
        up, down = levels_on(rng, paths, bool(number % 3), far=0.006)
        short, max_bars = bool(rng.integers(2)), int(rng.choice([1, 2, 5, 20]))
        stop = (None, -0.0101, -0.0257)[int(rng.integers(3))]
        stops = None
        if stop is not None:
            stops = np.maximum(up - stop, 0.0) if short else np.minimum(down + stop, 0.0)
        truth, count = held_total(moves, paths[:-1, -1], up, down, stops, max_bars, short)
        bars = (o, h, lo, c, up, down, float(not short), float(short))
        rule = {"fee": FEE, "max_bars": max_bars, "stop_offset": stop}
        problem = HoldProblem(*bars, **rule)
        least, most = problem((0, 0)), problem.under("optimistic")((0, 0))
        fills += count
        open_before += most > least + 1e-9
        if number % 2:
            fine = HoldProblem(*bars, detail=finer(moves, 3), **rule)
            low, high = fine((0, 0)), fine.under("optimistic")((0, 0))
            wider += low < least - 1e-10 or high > most + 1e-10
            least, most = low, high
        open_after += most > least + 1e-9
        outside += not least - 1e-10 <= truth <= most + 1e-10
    assert outside == wider == 0
    assert fills > 30_000
    assert open_before > 1_500
    assert open_after < 0.7 * open_before
