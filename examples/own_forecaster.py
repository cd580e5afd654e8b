"""A forecaster of one's own, its errors beside those of a repeated last bar, and the backtest.

    python examples/own_forecaster.py

A class that declares `causal` is shown the whole series at once, and a run proves the declaration on a bar;
without it each forecast is a call that sees the bars before it alone. In this folder, on a command line:
`backtune run SP500 --model own_forecaster:Average`.
"""

import pandas as pd

import backtune as bt
from backtune.bars import load_sample


class Average(bt.Forecaster):
    """The mean high, low and close moves of the last 20 bars."""

    name, warm_up, causal = "average", 21, True  # the first bar has no move

    def moves(self, bars):
        """Forecast high, low and close moves, each shape (n,)."""
        _, high, low, close = bars.moves
        table = pd.DataFrame({"high": high, "low": low, "close": close})
        means = table.rolling(20).mean().shift(1)  # nothing of the bar itself
        return tuple(means[name].to_numpy() for name in table)


def main() -> None:
    """Forecast the sample, and trade the forecasts."""
    bars = load_sample("SP500")
    result = bt.backtest_forecasts(bars.symbol, 40, data=bars, window=100, model=Average())
    for forecast in (result.forecast, bt.forecast(bars, model="naive")):
        error = abs(forecast.high - bars.moves[1])[100:].mean()
        print(f"{forecast.model:8} the high is off by {1e4 * error:.0f} bp")
    print(bt.report(result).judged[0].symbols[bars.symbol].sentence)
    print(*result.checks, sep="\n")


if __name__ == "__main__":
    main()
