"""Figures that judge a series of returns."""

from backtune.metrics.performance import Performance, performance, ratio
from backtune.metrics.trades import TradeFigures, trade_figures

__all__ = ["Performance", "TradeFigures", "performance", "ratio", "trade_figures"]
