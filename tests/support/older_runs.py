"""Runs as the first versions of the package left them: a folder a symbol, a file a table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from backtune.backtest.tables import TABLES
from backtune.store import Run
from backtune.store.receipts import read_receipt, receipt_path, table_path, tables_path


def make_older(folder, symbols=None):
    """Turn symbols of a run folder into what those versions wrote."""
    run = Run.open(folder)
    for symbol in run if symbols is None else symbols:
        files = {}
        for name in TABLES:
            content = run[symbol].tables[name].to_parquet(index=False)
            path = table_path(folder, symbol, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            files[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        receipt = asdict(read_receipt(folder, symbol)) | {"files": files}
        receipt_path(folder, symbol).write_text(json.dumps(receipt))
        tables_path(folder, symbol).unlink()
