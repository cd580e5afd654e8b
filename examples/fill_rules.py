"""The same strategy on the same bars under two fill rules: what the rule alone earns, out of sample.

Usage: python examples/fill_rules.py [PRICE_FILE]      (default: the NASDAQ sample, 1999-2018)
"""

import sys

import backtune as bt
from backtune.bars import load_sample

WINDOW, HORIZON, MODEL = 100, 1, "range"


def main(path: str | None) -> None:
    """Tune on 100 bars, trade the next one, as often as the bars allow."""
    bars = bt.load_bars(path) if path else load_sample("NASDAQ")
    simulations = (len(bars) - bt.forecast(bars, model=MODEL).first - WINDOW) // HORIZON
    simulations = max(simulations, 1)  # where none fits, the backtest says why
    print(
        f"{bars.symbol}, {bars.asset}: {simulations} simulations, tuned on {WINDOW} bars, traded on {HORIZON}"
    )
    for fills in ("published", "causal"):
        result = bt.backtest_forecasts(
            bars.symbol, simulations, data=bars, window=WINDOW, horizon=HORIZON, model=MODEL,
            strategies=["always_on"], fills=fills,
        )  # fmt: skip
        row = result.summary.set_index("strategy").loc["always_on"]
        mean = 1e4 * row.out_of_sample_mean
        print(f"{fills:10} {mean:+7.1f} bp a bar out of sample, Sharpe {row.sharpe:+.2f}")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
    except bt.BacktuneError as error:
        sys.exit(str(error))
