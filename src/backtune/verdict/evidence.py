"""What the out-of-sample bars of one symbol say for and against an edge: every statistic, no opinion."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtune.metrics.account import Columns, account_columns, columns_by_strategy
from backtune.metrics.performance import (
    Array,
    account_open,
    account_returns,
    alpha_beta,
    annual_periods,
    performance,
    total_return,
)
from backtune.verdict.eprocess import highest
from backtune.verdict.long_run import long_run_p
from backtune.verdict.luck import DRAWS, Superiority, intervals, superiority
from backtune.verdict.overfitting import (
    SharpeEstimate,
    deflated_sharpe,
    deflation,
    minimum_track_record,
    overfitting_probability,
    probabilistic_sharpe,
)

NOTHING, EXPOSURE = LUCK = ("nothing", "same exposure")
WORK = 20_000_000  # resampled bars that a test may cost when it needs a fine p-value


@dataclass(frozen=True)
class Bracket:
    """What the order inside the bar decides for a strategy.

    Attributes
    ----------
    strategy : str
    causal_return, optimistic_return : float
        Compounded, by both rules.
    traded, trades, ambiguous : int
        Bars with a fill, fills, and those whose result depends on the order: by the rule `fills`.
    fills : str
        Fill rule of the run, which says what was filled.
    """

    strategy: str
    causal_return: float
    optimistic_return: float
    traded: int
    trades: int
    ambiguous: int
    fills: str = "causal"

    @property
    def counted_by(self) -> str:
        """Words behind a count of fills: none where they are those of the causal rule, as returns are."""
        return "" if self.fills == "causal" else f" by the {self.fills} rule"


@dataclass(frozen=True)
class Evidence:
    """Statistics of the out-of-sample bars, by the causal fill rule unless said otherwise.

    All are of accounts: one that has lost everything earns nothing more (`account_returns`). Figures a year
    are NaN for less than a month (`annual_periods`).

    Attributes
    ----------
    strategy : str
        The tuned strategy with the highest Sharpe ratio, of those that have something left; the figures below
        are its own.
    bars, traded : int
        Out-of-sample bars, and those with a fill by the run's own fill rule.
    total_return : float
        Compounded.
    market_return : float
        Of buy-and-hold.
    order : Bracket
        What the order inside the bar decides for this strategy.
    if_optimistic : Bracket
        The same for the tuned strategy with the highest Sharpe ratio under the optimistic rule.
    sharpe : float
        A year.
    sharpe_interval, mean_interval : tuple of float
        95 % bootstrap intervals of the Sharpe ratio a year and of the mean return a bar.
    alpha, beta : float
        To buy-and-hold; alpha a year.
    tests : dict of str to Superiority
        Are the tuned strategies better than "nothing", than buy-and-hold at the "same exposure" (beta times
        its return), than "buy_hold" and than "untuned"?
    excess : dict of str to float
        Mean return a bar above each of those.
    p_value, p_optimistic : float
        The largest of this strategy's own SPA and long-run p-values (`backtune.verdict.long_run`) against
        nothing and against the same exposure and of 1 - the probabilistic Sharpe ratio, under the causal and
        (for the strategy of `if_optimistic`) under the optimistic rule. Its own, because of two strategies
        each may pass one test. The bootstrap alone calls 7 to 11 % instead of 5 % of short records without
        skill significant that are autocorrelated, or skewed as capped profits make them; the other two allow
        for that. 1 where everything was lost: whatever was earned before, nothing is left of it.
    upper : float
        The lower of the upper ends of two 95 % intervals: of `sharpe`, and of the Sharpe ratio a year of the
        return above the same exposure. What is above it is not to be expected; NaN where neither is known.
    candidates : int
        Number of tuned strategies.
    e_value, e_last : float
        Highest and last wealth of the bettor on an edge of any of them; see `backtune.verdict.eprocess`.
    e_bar : int
        Out-of-sample bar, from 0, of the highest; -1 where it never was above its start.
    probabilistic, deflated, hurdle : float
        Probabilistic and deflated Sharpe ratio, and the Sharpe ratio a year that the best of the trials would
        show without skill.
    trials : int
        Strategies x policies: what was tried on these bars. The search for offsets is not among them: it
        saw other bars, so its overfitting is already in the figures.
    overfitting : float
        Probability of backtest overfitting over those trials.
    track_record : float
        Minimum track record length in bars, Sharpe ratio above 0 at 95 %.
    periods_a_year : float
    depends_on_symbols : bool
        Whether a p-value is small enough for its number of draws to depend on the number of symbols that are
        judged together; else the evidence is the same for any.
    """

    strategy: str
    bars: int
    traded: int
    total_return: float
    market_return: float
    order: Bracket
    if_optimistic: Bracket
    sharpe: float
    sharpe_interval: tuple[float, float]
    mean_interval: tuple[float, float]
    alpha: float
    beta: float
    tests: dict[str, Superiority]
    excess: dict[str, float]
    p_value: float
    p_optimistic: float
    upper: float
    candidates: int
    e_value: float
    e_last: float
    e_bar: int
    probabilistic: float
    deflated: float
    hurdle: float
    trials: int
    overfitting: float
    track_record: float
    periods_a_year: float
    depends_on_symbols: bool

    @property
    def testable(self) -> bool:
        """Whether the returns are enough, and differ enough, for the tests to say anything."""
        return not math.isnan(self.probabilistic)

    @property
    def ruined(self) -> bool:
        """Whether the strategy lost everything."""
        return _ruined(self.total_return)


def evidence(
    returns: pd.DataFrame,
    configurations: pd.DataFrame,
    periods_a_year: float,
    *,
    tuned: Collection[str],
    yardsticks: tuple[str, str],
    symbols: int = 1,
    seed: int = 0,
    fills: str = "causal",
) -> Evidence:
    """Statistics of one symbol.

    Parameters
    ----------
    returns, configurations : DataFrame
        As in `backtune.Result`, of one symbol.
    periods_a_year : float
        For annualising.
    tuned : collection of str
        Names of the strategies in `returns` that are candidates; see `backtune.backtest.Settings.tuned`.
    yardsticks : (untuned, market)
        Names of those that the candidates are held against: fixed offsets, and buy-and-hold.
    symbols : int
        Number of symbols that are judged together; decides how fine the p-values must be.
    seed : int
        Of the bootstrap.
    fills : str
        Fill rule that trades are counted by in `returns`.
    """
    series = columns_by_strategy(returns)
    candidates = [name for name in series if name in tuned]
    causal = {name: account_returns(columns["causal"]) for name, columns in series.items()}
    optimistic = {name: account_returns(columns["optimistic"]) for name, columns in series.items()}
    best, luckiest = _best(causal, candidates), _best(optimistic, candidates)
    strategy, market = candidates[best], causal[yardsticks[1]]
    r, order = causal[strategy], _bracket(strategy, series[strategy], "causal", fills)
    figures, estimate = performance(r, periods_a_year), SharpeEstimate.of(r)
    excesses = _excesses(causal, candidates, *yardsticks)
    tests, depends = _all_tested(excesses, symbols, seed)
    p_value = 1.0 if _ruined(figures.total_return) else _p_value(tests, excesses, best, estimate)
    p_optimistic, finer = p_value, False
    if any(int(series[name]["ambiguous"].sum()) for name in candidates):
        p_optimistic, finer = _optimistic(optimistic, candidates, yardsticks, symbols, seed)
    alpha, beta = alpha_beta(r, market, periods_a_year)
    interval = intervals(r, periods_a_year, seed=seed)
    above = intervals(excesses[EXPOSURE][:, best], periods_a_year, seed=seed)
    return Evidence(
        strategy=strategy,
        bars=len(r),
        traded=order.traded,
        total_return=figures.total_return,
        market_return=total_return(market),
        order=order,
        if_optimistic=_bracket(candidates[luckiest], series[candidates[luckiest]], "optimistic", fills),
        sharpe=figures.sharpe,
        sharpe_interval=interval.sharpe,
        mean_interval=interval.mean,
        alpha=alpha,
        beta=beta,
        tests=tests,
        excess={name: float(columns[:, best].mean()) for name, columns in excesses.items()},
        p_value=p_value,
        p_optimistic=p_optimistic,
        upper=float(np.fmin(interval.sharpe[1], above.sharpe[1])),
        candidates=len(candidates),
        **_wealth(staked(series, candidates), market),
        **_among_trials(estimate, _trials(configurations, candidates), periods_a_year),
        periods_a_year=periods_a_year,
        depends_on_symbols=finer or depends,
    )


def _wealth(stakes: Array, market: Array) -> dict[str, Any]:
    """Highest and last wealth of the bettor, and the bar of the highest."""
    return dict(zip(("e_value", "e_last", "e_bar"), highest(stakes, market), strict=True))


def _among_trials(estimate: SharpeEstimate, tried: Array, periods_a_year: float) -> dict[str, Any]:
    """Figures of a Sharpe ratio that is the best of some: `tried` are returns, shape (n, trials)."""
    sharpes = np.array([_zero_if_nan(SharpeEstimate.of(column).sharpe) for column in tried.T])
    return {
        "probabilistic": probabilistic_sharpe(estimate),
        "deflated": deflated_sharpe(estimate, sharpes),
        "hurdle": deflation(sharpes) * math.sqrt(annual_periods(len(tried), periods_a_year)),
        "trials": tried.shape[1],
        "overfitting": overfitting_probability(tried),
        "track_record": minimum_track_record(estimate),
    }


def _excesses(
    values: dict[str, Array], candidates: Sequence[str], untuned: str, market: str
) -> dict[str, Array]:
    """Returns of the candidates above each benchmark, shape (n, candidates)."""
    columns = np.column_stack([values[name] for name in candidates])
    held = values[market][:, None]
    betas = np.array([_zero_if_nan(alpha_beta(column, values[market], 1.0)[1]) for column in columns.T])
    excesses = {NOTHING: columns, EXPOSURE: columns - betas * held, market: columns - held}
    if untuned in values:  # strategies that take no forecasts are not held against it
        excesses[untuned] = columns - values[untuned][:, None]
    return excesses


def _tested(excess: Array, symbols: int, seed: int) -> tuple[Superiority, bool]:
    """`superiority`, with as many draws as Holm's correction for `symbols` needs to find anything.

    Also whether the number of draws depends on `symbols`.
    """
    tested = superiority(excess, seed=seed)
    finer = tested.spa <= 0.01
    if symbols < 2 or not finer:
        return tested, finer
    draws = max(DRAWS, 21 * symbols, min(40 * symbols, WORK // max(len(excess), 1)))
    return superiority(excess, draws=draws, seed=seed), finer


def _all_tested(
    excesses: Mapping[str, Array], symbols: int, seed: int
) -> tuple[dict[str, Superiority], bool]:
    """`_tested` against each benchmark; and whether a number of draws that counts depends on `symbols`."""
    both = {name: _tested(e, symbols if name in LUCK else 1, seed) for name, e in excesses.items()}
    return {name: test for name, (test, _) in both.items()}, any(both[name][1] for name in LUCK)


def _p_value(
    tests: Mapping[str, Superiority], excesses: Mapping[str, Array], best: int, estimate: SharpeEstimate
) -> float:
    """The largest of the candidate's own p-values and of 1 - its probabilistic Sharpe ratio."""
    own = [p for name in LUCK for p in (tests[name].each[best], long_run_p(excesses[name][:, best]))]
    return max(*own, _unskilled(estimate))


def _optimistic(
    values: dict[str, Array], candidates: Sequence[str], yardsticks: tuple[str, str], symbols: int, seed: int
) -> tuple[float, bool]:
    """Return the p-value under the optimistic rule, and whether it depends on the number of symbols."""
    excesses, best = _excesses(values, candidates, *yardsticks), _best(values, candidates)
    returns = values[candidates[best]]
    if _ruined(total_return(returns)):
        return 1.0, False
    tests, finer = _all_tested({name: excesses[name] for name in LUCK}, symbols, seed)
    return _p_value(tests, excesses, best, SharpeEstimate.of(returns)), finer


def staked(series: Mapping[str, Columns], candidates: Sequence[str]) -> Array:
    """Returns that a bettor has, shape (n, candidates): -130 % counts as that, and what follows ruin as 0."""
    raw = [series[name]["causal"] for name in candidates]
    return np.column_stack([np.where(account_open(one), one, 0.0) for one in raw])


def _bracket(name: str, columns: Columns, rule: str, fills: str) -> Bracket:
    """What the order decides; the fills are those until the account by `rule` is gone."""
    account = account_columns(columns, rule)
    low, high = total_return(account["causal"]), total_return(account["optimistic"])
    trades = account["trades"]
    counts = int((trades > 0).sum()), int(trades.sum()), int(account["ambiguous"].sum())
    return Bracket(name, low, high, *counts, fills)


def _unskilled(estimate: SharpeEstimate) -> float:
    """1 - the probabilistic Sharpe ratio; 1 where that is undefined."""
    skilled = probabilistic_sharpe(estimate)
    return 1.0 if math.isnan(skilled) else 1.0 - skilled


def _best(values: dict[str, Array], candidates: Sequence[str]) -> int:
    """Index of the candidate with the highest Sharpe ratio, of those that have something left, if any has.

    One that never moves has 0.
    """
    figures = [performance(values[name], 1.0) for name in candidates]
    ranks = [(not _ruined(each.total_return), _zero_if_nan(each.sharpe)) for each in figures]
    return max(range(len(ranks)), key=ranks.__getitem__)


def _ruined(total_return: float) -> bool:
    return total_return <= -1.0


def _trials(configurations: pd.DataFrame, candidates: Sequence[str]) -> Array:
    """Returns of the configurations that were tried, shape (n, strategies x exits)."""
    strategies, exits, causal = (configurations[name].to_numpy() for name in ("strategy", "exit", "causal"))
    kinds = dict.fromkeys(zip(strategies.tolist(), exits.tolist(), strict=True))
    tried = [
        causal[(strategies == strategy) & (exits == name)]
        for strategy, name in kinds
        if strategy in candidates
    ]
    return account_returns(np.column_stack(tried))


def _zero_if_nan(value: float) -> float:
    return 0.0 if math.isnan(value) else value
