"""Figures that judge a series of returns."""

from backtune.metrics.performance import Performance, performance, ratio

__all__ = ["Performance", "performance", "ratio"]
