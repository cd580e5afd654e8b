"""The key of a result: a hash of all that decides it. Same key, same result; anything else is run again."""

from __future__ import annotations

import hashlib
import inspect
import json
import pickle
import secrets
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import backtune
from backtune.backtest import Settings
from backtune.bars import Bars
from backtune.forecasts import Forecaster
from backtune.store import versions
from backtune.strategies import Strategy


def result_key(bars: Bars, settings: Settings) -> str:
    """Hash of symbol, bars, settings (seed included), code and versions, as 64 hexadecimal digits."""
    decides = {
        "symbol": bars.symbol,
        "bars": bars.digest,
        "asset": bars.asset,
        "settings": settings.as_dict(),
        "code": code_digest(),
        "versions": versions(),
        "own": list(_own_code(settings)),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Hash of the source of this package."""
    root = Path(backtune.__file__).parent
    sha = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        sha.update(f"{path.relative_to(root).as_posix()}\0".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


def _own_code(settings: Settings) -> Iterator[str]:
    """Hashes of strategies and forecasters that are the caller's own objects.

    Where their code or state cannot be told, a hash that never comes again: then they are run again.
    """
    for item in (settings.model, *settings.strategies):
        if not isinstance(item, Forecaster | Strategy):
            continue
        try:
            functions = item.sizes if isinstance(item, Strategy) else type(item)
            module = inspect.getmodule(functions)
            source = inspect.getsource(module) if module else inspect.getsource(functions)
            yield hashlib.sha256(source.encode() + pickle.dumps(item)).hexdigest()
        except (OSError, TypeError, AttributeError, pickle.PicklingError):
            yield secrets.token_hex(32)
