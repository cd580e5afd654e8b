"""backtune bench."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtune.cli.options import Debug, Json, print_json
from backtune.errors import OptimizerError, SettingError

if TYPE_CHECKING:
    from backtune.benchmark import Benchmark, Suite

READ_BY = {
    "simple": ("fills",),
    "realistic": ("fills",),
    "bars": ("fills", "data", "symbols"),
    "bbob": ("dimension",),
}


def bench(
    suite: Annotated[str | None, typer.Option(help="simple, realistic, bars or bbob.")] = None,
    optimizers: Annotated[
        str, typer.Option(help="all, or comma-separated; see `backtune optimizers`.")
    ] = "all",
    seeds: Annotated[
        int | None,
        typer.Option(
            help="Paired seeds: 15 by default (fewer are an indication); for --findings what its claims need."
        ),
    ] = None,
    budget: Annotated[int, typer.Option(help="Evaluations a run.")] = 500,
    time_limit: Annotated[float | None, typer.Option(help="Seconds a run; makes every run serial.")] = None,
    objective: Annotated[str | None, typer.Option(help="Your own, as module:callable.")] = None,
    bounds: Annotated[str | None, typer.Option(help="Of --objective: low:high,low:high,...")] = None,
    fills: Annotated[
        str | None, typer.Option(help="Fill rules of the backtest suites, comma-separated.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Of suite bars: folder of price files.")] = None,
    symbols: Annotated[str | None, typer.Option(help="Of suite bars: comma-separated.")] = None,
    dimension: Annotated[int | None, typer.Option(help="Of suite bbob; 5 by default.")] = None,
    timing_seeds: Annotated[int, typer.Option(help="Serial timed runs of each method; 0 for none.")] = 3,
    workers: Annotated[int | None, typer.Option(help="Processes for quality; one a core by default.")] = None,
    output: Annotated[Path, typer.Option(help="Folder of benchmarks; the same command resumes.")] = Path(
        "bench"
    ),
    findings: Annotated[Path | None, typer.Option(help="Write the findings document anew.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare optimizers: tables, a recommendation with its evidence, and a page."""
    from backtune.benchmark import benchmark, own_suite
    from backtune.benchmark import suite as make_suite

    _refuse_unused(
        suite, findings, objective=objective, bounds=bounds, fills=fills, data=data, symbols=symbols,
        dimension=dimension, time_limit=time_limit,
    )  # fmt: skip
    methods: str | list[str] = optimizers if optimizers == "all" else _names(optimizers)
    options = {"budget": budget, "time_limit": time_limit, "timing_seeds": timing_seeds, "workers": workers}
    command = ["backtune", *sys.argv[1:]]
    if findings is not None:
        from backtune.benchmark.findings import write_findings

        write_findings(
            findings, output, methods, seeds=seeds, budget=budget, workers=workers, command=command,
            progress=_progress(as_json),
        )  # fmt: skip
        typer.echo(f"findings: {findings}", err=True)
        return
    if (suite is None) == (objective is None):
        raise SettingError(
            "give either --suite (simple, realistic, bars, bbob) or --objective module:callable"
        )
    seeds = 15 if seeds is None else seeds
    made: Suite
    if objective is not None:
        made = own_suite(objective, _bounds(bounds), seeds)
    else:
        size = {} if dimension is None else {"dimension": dimension}
        made = make_suite(str(suite), seeds, fills=_names(fills), data=data, symbols=_names(symbols), **size)
    folder = output / (made.name if objective is None else _safe(objective))
    results = benchmark(made, methods, output=folder, command=command, progress=_progress(as_json), **options)  # type: ignore[arg-type]
    _report(results, as_json)


def _refuse_unused(suite: str | None, findings: Path | None, **given: object) -> None:
    """Refuse options that would change nothing, because what was asked for does not read them."""
    if findings is not None:
        if suite or given["objective"]:
            raise SettingError("--findings was given with --suite or --objective; it runs its own suites")
        read: tuple[str, ...] = ()
    elif given["objective"] is not None:
        read = ("objective", "bounds", "time_limit")
    else:
        read = (*READ_BY.get(str(suite), tuple(given)), "time_limit")
    unused = [
        f"--{name.replace('_', '-')}"
        for name, value in given.items()
        if value is not None and name not in read
    ]
    if unused:
        asked = f"--suite {suite}" if suite else "--findings" if findings else "--objective"
        raise SettingError(
            f"{' and '.join(unused)} would change nothing: {asked} does not read it; leave it out"
        )


def _report(results: Benchmark, as_json: bool) -> None:
    from backtune.benchmark.page import write_page
    from backtune.benchmark.tables import as_dict, write_tables
    from backtune.benchmark.terminal import print_benchmark

    tables = write_tables(results)
    page = write_page(results, tables)
    if as_json:
        print_json(as_dict(results, tables))
    else:
        print_benchmark(results, tables)
        typer.echo(f"page: {page}")
    runs = results.runs
    if not (runs["status"] == "ok").any():
        raise OptimizerError(
            f"all {len(runs)} runs failed, so nothing is compared; mend the objective. The last: "
            f"{runs['error'].iloc[-1]}"
        )


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _bounds(text: str | None) -> list[tuple[float, float]] | None:
    if text is None:
        return None
    try:
        pairs = [tuple(float(end) for end in pair.split(":")) for pair in _names(text)]
    except ValueError:
        pairs = []
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise SettingError(f"bounds are {text!r}; expected low:high for each parameter, such as -1:1,0:5")
    return [(pair[0], pair[1]) for pair in pairs]


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)


def _progress(quiet: bool) -> Callable[[str, int, int], None]:
    """Say on standard error how far it is, a line each tenth of the way."""
    last = [-1]

    def step(what: str, done: int, total: int) -> None:
        if done * 10 // total < last[0]:
            last[0] = -1  # another suite has begun
        if not quiet and done * 10 // total > last[0]:
            last[0] = done * 10 // total
            sys.stderr.write(f"{done} of {total} runs done ({what})\n")

    return step
