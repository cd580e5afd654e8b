"""A strategy written for backtesting.py, walked forward and judged.

    pip install 'backtune[backtesting]'      # that library is under the AGPL-3.0
    python examples/backtesting_py.py

The engine fills orders by its own rules: docs/own_strategies.md says which.
"""

import backtune as bt

try:
    from backtesting import Strategy
    from backtesting.lib import crossover
    from backtesting.test import GOOG, SMA
except ImportError as error:
    raise SystemExit("backtesting is not installed; pip install 'backtune[backtesting]'") from error


class SmaCross(Strategy):
    """The engine's own example: long when the fast average crosses the slow one upwards, else short."""

    fast = 10
    slow = 20

    def init(self):
        """Compute both averages."""
        self.quick = self.I(SMA, self.data.Close, self.fast)
        self.late = self.I(SMA, self.data.Close, self.slow)

    def next(self):
        """Turn the position where they cross."""
        if crossover(self.quick, self.late):
            self.position.close()
            self.buy()
        elif crossover(self.late, self.quick):
            self.position.close()
            self.sell()


def main() -> None:
    """Tune two whole numbers on 120 bars of Google's share, trade the next 30, four times."""
    space = bt.Space(fast=bt.Int(5, 15, step=5), slow=bt.Int(20, 40, step=10))
    strategy = bt.from_backtesting(SmaCross, commission=0.002)
    run = bt.walk_forward(
        strategy, space, {"GOOG": GOOG}, num_simulations=4, window=120, horizon=30, history=60
    )
    print(run["GOOG"].simulations[["fast", "slow", "in_sample", "out_of_sample"]].to_string())
    print(bt.report(run).judged[0].symbols["GOOG"].sentence)


if __name__ == "__main__":
    main()
