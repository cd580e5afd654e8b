"""backtune ledger."""

from __future__ import annotations

import typer

from backtune.cli.options import Debug, Json, print_json


def ledger(as_json: Json = False, debug: Debug = False) -> None:
    from backtune.report.frames import rows_table
    from backtune.report.terminal import print_table
    from backtune.verdict.ledger import VARIABLE, Ledger, bars_in_common

    kept = Ledger()
    entries = kept.entries()
    groups = bars_in_common(entries)
    if as_json:
        rows = [
            {
                "time": entry.time,
                "run": entry.run,
                "symbols": list(entry.trials),
                "settings": dict(entry.settings),
                "tried_on_these_bars": count,
            }
            for entry, count in zip(entries, groups, strict=True)
        ]
        print_json({"ledger": str(kept.path) if kept.path else None, "runs": rows})
        return
    if kept.path is None:
        typer.echo(
            f"no ledger is kept: {VARIABLE} is off, or there is no folder for it; set {VARIABLE} to a file"
        )
        return
    head = ("time", "symbols", "tried on these bars", "settings", "run")
    shown = [
        (entry.time, _few(list(entry.trials)), str(count), _settings(entry.settings), entry.run)
        for entry, count in zip(entries, groups, strict=True)
    ]
    print_table(rows_table(head, shown, (False, False, True, False, False)))
    typer.echo(f"{len(entries):,} run{'s' if len(entries) != 1 else ''} in {kept.path}")


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _settings(settings: object) -> str:
    pairs = settings.items() if isinstance(settings, dict) else ()
    return ", ".join(f"{name}={value}" for name, value in pairs) or "default"
