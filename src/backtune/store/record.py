"""run.json, read and looked over."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backtune.bars import check_symbol
from backtune.errors import BacktuneError, RunError
from backtune.store.facts import are_facts

SHAPE: Mapping[str, type] = {  # of run.json
    "status": str, "symbols": list, "settings": dict, "command": list, "resumed": list, "source": dict,
    "versions": dict, "identity": dict, "untold": list, "data": dict, "failed": dict, "tuned": list,
    "objects": list,
}  # fmt: skip


def read_record(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """run.json of a folder.

    Raises
    ------
    RunError
        There is none, or it is of another shape.
    """
    try:
        record: dict[str, Any] = json.loads((Path(folder) / "run.json").read_text("utf-8"))
        record["symbols"] = [check_symbol(symbol) for symbol in record["symbols"]]
        record["status"], record["settings"]
        _check_shape(record)
    except (OSError, ValueError, KeyError, TypeError, BacktuneError) as error:
        raise RunError(
            f"{folder}: is not a run folder ({type(error).__name__}); it needs a whole run.json"
        ) from error
    return record


def _check_shape(record: dict[str, Any]) -> None:
    """Raise TypeError where an entry of run.json is of another kind than is written there."""
    if not isinstance(record["settings"], dict):
        raise TypeError("settings")
    record.setdefault("tuned", record["settings"].get("strategies", []))  # older runs: those alone
    for name, kind in SHAPE.items():
        if not isinstance(record.setdefault(name, kind()), kind):
            raise TypeError(name)
    if not set(record["data"]) <= set(record["symbols"]):
        raise ValueError("data of a symbol that is not of the run")
    for entry in (*record["command"], *record["failed"].values()):
        if not isinstance(entry, str):
            raise TypeError(entry)
    for symbol, entry in record["data"].items():
        if not are_facts(entry):
            raise TypeError(f"data of {symbol}")
