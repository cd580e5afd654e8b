"""A strategy of one's own with three parameters, walked forward and judged.

    python examples/own_strategy.py [PAGE.html]

Every 20 bars the parameters are tuned on the 250 bars before; the 20 bars after are what is judged.
"""

import sys

import backtune as bt


def channel(bars, p):
    """Long above the highest close of `span` days, out below its mean: a return for each bar."""
    close = bars["close"]
    top = close >= close.rolling(p["span"]).max()
    middle = close.rolling(p["span"]).mean()
    signal = top.astype(float).where(top | (close < middle)).ffill().fillna(0.0)
    held = signal.shift(1, fill_value=0.0)  # decided at the close, held from the next bar on
    if p["exposure"] == "steady":  # less in wild weeks, of days that are over
        spread = close.pct_change().rolling(p["calm"]).std().shift(1)
        held = held * (0.01 / spread).clip(upper=1.0).fillna(0.0)
    costs = 0.0005 * held.diff().abs().fillna(0.0)
    return held * close.pct_change().fillna(0.0) - costs


def main(page: str | None) -> None:
    """Tune, trade, judge."""
    space = bt.Space(
        span=bt.Int(10, 60, step=10),
        exposure=bt.Categorical(["full", "steady"]),
        calm=bt.Int(10, 30, step=10, when={"exposure": "steady"}),
    )
    run = bt.walk_forward(channel, space, "SP500", num_simulations=12, window=250, horizon=20)
    print(run["SP500"].simulations[["span", "exposure", "calm", "in_sample", "out_of_sample"]].to_string())
    report = bt.report(run)
    print(report.judged[0].symbols["SP500"].sentence)
    if page:
        print(f"page: {report.write(page)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
