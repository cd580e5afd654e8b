"""backtune walkforward."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtune.backtest.settings import ORDER_SETTINGS, OWN_DEFAULTS, Settings
from backtune.cli.options import (
    BenchmarkOption,
    Data,
    Debug,
    Demo,
    Json,
    MemoryLimit,
    Output,
    RunFolder,
    Scheduler,
    TaskTimeout,
    TitleOption,
    WeightsOption,
    Wide,
    Workers,
)
from backtune.cli.results import carry_out, check_portfolio, compilation_told
from backtune.cli.settings import with_settings
from backtune.errors import SettingError

if TYPE_CHECKING:
    from backtune.space import Space


@with_settings(Settings, leave_out=ORDER_SETTINGS, defaults=OWN_DEFAULTS)
def walkforward(
    strategy: Annotated[str, typer.Argument(help="module:function of your own (docs/own_strategies.md).")],
    space: Annotated[
        str, typer.Option(help="Its parameters: a TOML file (docs/spaces.md), or module:object.")
    ],
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols to walk forward.")] = None,
    data: Data = None,
    demo: Demo = False,
    history: Annotated[
        int | None,
        typer.Option(help="Bars before a stretch that it is given too.  [default: those of a window]"),
    ] = None,
    name: Annotated[str, typer.Option(help="Name in tables.  [default: the function's]")] = "",
    workers: Workers = 1,
    scheduler: Scheduler = None,
    task_timeout: TaskTimeout = None,
    memory_limit: MemoryLimit = None,
    output: Output = Path("runs"),
    run_folder: RunFolder = None,
    weights: WeightsOption = "equal",
    benchmark: BenchmarkOption = None,
    title: TitleOption = None,
    wide: Wide = False,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    from backtune.bars import SAMPLE_SYMBOLS
    from backtune.plugins import import_object
    from backtune.runner import Engine
    from backtune.runner.execute import execute
    from backtune.runner.own import own_settings
    from backtune.strategies.own import FunctionStrategy

    if demo and (symbols or data):
        raise SettingError("--demo was given with symbols or other data; it uses its own")
    names = list(SAMPLE_SYMBOLS) if demo else list(symbols or [])
    if not names:
        raise SettingError(
            "no symbols given; name some (backtune walkforward my_module:my_strategy ETHUSD --space FILE "
            "--data FOLDER) or use --demo"
        )
    function = import_object("strategy", strategy)
    function = function() if isinstance(function, type) else function
    own = FunctionStrategy(function, _space(space), name, history=history)
    check_portfolio(weights, benchmark, names, data, settings)
    engine = Engine(workers, scheduler, task_timeout, memory_limit)
    start = partial(
        execute, names, own_settings(own, settings), data, engine,
        output=output, run_folder=run_folder, command=["backtune", *sys.argv[1:]],
    )  # fmt: skip
    view = {"weights": weights, "benchmark": benchmark, "title": title}
    processes = 1 if scheduler else workers
    with compilation_told(quiet=as_json):
        carry_out([(own.name, start)], len(names), 2, processes, as_json=as_json, wide=wide, view=view)


def _space(name: str) -> Space:
    """Space of a file, or of a module."""
    from backtune.plugins import import_object
    from backtune.space import Space, read_space

    if Path(name).suffix == ".toml" or ":" not in name or Path(name).exists():
        return read_space(name)
    space = import_object("space", name)
    if not isinstance(space, Space):
        raise SettingError(f"space {name!r} is a {type(space).__name__}; give a bt.Space")
    return space
