"""How often a verdict that is watched is wrong, and how much it finds beside the one that is looked at once.

    python benchmarks/watched.py                    # everything, some five minutes of one core
    python benchmarks/watched.py size power         # parts: watch, planted, returns, size, power, ledger

watch: random walks without an edge, a look at every bar. planted: what wealth and p-value find at the end.
returns: the wealth on returns alone, of kinds that are hard. size: how often the p-value calls luck an edge.
power: the forecast of detection beside the rate. ledger: the best of 200 variants of noise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from backtune.backtest import Settings, run_backtest
from backtune.metrics.performance import alpha_beta
from backtune.verdict.eprocess import wealth
from backtune.verdict.evidence import evidence
from backtune.verdict.judged import judge_run
from backtune.verdict.ledger import Entry, Ledger
from backtune.verdict.long_run import long_run_p
from backtune.verdict.luck import superiority
from backtune.verdict.overfitting import SharpeEstimate, probabilistic_sharpe
from backtune.verdict.power import LEVEL, detection
from backtune.verdict.rule import EDGE, judge, verdict_word
from backtune.verdict.trial import trial

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from planted import Oracle, random_walk

BARS, SPARE = 500, 60
POWER_CELLS = (  # bars and Sharpe ratio a year
    (70, 2.0), (70, 4.0), (70, 6.0), (250, 1.0), (250, 2.0), (250, 3.0), (1000, 1.0), (1000, 1.5),
)  # fmt: skip
EDGE_WEALTH = 1.0 / LEVEL


def evidences(symbols, settings, strength=0.0):
    """Evidence of random walks, with an oracle of `strength` where it is not zero, each judged alone."""
    needed = settings.window + settings.num_simulations + SPARE
    for seed in range(symbols):
        model = Oracle(strength, seed) if strength else settings.model
        result = run_backtest(random_walk(seed, needed), replace(settings, model=model))
        yield judge_run({result.symbol: result}).symbols[result.symbol].evidence


def watch(symbols):
    """Random walks, watched bar by bar."""
    kept = list(evidences(symbols, Settings(num_simulations=BARS, fee=0.0)))  # a fair game: the hardest case
    ever = np.mean([e.e_value >= EDGE_WEALTH for e in kept])
    once = np.mean([e.p_value <= LEVEL for e in kept])
    either = np.mean([judge({"": e}, {"": 1.0})[""].verdict == EDGE for e in kept])
    print(
        f"{symbols} random walks without fees, {BARS} bars out of sample: share that was ever an edge\n"
        f"  by the wealth, watched at each bar: {ever:.1%}; by the p-value, once at the end: {once:.1%}; "
        f"by either, then: {either:.1%}",
        flush=True,
    )


def planted(symbols):
    """Planted edges, at the end of 500 bars."""
    print(f"\nplanted edge, {symbols} symbols a strength, {BARS} bars: share found by")
    shares_of_seeds = []
    for strength in (0.2, 0.25, 0.3, 0.35, 0.4, 0.5):
        kept = list(evidences(symbols, Settings(num_simulations=BARS), strength))
        shares = [
            np.mean([e.e_value >= EDGE_WEALTH for e in kept]),
            np.mean([e.p_value <= LEVEL for e in kept]),
        ]
        shares_of_seeds.append(shares)
        median = np.median([e.sharpe for e in kept if e.traded])
        print(
            f"  strength {strength:.2f}: wealth {shares[0]:4.0%}, p-value {shares[1]:4.0%}  "
            f"(median Sharpe {median:.1f})",
            flush=True,
        )
    by_wealth, by_p = np.sum(shares_of_seeds, axis=0)
    print(f"  all: the wealth finds {by_wealth / by_p:.0%} of what the p-value finds at its one look")


def garch(shocks):
    """Clustered volatility, a row each."""
    drawn, variance = np.empty_like(shocks), np.ones(len(shocks))
    for t, shock in enumerate(shocks.T):
        drawn[:, t] = np.sqrt(variance) * shock
        variance = 0.02 + 0.88 * variance + 0.10 * drawn[:, t] ** 2
    return drawn


def autoregressive(rng, shape, phi):
    """AR(1) of variance about 1, a row each."""
    shocks = rng.standard_normal((shape[0], shape[1] + 50))
    for t in range(1, shocks.shape[1]):
        shocks[:, t] = phi * shocks[:, t - 1] + np.sqrt(1.0 - phi**2) * shocks[:, t]
    return shocks[:, 50:]


def capped(values, cap):
    """Gains cut off, the mean of a standard normal so cut taken away."""
    grid = np.random.default_rng(0).standard_normal(4_000_000)
    return np.minimum(values, cap) - np.minimum(grid, cap).mean()


def losing(rng, shape, times):
    """Earn 1, and lose so many times that in one bar of as many and one."""
    return np.where(rng.random(shape) < 1.0 / (times + 1.0), -float(times), 1.0)


def returns(records):
    """The wealth on returns alone, of mean zero."""
    rng, shape = np.random.default_rng(8), (records, BARS)
    kinds = {
        "normal": rng.standard_normal(shape),
        "Student's t, 3 degrees": rng.standard_t(3, shape),
        "GARCH of t with 5 degrees": garch(rng.standard_t(5, shape) * np.sqrt(0.6)),
        "autocorrelated, 0.2": autoregressive(rng, shape, 0.2),
        "gains capped at 0.5": capped(rng.standard_normal(shape), 0.5),
        "minus a lognormal": np.exp(0.5) - np.exp(rng.standard_normal(shape)),
        "lose 10 in one of 11": losing(rng, shape, 10),
        "lose 19 in one of 20": losing(rng, shape, 19),
        "lose 30 in one of 31": losing(rng, shape, 30),
        "lose 50 in one of 51": losing(rng, shape, 50),
    }
    print(f"\n{records} records of {BARS} returns of mean zero, watched: share that was ever an edge")
    for name, drawn in kinds.items():
        print(f"  {name:26} {np.mean([wealth(r).max() >= EDGE_WEALTH for r in drawn]):6.1%}", flush=True)
    looks = range(20, BARS + 1, 20)
    ever = np.mean([any(long_run_p(r[:n]) <= LEVEL for n in looks) for r in kinds["normal"]])
    print(f"  the p-value of a t-test instead, normal returns, looked at every 20 bars: {ever:.1%}")


def tables_of(columns, market):
    """Tables `returns` and `configurations` of strategies s0, s1, ..., with both yardsticks."""
    names = [*(f"s{k}" for k in range(columns.shape[1])), "untuned", "buy_hold"]
    values = np.column_stack([columns, market, market])
    stamps = pd.date_range("2020-01-01", periods=len(columns))
    table = pd.concat(
        pd.DataFrame(
            {"strategy": name, "timestamp": stamps, "value": r, "causal": r, "optimistic": r,
             "trades": 1, "ambiguous": 0, "turnover": 2.0}
        )
        for name, r in zip(names, values.T, strict=True)
    )  # fmt: skip
    return table, table.assign(exit="close", selected=True), names[:-2]


def evidence_of(columns, market):
    """Evidence of made-up returns."""
    table, tried, tuned = tables_of(columns, market)
    return evidence(table, tried, 252, tuned=tuned, yardsticks=("untuned", "buy_hold"))


def p_values(columns, market):
    """The p-value of the first strategy by Hansen's test alone, against nothing, and by the rule."""
    betas = np.array([alpha_beta(column, market, 1.0)[1] for column in columns.T])
    against = [columns, columns - betas * market[:, None]]
    spa = [superiority(excess, draws=1000).each[0] for excess in against]
    skilled = probabilistic_sharpe(SharpeEstimate.of(columns[:, 0]))
    return spa[0], max(*spa, *(long_run_p(excess[:, 0]) for excess in against), 1.0 - skilled)


def size(records):
    """How often the p-value is at most 5 % without an edge."""
    rng = np.random.default_rng(9)
    print(f"\n{records} records of one strategy of mean zero: share with p at most 5 %")
    print(f"  {'':32}{'SPA alone':>12}{'the rule':>12}")
    for n in (70, 280):
        shape = (records, n)
        kinds = {
            "normal": rng.standard_normal(shape),
            "gains capped at 0.5": capped(rng.standard_normal(shape), 0.5),
            "autocorrelated, 0.2": autoregressive(rng, shape, 0.2),
            "autocorrelated, 0.3": autoregressive(rng, shape, 0.3),
            "autocorrelated, 0.3, and capped": capped(autoregressive(rng, shape, 0.3), 0.5),
        }
        for name, drawn in kinds.items():
            kept = [p_values(0.01 * r[:, None], 0.01 * rng.standard_normal(n)) for r in drawn]
            alone, rule = np.mean(np.array(kept) <= LEVEL, axis=0)
            print(f"  {n:4d} bars, {name:32}{alone:6.1%}{rule:12.1%}", flush=True)


def power(records):
    """The forecast of detection, beside the rate."""
    rng = np.random.default_rng(10)
    print(
        f"\n{records} records of two strategies, one with an edge: share with p at most 5 %, and the forecast"
    )
    away = []
    for n, sharpe in POWER_CELLS:
        a_bar = sharpe / np.sqrt(252.0)
        drawn = 0.01 * (rng.standard_normal((records, n, 2)) + np.array([a_bar, 0.0]))
        rate = np.mean([p_values(r, 0.01 * rng.standard_normal(n))[1] <= LEVEL for r in drawn])
        forecast = detection(a_bar, n, strategies=2)
        away.append(abs(rate - forecast))
        print(f"  {n:4d} bars, Sharpe ratio {sharpe:.1f}: {rate:4.0%}, forecast {forecast:4.0%}", flush=True)
    error = 50.0 / np.sqrt(records)
    print(f"  furthest apart: {100.0 * max(away):.1f} points (a rate's standard error: up to {error:.1f})")


def ledger(repetitions, variants=200, n=70):
    """The best of many variants of noise on the same bars, as it stands and with the ledger beside it."""
    rng = np.random.default_rng(11)
    raw, beside = 0, 0
    for _ in range(repetitions):
        market = 0.01 * rng.standard_normal(n)
        inputs = pd.DataFrame(
            {"open": 0.0, "high": np.maximum(market, 0) + 0.01 * rng.random(n),
             "low": np.minimum(market, 0) - 0.01 * rng.random(n), "close": market}
        )  # fmt: skip
        shared = rng.standard_normal(n)
        records = 0.01 * (np.sqrt(0.3) * shared + np.sqrt(0.7) * rng.standard_normal((variants, n)))
        with tempfile.TemporaryDirectory() as folder:
            kept = Ledger(Path(folder) / "ledger.jsonl")
            trials = []
            for r in records:
                trials.append(trial(inputs, tables_of(r[:, None], market)[0], ["s0"]))
                kept.add(Entry("", "", {}, {"X": trials[-1]}))
            best = np.argsort(records.mean(axis=1) / records.std(axis=1))[-5:]  # of these one has the least p
            every = [evidence_of(records[k][:, None], market) for k in best]
            tried = kept.tried({"X": trials[best[-1]]})[0]["X"]
        assert tried.looks == tried.variants == variants
        raw += any(judge({"": e}, {"": 1.0})[""].verdict == EDGE for e in every)
        words = [
            verdict_word(
                e,
                min(1.0, e.p_value * tried.looks),
                min(1.0, e.p_optimistic * tried.looks),
                e.e_value / variants,
            )
            for e in every
        ]
        beside += EDGE in words
    print(
        f"\nthe best of {variants} variants of noise on the same {n} bars, {repetitions} times: an edge in "
        f"{raw / repetitions:.0%}, corrected for all that the ledger knows in {beside / repetitions:.0%}"
    )


PARTS = {
    "watch": (watch, 200), "planted": (planted, 40), "returns": (returns, 1000), "size": (size, 1000),
    "power": (power, 400), "ledger": (ledger, 100),
}  # fmt: skip


def main():
    """Print the parts that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="by default all")
    parser.add_argument("--count", type=int, help="symbols, records or repetitions of each part")
    args = parser.parse_args()
    for name in args.parts or PARTS:
        part, usual = PARTS[name]
        part(args.count or usual)


if __name__ == "__main__":
    main()
