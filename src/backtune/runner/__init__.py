"""Many symbols: each backtested by itself, so that one that fails costs itself alone."""

from backtune.runner.serial import Runs, run_backtests

__all__ = ["Runs", "run_backtests"]
