"""backtune run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from backtune.backtest.settings import Settings
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
from backtune.cli.results import Start, carry_out, check_portfolio, compilation_told
from backtune.cli.settings import with_settings
from backtune.errors import SettingError

WITH_RESUME = {
    "resume",
    "weights",
    "benchmark",
    "title",
    "wide",
    "workers",
    "scheduler",
    "task_timeout",
    "memory_limit",
    "as_json",
    "debug",
}


def _compile_ahead(chosen: Mapping[str, Any]) -> None:
    """Begin to compile the one-bar search, if that is not kept, before all else is imported."""
    if chosen.get("optimizer", "exact") == "exact" and "costs" not in chosen:
        from backtune.runner.ahead import compile_ahead

        compile_ahead()


@with_settings(Settings, before=_compile_ahead)
def run(
    context: typer.Context,
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols to backtest.")] = None,
    data: Data = None,
    demo: Demo = False,
    universe: Annotated[int | None, typer.Option(help="Use this many synthetic symbols.")] = None,
    universe_bars: Annotated[int, typer.Option(help="Bars of each synthetic symbol.")] = 2000,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    task_timeout: TaskTimeout = None,
    memory_limit: MemoryLimit = None,
    output: Output = Path("runs"),
    run_folder: RunFolder = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run folder: do what has no good result.")
    ] = None,
    weights: WeightsOption = "equal",
    benchmark: BenchmarkOption = None,
    title: TitleOption = None,
    wide: Wide = False,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    from backtune.runner import Engine, resume_run
    from backtune.runner.execute import execute
    from backtune.store import Run

    engine = Engine(workers, scheduler, task_timeout, memory_limit)
    starts: list[tuple[str, Start]]
    if resume is not None:
        _refuse_with_resume(context)
        begun = Run.begun(resume)
        names, kinds = begun.record["symbols"], begun.settings.strategies
        starts = [(_model_of(settings), partial(resume_run, resume, engine))]
    else:
        if not settings.tuned:
            raise SettingError(
                "no strategy is tuned, and yardsticks alone are not judged; add one that is, such as maxdiff"
            )
        names, source = _symbols(symbols, data, demo, universe, universe_bars, settings.seed)
        kinds = settings.strategies
        begin = partial(execute, output=output, command=["backtune", *sys.argv[1:]])
        starts = [
            (_model_of(each), partial(begin, names, each, source, engine, run_folder=folder))
            for each, folder in _by_model(settings, names, run_folder)
        ]
        check_portfolio(weights, benchmark, names, source, settings)
    view = {"weights": weights, "benchmark": benchmark, "title": title}
    processes = 1 if scheduler else workers
    with compilation_told(quiet=as_json):
        carry_out(starts, len(names), len(kinds) + 1, processes, as_json=as_json, wide=wide, view=view)


def _by_model(
    settings: Settings, names: list[str], run_folder: Path | None
) -> list[tuple[Settings, Path | None]]:
    """Settings and folder of each run: one, or one for each model of a file that holds several."""
    from dataclasses import replace

    from backtune.bars import folder_name
    from backtune.forecasts import forecaster
    from backtune.forecasts.outside import OutsideForecaster

    model = forecaster(settings.model)
    several = model.models(names) if isinstance(model, OutsideForecaster) else []
    if len(several) < 2:
        return [(settings, run_folder)]
    return [
        (
            replace(settings, model="fhs", forecasts=f"{settings.forecasts}#{name}"),
            run_folder and run_folder / folder_name(name),
        )
        for name in several
    ]


def _model_of(settings: Settings) -> str:
    return (settings.forecasts or "").rpartition("#")[2] or str(settings.model)


def _symbols(
    symbols: list[str] | None, data: str | None, demo: bool, universe: int | None, bars: int, seed: int
) -> tuple[list[str], Any]:
    """Symbols, and where their bars are."""
    from backtune.bars import SAMPLE_SYMBOLS, Universe

    for name, wanted in (("--demo", demo), ("--universe", universe is not None)):
        if wanted and (symbols or data or (demo and universe is not None)):
            raise SettingError(f"{name} was given with symbols or other data; it uses its own")
    if demo:
        return list(SAMPLE_SYMBOLS), None
    if universe is not None:
        source = Universe(seed, bars)
        return source.symbols(universe), source
    if not symbols:
        raise SettingError("no symbols given; name some (backtune run ETHUSD --data FOLDER) or use --demo")
    return list(symbols), data


def _refuse_with_resume(context: typer.Context) -> None:
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in WITH_RESUME and source is not None and source.name == "COMMANDLINE":
            option = "symbols were" if name == "symbols" else f"--{name.replace('_', '-')} was"
            raise SettingError(f"{option} given with --resume; a run that goes on keeps its own settings")
