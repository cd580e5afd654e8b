"""What correcting for everything tried on the same bars would make of a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backtune.backtest import Result
from backtune.store import Run
from backtune.verdict.judged import Judged
from backtune.verdict.ledger import Ledger, Tried, new_entry
from backtune.verdict.rule import EDGE, Judgement, verdict_word
from backtune.verdict.trial import Trial
from backtune.verdict.written import trial_of


@dataclass(frozen=True)
class Beside:
    """What stands beside a verdict.

    The p-value is multiplied by the looks, and what the bettor's wealth has to reach by the variants
    (Bonferroni): the first is for one look, the second for any number of them.

    Attributes
    ----------
    tried : Tried
    p_value, e_value : float
        As of the judgement, corrected for those too.
    verdict : str
        By the same rule.
    claimed : bool
        Whether the verdict beside which it stands is an edge.
    """

    tried: Tried
    p_value: float
    e_value: float
    verdict: str
    claimed: bool

    @property
    def sentence(self) -> str:
        """What the ledger knows; empty where nothing else was tried."""
        looks, variants = self.tried.looks, self.tried.variants
        if looks < 2:
            return ""
        kinds = f"{variants:,} variant{'s' if variants > 1 else ''}"
        said = f"{looks:,} records of {kinds} were tried on these bars (backtune ledger)"
        after = (
            f"corrected for all of them p = {self.p_value:.2g} and the bettor's wealth is {self.e_value:.2g}"
        )
        change = "still an edge" if self.verdict == EDGE else f"{self.verdict}, no edge that can be claimed"
        return f"{said}; {after}: {change}." if self.claimed else f"{said}; the verdict does not count them."


@dataclass(frozen=True)
class Tries:
    """What stands beside the verdicts of a run.

    Attributes
    ----------
    symbols : mapping of symbol to Beside
    portfolio : Beside or None
        Of the run as one portfolio.
    """

    symbols: Mapping[str, Beside]
    portfolio: Beside | None


def count_run(run: Mapping[str, Result], ledger: Ledger | None = None) -> str:
    """Add a run to the ledger; return why it could not be, or ""."""
    ledger = ledger or Ledger()
    if not run or ledger.path is None:
        return ""
    folder = run.folder if isinstance(run, Run) else None
    options = next(iter(run.values())).options
    trials = {symbol: trial_of(result, len(run)) for symbol, result in run.items()}
    return ledger.add(new_entry(str(folder.resolve()) if folder else "", options, trials))


def tries(run: Mapping[str, Result], judged: Judged, ledger: Ledger | None = None) -> Tries:
    """What stands beside the verdict on each symbol of a run, and on the run as one portfolio."""
    trials: dict[str, Trial] = {symbol: trial_of(run[symbol], len(run)) for symbol in judged.symbols}
    by_symbol, together = (ledger or Ledger()).tried(trials)
    symbols = {symbol: _beside(judgement, by_symbol[symbol]) for symbol, judgement in judged.symbols.items()}
    return Tries(symbols, _beside(judged.portfolio, together) if judged.portfolio else None)


def _beside(judgement: Judgement, tried: Tried) -> Beside:
    p_value, p_optimistic = (min(1.0, p * tried.looks) for p in (judgement.p_value, judgement.p_optimistic))
    e_value = judgement.e_value / tried.variants
    word = verdict_word(judgement.evidence, p_value, p_optimistic, e_value)
    return Beside(tried, p_value, e_value, word, judgement.verdict == EDGE)
