"""Many symbols: each backtested by itself, so that one that fails costs itself alone.

One symbol is one task, done the same way in this process, in worker processes and on a cluster. What it
gives goes to the run folder; a receipt of a few hundred bytes comes back.
"""

from typing import TYPE_CHECKING

from backtune.lazy import lazily

if TYPE_CHECKING:
    from backtune.runner.events import Event
    from backtune.runner.execute import Engine
    from backtune.runner.own import walk_forward
    from backtune.runner.parallel import resume_run, run_backtests, run_parallel_backtests

__all__ = ["Engine", "Event", "resume_run", "run_backtests", "run_parallel_backtests", "walk_forward"]

__getattr__ = lazily(
    __name__,
    {
        "events": ["Event"],
        "execute": ["Engine"],
        "own": ["walk_forward"],
        "parallel": ["resume_run", "run_backtests", "run_parallel_backtests"],
    },
)
