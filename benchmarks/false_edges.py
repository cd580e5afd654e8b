"""How often the verdict cries "edge" where there is none, and how often it finds one that was planted.

    python benchmarks/false_edges.py                       # 200 random walks, then planted edges
    python benchmarks/false_edges.py --symbols 50 --fee 0  # a fair game: the hardest case

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


def backtests(symbols, settings, strength, first=0):
    """Backtest random walks, with an oracle of `strength` where it is not zero."""
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
    return alone, together.symbols, together.whole


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


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=200)
    parser.add_argument("--simulations", type=int, default=70)
    parser.add_argument("--window", type=int, default=200)
    parser.add_argument("--fee", type=float, default=None, help="fraction a fill; the default is a stock's")
    parser.add_argument("--fills", default="causal")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--planted", type=int, default=40, help="symbols for each strength and length")
    args = parser.parse_args()
    settings = Settings(num_simulations=args.simulations, window=args.window, fee=args.fee, fills=args.fills)
    alone, together, whole = judged(backtests(args.symbols, settings, 0.0, args.first))
    p = np.array([judgement.evidence.p_value for judgement in alone.values()])
    print(
        f"{args.symbols} random walks, {args.simulations} bars out of sample, fills {args.fills}, "
        f"fee {'default' if args.fee is None else args.fee}"
    )
    print(f"  each alone:    {count(alone)}")
    print(f"  all together:  {count(together)}")
    print(f"  the run:       {whole.label} (p = {whole.p_value:.3f})")
    print(
        "  p-values at most " + ", ".join(f"{a:g}: {np.mean(p <= a):.1%}" for a in (0.1, 0.05, 0.01, 0.001))
    )
    if not args.planted:
        return
    print(f"\nplanted edge, {args.planted} symbols a cell: share with 'edge' alone / together / the run")
    for length in (70, 140, 280):
        for strength in (0.1, 0.2, 0.3, 0.4, 0.5):
            longer = replace(settings, num_simulations=length)
            alone, together, whole = judged(backtests(args.planted, longer, strength))
            shares = [np.mean([j.verdict == EDGE for j in each.values()]) for each in (alone, together)]
            print(
                f"  {length:4d} bars, strength {strength:.1f}: {shares[0]:4.0%} / {shares[1]:4.0%} / "
                f"{whole.verdict:11}  ({sharpe(alone)})"
            )


if __name__ == "__main__":
    main()
