"""What a page is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backtune.metrics.portfolio import PortfolioResult
from backtune.store import Run
from backtune.verdict.judged import Judged
from backtune.verdict.tried import Tries


@dataclass(frozen=True, eq=False)
class Subject:
    """A run, the verdicts on it, and what it earned as one portfolio (None where no symbol has a result)."""

    label: str
    run: Run
    judged: Judged
    tries: Tries
    portfolio: PortfolioResult | None = None

    @property
    def record(self) -> Mapping[str, Any]:
        """See `backtune.Run.record`."""
        return self.run.record
