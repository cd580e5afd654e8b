"""How often the verdict cries "edge" where there is none, and how often it finds one that was planted.

    python benchmarks/false_edges.py                       # 200 random walks, then planted edges
    python benchmarks/false_edges.py --symbols 50 --fee 0  # a fair game: the hardest case
    python benchmarks/false_edges.py --lengths 70,1000,all # bars out of sample; all of those of 2,200

Symbols are judged three ways: each as if it had been looked at alone, all together (Holm), and the run as one
portfolio.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from backtune.backtest import Settings, run_backtest
from backtune.verdict.judged import judge_results
from backtune.verdict.rule import EDGE, VERDICTS, judge

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from planted import Oracle, random_walk

SPARE = 60  # bars before the first forecast, and some
ALL_BARS = 2200  # of a symbol of which every bar is traded that can be


def backtests(symbols, settings, strength, first=0):
    """Backtest random walks, with an oracle of `strength` where it is not zero."""
    needed = ALL_BARS
    if settings.num_simulations != "all":
        needed = settings.window + settings.num_simulations * settings.horizon + SPARE
    for seed in range(first, first + symbols):
        model = Oracle(strength, seed) if strength else settings.model
        yield run_backtest(random_walk(seed, needed), replace(settings, model=model))


def judged(results):
    """Verdicts of the symbols alone, of the symbols together, and of the run."""
    results = {result.symbol: result for result in results}
    together = judge_results(results)
    ones = dict.fromkeys(results, 1.0)
    alone = {symbol: judge({symbol: j.evidence}, ones)[symbol] for symbol, j in together.symbols.items()}
    return alone, together.symbols, together.portfolio


def sharpe(judgements):
    """Median Sharpe ratio of the symbols that traded, and how many never did."""
    traded = [j.evidence.sharpe for j in judgements.values() if j.evidence.traded]
    idle = len(judgements) - len(traded)
    median = f"{np.median(traded):5.1f}" if traded else "    -"
    return f"median Sharpe {median}" + (f", {idle} never traded" if idle else "")


def count(judgements):
    """How many symbols have each verdict."""
    verdicts = [judgement.verdict for judgement in judgements.values()]
    return ", ".join(f"{verdicts.count(name)} {name}" for name in VERDICTS)


def walks(args, settings):
    """Print how often random walks are called an edge."""
    alone, together, portfolio = judged(backtests(args.symbols, settings, 0.0, args.first))
    p = np.array([judgement.evidence.p_value for judgement in alone.values()])
    watched = np.array([judgement.evidence.e_value for judgement in alone.values()])
    bars = next(iter(alone.values())).evidence.bars
    print(
        f"{args.symbols} random walks, {bars} bars out of sample, fills {args.fills}, "
        f"fee {'default' if args.fee is None else args.fee}"
    )
    print(f"  each alone:    {count(alone)}")
    print(f"  all together:  {count(together)}")
    print(f"  the run:       {portfolio.label} (p = {portfolio.p_value:.3f})")
    shares = ", ".join(f"{a:g}: {np.mean(p <= a):.1%}" for a in (0.1, 0.05, 0.01, 0.001))
    print(f"  p-values at most {shares}; wealth ever 20: {np.mean(watched >= 20.0):.1%}", flush=True)


def planted(args, settings):
    """Print how often planted edges are found, a row a strength."""
    for strength in map(float, args.strengths.split(",")):
        alone, together, portfolio = judged(backtests(args.planted, settings, strength))
        shares = [np.mean([j.verdict == EDGE for j in each.values()]) for each in (alone, together)]
        bars = next(iter(alone.values())).evidence.bars
        print(
            f"  {bars:4d} bars, strength {strength:.1f}: {shares[0]:4.0%} / {shares[1]:4.0%} / "
            f"{portfolio.verdict:11}  ({sharpe(alone)})",
            flush=True,
        )


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=200)
    parser.add_argument("--lengths", default="70,280", help="bars out of sample, comma-separated; all")
    parser.add_argument("--strengths", default="0.1,0.2,0.3,0.4,0.5", help="of planted edges")
    parser.add_argument("--window", type=int, default=200)
    parser.add_argument("--fee", type=float, default=None, help="fraction a fill; the default is a stock's")
    parser.add_argument("--fills", default="causal")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--planted", type=int, default=40, help="symbols for each strength and length")
    args = parser.parse_args()
    lengths = [length if length == "all" else int(length) for length in args.lengths.split(",")]
    settings = Settings(window=args.window, fee=args.fee, fills=args.fills)
    for length in lengths if args.symbols else []:
        walks(args, replace(settings, num_simulations=length))
    if args.planted:
        print(f"planted edge, {args.planted} symbols a cell: share with 'edge' alone / together / the run")
    for length in lengths if args.planted else []:
        planted(args, replace(settings, num_simulations=length))


if __name__ == "__main__":
    main()
