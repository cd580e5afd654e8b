"""What happened inside a bar is known here, so that the fill rules can be held against the truth.

Paths are walked price by price: an order at a level is filled by the first price beyond it, and one that only
touches it, the open's among them, fills nothing. The bars of those paths are all that a problem is given.
"""

from __future__ import annotations

import numpy as np
import pytest

from backtune import EntryExitProblem
from price_paths import levels_on, moves_of, price_paths

FEE = 0.0005
ROUNDING = 1e-12


def true_returns(moves, up, down, short, at_close):
    """Return of a bar (n,) along its path, NaN where nothing is filled: by the path alone, not by a rule."""
    prices = -moves if short else moves  # mirrored, a short buys below and leaves above as a long does
    enter, leave = (-up, -down) if short else (down, up)
    beyond = prices < enter[:, None]
    first = beyond.argmax(axis=1)
    filled = beyond.any(axis=1)
    after = np.arange(moves.shape[1]) > first[:, None]
    taken = filled & (after & (prices > leave[:, None])).any(axis=1) & (not at_close)
    paid = np.where(first == 0, prices[:, 0], enter)
    got = np.where(taken, leave, prices[:, -1])
    ratio = (1.0 - got) / (1.0 - paid) if short else (1.0 + got) / (1.0 + paid)
    result = (1.0 - FEE) - ratio * (1.0 + FEE) if short else ratio * (1.0 - FEE) - (1.0 + FEE)
    return np.where(filled, result, np.nan)


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
