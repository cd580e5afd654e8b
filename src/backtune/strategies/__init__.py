"""Strategies: which sides a bar trades, how large, and when positions leave."""

from backtune.strategies.base import (
    BUY_HOLD,
    STRATEGIES,
    UNTUNED,
    Array,
    Sizes,
    Strategy,
    always_on,
    entry_exit_problems,
    is_tuned,
    maxdiff,
    problems_of,
    sizes_of,
    strategies,
    takes_forecasts,
)
from backtune.strategies.exits import CLOSE_AT_EOD, EXITS, Exit, Orders, exit_name, exits

__all__ = [
    "BUY_HOLD",
    "CLOSE_AT_EOD",
    "EXITS",
    "STRATEGIES",
    "UNTUNED",
    "Array",
    "Exit",
    "Orders",
    "Sizes",
    "Strategy",
    "always_on",
    "entry_exit_problems",
    "exit_name",
    "exits",
    "is_tuned",
    "maxdiff",
    "problems_of",
    "sizes_of",
    "strategies",
    "takes_forecasts",
]
