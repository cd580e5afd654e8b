"""Strategies as users write them: functions of bars and a point."""

import backtune as bt

FEE = 0.0005
SPACE = bt.Space(
    fast=(2, 6),
    slow=bt.Int(8, 24, step=8),
    kind=["sma", "ema"],
    constraints=lambda p: p["fast"] < p["slow"],
)


def average(close, span, kind):
    """A helper of the strategy's, in its module."""
    return close.ewm(span=span, adjust=False).mean() if kind == "ema" else close.rolling(span).mean()


def crossing(bars, p):
    """Long while the fast average is above the slow one, from the next bar on."""
    close = bars["close"]
    above = average(close, p["fast"], p["kind"]) > average(close, p["slow"], p["kind"])
    held = above.astype(float).shift(1, fill_value=0.0)
    return held * close.pct_change().fillna(0.0) - FEE * held.diff().abs().fillna(0.0)
