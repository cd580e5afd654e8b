"""Evidence that is written down where a symbol was run, and read again where it still says the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from backtune.backtest import Result
from backtune.identity import code_digest
from backtune.strategies import BUY_HOLD, UNTUNED
from backtune.verdict.evidence import Bracket, Evidence, evidence
from backtune.verdict.luck import Superiority
from backtune.verdict.trial import Trial, trial

YARDSTICKS = (UNTUNED.name, BUY_HOLD)


def evidence_of(result: Result, symbols: int) -> Evidence:
    """Evidence of a symbol: what was written down with its tables, or of the tables themselves.

    Parameters
    ----------
    result : Result
    symbols : int
        Number of symbols that are judged together.
    """
    written = _read(result.origin.evidence, symbols)
    if written is not None:
        return written
    return evidence(
        result.returns,
        result.configurations,
        float(result.facts["periods_a_year"]),
        tuned=result.tuned,
        yardsticks=YARDSTICKS,
        symbols=symbols,
        fills=result.options["fills"],
    )


def write_evidence(result: Result, symbols: int) -> dict[str, Any]:
    """Evidence of a symbol as plain values for its receipt; empty where no strategy was tuned."""
    if not result.tuned:
        return {}
    values = _plain(asdict(evidence_of(result, symbols)))
    one = trial_of(result, symbols)
    return {
        "code": code_digest(),
        "symbols": symbols,
        "values": values,
        "trial": {"record": one.record, "bars": dict(one.bars)},
    }


def trial_of(result: Result, symbols: int) -> Trial:
    """What the ledger keeps of a symbol: as written down with its tables, or of the tables themselves."""
    written = result.origin.evidence
    if "trial" in written and written.get("code") == code_digest():
        return Trial(**written["trial"])
    return trial(result.inputs, result.returns, result.tuned, symbols)


def _read(written: Mapping[str, Any], symbols: int) -> Evidence | None:
    """Evidence that was written down; None where other code did, or it is of another number of symbols."""
    if not written or written.get("code") != code_digest():
        return None
    values = _numbers(written["values"])
    if values["depends_on_symbols"] and written["symbols"] != symbols:
        return None
    tests = {name: Superiority(**_tuples(test, "each")) for name, test in values["tests"].items()}
    brackets = {name: Bracket(**values[name]) for name in ("order", "if_optimistic")}
    told = _tuples(values, "sharpe_interval", "mean_interval") | brackets | {"tests": tests}
    return Evidence(**{entry.name: told[entry.name] for entry in fields(Evidence)})


def _tuples(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**values, **{name: tuple(values[name]) for name in names}}


def _plain(value: Any) -> Any:
    """Values for JSON, which has no NaN and no infinity: those as {"float": text}."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _numbers(value: Any) -> Any:
    """Return the values that `_plain` made plain; tuples as lists."""
    if isinstance(value, dict):
        return (
            float(value["float"]) if set(value) == {"float"} else {k: _numbers(v) for k, v in value.items()}
        )
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return value
