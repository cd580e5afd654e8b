"""A symbol whose simulations several workers tune: opened by one task, tuned by many, ended by one.

The first task looks the strategy over, or says why there is nothing to do. The last one is given all that was
tuned, in the order of the simulations, and does the rest as if it had tuned it. Where simulations fail, the
symbol fails as the earliest of them does, which is what it would fail as in one process.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from backtune.backtest import Settings
from backtune.backtest.apart import may_be_apart
from backtune.backtest.settings import ALL
from backtune.backtest.tuning import Gathered, Stretch
from backtune.runner.task import Opened, Outcome, Share, Task

PARTS = 8  # a worker, of all symbols together: what dies, or ends last, is a small part of the work


def parts_of(settings: Settings, symbols: int, workers: int) -> int:
    """Tasks that the simulations of each symbol are to be tuned by; 1: the symbol is one task in all."""
    return -(-PARTS * workers // symbols) if workers > 1 and may_be_apart(settings) else 1


def useful_workers(settings: Settings, symbols: int, workers: int) -> int:
    """How many of the workers have something to do."""
    if not may_be_apart(settings):
        return min(workers, symbols)
    endless = settings.num_simulations == ALL or settings.start is not None  # the bars say how many
    return workers if endless else min(workers, symbols * int(settings.num_simulations))


@dataclass
class Shared:
    """What is known of a symbol so far.

    Attributes
    ----------
    task : Task
        The one that opened it.
    opened : Opened
    parts : int
        Tasks that its simulations are tuned by, at most.
    answers : dict of int to Stretch, Outcome or None
        Of the task that begins with this simulation, if there is one yet.
    """

    task: Task
    opened: Opened
    parts: int
    answers: dict[int, Stretch | Outcome | None] = field(default_factory=dict)

    def tasks(self) -> list[Task]:
        """Tasks that tune its simulations: as many each as can be, or one more."""
        total = self.opened.simulations
        count = min(self.parts, total)
        edges = [total * part // count for part in range(count + 1)]
        self.answers = dict.fromkeys(edges[:-1])
        return [self._task(Share(simulations)) for simulations in pairwise(edges)]

    def take(self, task: Task, answer: Stretch | Outcome) -> None:
        """Keep what a task gave."""
        first, _ = task.simulations or (0, 0)
        self.answers[first] = answer
        self.task = replace(self.task, attempt=max(self.task.attempt, task.attempt))

    @property
    def share(self) -> float:
        """Part of the simulations that are tuned."""
        edges = pairwise([*self.answers, self.opened.simulations])
        tuned = [isinstance(answer, Stretch) for answer in self.answers.values()]
        done = sum((stop - first) * one for (first, stop), one in zip(edges, tuned, strict=True))
        return done / self.opened.simulations

    def fault(self) -> Outcome | None:
        """Outcome of the first task that failed, once all before it are done."""
        for answer in self.answers.values():
            if not isinstance(answer, Stretch):
                return answer
        return None

    def last(self) -> Task | None:
        """Task that does the rest, once all are tuned."""
        stretches = [answer for answer in self.answers.values() if isinstance(answer, Stretch)]
        if len(stretches) < len(self.answers):
            return None
        return self._task(Share(gathered=Gathered(self.opened.checks, tuple(stretches))))

    def _task(self, share: Share) -> Task:
        return replace(self.task, share=share)
