"""How a run is made again, and what it was made with."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from backtune.backtest import Settings
from backtune.report.html import number, table, text
from backtune.store import Run


def run_again(run: Run) -> str:
    """Command, or call, that makes the results again, from any folder."""
    record, source = run.record, run.record.get("source", {})
    command = list(map(str, record.get("command") or ()))
    if not command:
        return _call(record)
    if source.get("kind") == "path":
        for place, word in enumerate(command):
            if word.startswith("--data="):
                command[place] = f"--data={source['path']}"
            elif word == "--data":
                command[place + 1 : place + 2] = [str(source["path"])]
    return shlex.join(command)


def _call(record: Mapping[str, Any]) -> str:
    settings, source = record["settings"], record.get("source", {})
    usual = Settings().as_dict()
    changed = {name: value for name, value in settings.items() if value != usual[name]}
    known = {
        "sample": "",
        "path": f", data={source.get('path')!r}",
        "source": f", data={source.get('name')!r}",
        "universe": f", data=Universe({source.get('seed')}, {source.get('bars')})",
    }
    data = known.get(source.get("kind", ""), ", data=data")
    options = data + "".join(f", {name}={value!r}" for name, value in changed.items())
    symbols = list(record["symbols"])
    one = len(symbols) == 1
    call = f"bt.backtest_forecasts({symbols[0]!r}" if one else f"bt.run_parallel_backtests({symbols!r}"
    return f"{call}{options}){'  # data: as it was given' if data == ', data=data' else ''}"


def configuration(run: Run, label: str) -> str:
    """Settings, data, versions and time of a run, as HTML."""
    record = run.record
    spent: dict[str, float] = {}
    for result in run.values():
        for stage, seconds in result.seconds.items():
            spent[stage] = spent.get(stage, 0.0) + seconds
    settings = [(text(key), text(_setting(value))) for key, value in record["settings"].items()]
    data = [
        (text(symbol), text(entry["source"]), text(entry["bars"]), text(str(entry["first"])[:10]),
         text(str(entry["last"])[:10]), text(entry["asset"]), f"<code>{text(entry['sha256'][:16])}</code>")
        for symbol, entry in list(record.get("data", {}).items())[:MOST_DATA]
    ]  # fmt: skip
    parts = [
        table(("setting", "value"), settings, words=True),
        table(("package", "version"), [(text(k), text(v)) for k, v in record.get("versions", {}).items()]),
        table(("stage", "seconds, all symbols"), [(text(k), number(v, 3)) for k, v in spent.items()]),
    ]
    if data:
        parts.insert(1, table(("symbol", "source", "bars", "first", "last", "asset", "SHA-256"), data))
        more = len(record["data"]) - len(data)
        parts.insert(2, f'<p class="note">And {more:,} more, in run.json.</p>' if more > 0 else "")
    title = f"Settings, data, versions and time of {text(label)}"
    return f'<details class="card"><summary>{title}</summary>{"".join(parts)}</details>'


MOST_DATA = 500  # symbols whose files are listed


def _setting(value: object) -> str:
    """A setting as one reads it."""
    if isinstance(value, list):
        return ", ".join(map(_setting, value)) if value and isinstance(value[0], str) else str(value)
    return "default" if value is None else str(value)
