"""Verdicts as plain values, for machines: words from a list, numbers, and the sentence beside them."""

from __future__ import annotations

import math
from typing import Any

from backtune.verdict.evidence import NOTHING
from backtune.verdict.rule import Judgement
from backtune.verdict.tried import Beside


def judgement_values(judgement: Judgement, beside: Beside | None = None) -> dict[str, Any]:
    """Plain values of a verdict.

    Returns
    -------
    dict
        verdict : one of `backtune.verdict.rule.VERDICTS`; claimed_by : list of "p-value", "e-value";
        days_needed : int or None; strategy; bars, traded (by the run's fill rule); sharpe and
        sharpe_interval, mean_return and mean_interval (a bar); p_value and e_value, corrected for the
        symbols, with p_alone and e_alone;
        p_optimistic; can_tell : the Sharpe ratio a year that so many bars tell from luck 8 times in 10, alone
        and among_symbols; tried : what the ledger counts on these bars, and the verdict corrected for it; and
        for people sentence and can_prove. NaN is None.
    """
    e = judgement.evidence
    alone, among = judgement.told_sharpe
    values = {
        "verdict": judgement.verdict,
        "claimed_by": list(judgement.claimed_by),
        "days_needed": judgement.days_needed,
        "strategy": e.strategy,
        "bars": e.bars,
        "traded": e.traded,
        "sharpe": e.sharpe,
        "sharpe_interval": list(e.sharpe_interval),
        "mean_return": e.excess[NOTHING],
        "mean_interval": list(e.mean_interval),
        "p_value": judgement.p_value,
        "p_alone": e.p_value,
        "p_optimistic": judgement.p_optimistic,
        "e_value": judgement.e_value,
        "e_alone": e.e_value,
        "can_tell": {"alone": alone, "among_symbols": among},
        "tried": _tried(beside),
        "can_prove": judgement.can_prove,
        "sentence": judgement.sentence,
    }
    return {name: _plain(value) for name, value in values.items()}


def _tried(beside: Beside | None) -> dict[str, Any] | None:
    if beside is None:
        return None
    return {
        "looks": beside.tried.looks,
        "variants": beside.tried.variants,
        "p_value": beside.p_value,
        "e_value": beside.e_value,
        "verdict": beside.verdict,
    }


def _plain(value: Any) -> Any:
    """Return the value with None for each number that is none."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
