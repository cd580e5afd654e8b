"""Means over rectangles of offsets: held against quadrature of the rule as its definition states it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fills_reference
from backtune import Costs, EntryExitProblem
from backtune.problem.neighbourhood import mean_totals, sharpe_ratios
from backtune.problem.objectives import sharpe
from problems import FILLS, random_problem

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
KINDS = ("plain", "tied", "clamped", "gapped", "wild")
COSTS = ((0.0002, 0.0011, 0.0), (-0.0001, 0.0004, 0.0), (0.0002, 0.0011, 0.002), (0.0, 0.0, 0.001))


def pieces(problem, axis, low, high, shifts=(0.0,)):
    """Nodes and weights of a quadrature of one axis: between any two offsets at which anything changes."""
    o, h, lo, c, hf, lf, _, _ = problem.moves
    forecast, moves = (hf, (o, h, c, 0.0 * c, 0.0 * c + 10.0)) if axis == 0 else (lf, (o, lo, c, 0.0 * c))
    edges = np.concatenate([[low, high], *(move + shift - forecast for move in moves for shift in shifts)])
    edges = np.unique(edges[(edges >= low) & (edges <= high)])
    half, middle = 0.5 * np.diff(edges)[:, None], 0.5 * (edges[1:] + edges[:-1])[:, None]
    return (middle + half * NODES).ravel(), (half * WEIGHTS).ravel() / (high - low)


def quadrature(problem, centre, half, value, shifts=(0.0,)):
    (a, wa), (b, wb) = (
        pieces(problem, axis, x - width, x + width, shifts)
        for axis, (x, width) in enumerate(zip(centre, half, strict=True))
    )
    return float(wa @ np.array([[value(x, y) for y in b] for x in a]) @ wb)


def centres(problem, rng, half):
    return [
        rng.uniform(low - width, high + width, 2)
        for (low, high), width in zip(problem.bounds, half, strict=True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("fills", FILLS)
@pytest.mark.parametrize("close_at_eod", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_over_a_rectangle_is_that_of_the_rule_integrated_piece_by_piece(kind, close_at_eod, fills):
    for seed in range(3):
        problem = random_problem(seed, n=3, fills=fills, close_at_eod=close_at_eod, kind=kind)
        rng = np.random.default_rng(seed)
        half = rng.uniform(0.001, 0.03, 2)
        highs, lows = centres(problem, rng, half)
        surface = mean_totals(problem, highs, lows, half)

        def value(a, b, problem=problem):
            return fills_reference.returns(
                problem.moves, a, b, problem.fee, problem.close_at_eod, problem.fills
            ).sum()

        for i, j in ((0, 1), (1, 0)):
            by_hand = quadrature(problem, (highs[i], lows[j]), half, value)
            assert surface[i, j] == pytest.approx(by_hand, abs=1e-9), (seed, i, j)


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
@pytest.mark.parametrize("costs", COSTS)
def test_so_it_is_where_limit_and_market_fills_cost_different_amounts(costs, fills):
    for seed in range(4):
        plain = random_problem(seed, n=3, close_at_eod=False, kind="gapped")
        charges = Costs(maker=costs[0], taker=costs[1], fill_through=costs[2])
        problem = EntryExitProblem(*plain.moves, costs=charges, fills=fills, bounds=plain.bounds)
        maker, market, through = costs
        kept = [(1 + plain.moves[3]) * way - 1 - plain.moves[3] for way in (
            (1 - market) / (1 - maker), (1 + market) / (1 + maker))]  # fmt: skip
        rng = np.random.default_rng(seed)
        half = rng.uniform(0.001, 0.03, 2)
        highs, lows = centres(problem, rng, half)

        def value(a, b, problem=problem, costs=costs):
            return sum(
                fills_reference.charged(bar, a, b, costs, False, fills) for bar in problem.moves.T.tolist()
            )

        by_hand = quadrature(problem, (highs[0], lows[0]), half, value, (0.0, through, -through, *kept))
        assert mean_totals(problem, highs[:1], lows[:1], half)[0, 0] == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 5000))
def test_a_rectangle_without_width_is_the_point_itself(seed):
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    highs, lows = (rng.uniform(low, high, 3) for low, high in problem.bounds)
    mesh = np.stack(np.meshgrid(highs, lows, indexing="ij"), axis=-1)
    values = problem.batch(mesh.reshape(-1, 2)).reshape(3, 3)
    assert np.allclose(mean_totals(problem, highs, lows, (0.0, 0.0)), values, rtol=0.0, atol=1e-12)
    ratios = [[sharpe(problem.outcome(x)) for x in row] for row in mesh]
    assert np.allclose(sharpe_ratios(problem, highs, lows), ratios, rtol=1e-6, atol=1e-9)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 5000))
def test_the_mean_of_a_rectangle_is_that_of_its_four_quarters(seed):
    problem = random_problem(seed)
    whole = mean_totals(problem, [0.001], [-0.002], (0.01, 0.02))[0, 0]
    quarters = mean_totals(problem, [-0.004, 0.006], [-0.012, 0.008], (0.005, 0.01))
    assert quarters.mean() == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("through", [0.0, 0.0005])
def test_a_take_profit_where_the_bar_closes_is_better_than_the_close_that_costs_more(short, through):
    """Optimistic, a taker above the maker: the level that the close meets is not proved, and is reached."""
    costs = Costs(maker=0.0002, taker=0.0010, fill_through=through)
    sign = -1.0 if short else 1.0
    moves = [-0.003, 0.01, -0.02, through, 0.004, -0.01]  # the take-profit stands at its clip, 0
    if short:
        moves = [0.003, 0.02, -0.01, -through, 0.01, -0.004]
    problem = EntryExitProblem(*([x] for x in moves), 1 - short, short, costs=costs, fills="optimistic")
    x = (-0.006, 0.0) if not short else (0.0, 0.006)
    level = (1.0 + 0.0) / (1.0 - sign * 0.01) * (1.0 - sign * 0.0002)
    assert problem(x) == pytest.approx(sign * (level - (1.0 + sign * 0.0002)), abs=1e-15)
    assert mean_totals(problem, [x[0]], [x[1]], (0.0, 0.0))[0, 0] == pytest.approx(problem(x), abs=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
@pytest.mark.parametrize("costs", COSTS)
def test_a_point_is_that_of_the_rule_where_levels_meet_prices(costs, fills):
    """Prices, forecasts and offsets on one grid: every tie of a level with a price, and with the close."""
    charges = Costs(maker=costs[0], taker=costs[1], fill_through=2.0**-8 if costs[2] else 0.0)
    for seed in range(20):
        rng, grid = np.random.default_rng(seed), 2.0**-8
        o, c = grid * rng.integers(-2, 3, (2, 24))
        h, lo = (
            np.maximum(o, c) + grid * rng.integers(0, 3, 24),
            np.minimum(o, c) - grid * rng.integers(0, 3, 24),
        )
        hf, lf = grid * rng.integers(0, 4, 24), -grid * rng.integers(0, 4, 24)
        problem = EntryExitProblem(o, h, lo, c, hf, lf, 1.0, 1.0, costs=charges, fills=fills)
        highs, lows = grid * np.arange(-4, 5), grid * np.arange(-4, 5)
        by_rule = problem.batch(np.array([[a, b] for a in highs for b in lows])).reshape(9, 9)
        assert mean_totals(problem, highs, lows, (0.0, 0.0)) == pytest.approx(by_rule, abs=1e-12), seed
