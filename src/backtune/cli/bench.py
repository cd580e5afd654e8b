"""backtune bench."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtune.cli.options import Debug, Json, print_json
from backtune.errors import OptimizerError, SettingError

if TYPE_CHECKING:
    from backtune.bench import Benchmark
    from backtune.bench.problems import Suite

Parallel = Annotated[
    int,
    typer.Option(help="Of --objective: processes that evaluate the points of a batch; the clock decides."),
]
EvaluationLimit = Annotated[
    float | None,
    typer.Option(
        help="Of --objective: seconds of an evaluation, beyond which its run is ended; by default 60, and at "
        "least 100 times the longest of a few that are timed."
    ),
]
ProcessMemory = Annotated[
    str | None,
    typer.Option(
        help="Of --objective: memory of a process, such as 4GiB, beyond which its run is ended; by default "
        "an equal part of the machine's."
    ),
]


def bench(
    suite: Annotated[
        str | None, typer.Option(help="simple, realistic, hold, bars, bbob, mixed or noisy.")
    ] = None,
    optimizers: Annotated[
        str, typer.Option(help="all, or comma-separated; see `backtune optimizers`.")
    ] = "all",
    seeds: Annotated[int, typer.Option(help="Paired seeds; fewer than 15 are an indication only.")] = 15,
    budget: Annotated[int, typer.Option(help="Evaluations a run.")] = 500,
    time_limit: Annotated[float | None, typer.Option(help="Seconds a run; makes every run serial.")] = None,
    objective: Annotated[str | None, typer.Option(help="Your own, as module:callable.")] = None,
    bounds: Annotated[str | None, typer.Option(help="Of --objective: low:high,low:high,...")] = None,
    fills: Annotated[
        str | None, typer.Option(help="Fill rules of the backtest suites, comma-separated.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Of suite bars: folder of price files.")] = None,
    symbols: Annotated[str | None, typer.Option(help="Of suite bars: comma-separated.")] = None,
    dimension: Annotated[int | None, typer.Option(help="Of suites bbob and mixed; 5 by default.")] = None,
    timing_seeds: Annotated[int, typer.Option(help="Serial timed runs of each method; 0 for none.")] = 3,
    workers: Annotated[int | None, typer.Option(help="Processes for quality; one a core by default.")] = None,
    parallel: Parallel = 0,
    evaluation_limit: EvaluationLimit = None,
    memory_limit: ProcessMemory = None,
    output: Annotated[Path, typer.Option(help="Folder of benchmarks; the same command resumes.")] = Path(
        "bench"
    ),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    from backtune.bench import benchmark
    from backtune.report.progress import count_progress

    options = {
        "bounds": _bounds(bounds), "fills": _names(fills), "data": data, "symbols": _names(symbols),
        "dimension": dimension,
    }  # fmt: skip
    of_own = {"parallel": parallel, "evaluation-limit": evaluation_limit, "memory-limit": memory_limit}
    problems = _suite(suite, objective, seeds, options, of_own)
    with count_progress("runs", quiet=as_json) as progress:
        results = benchmark(
            problems, optimizers if optimizers == "all" else _names(optimizers), budget=budget,
            time_limit=time_limit, timing_seeds=timing_seeds, workers=workers,
            parallel=parallel, evaluation_limit=evaluation_limit, memory_limit=memory_limit,
            output=output / _folder(objective or problems.name, parallel),
            command=["backtune", *sys.argv[1:]],
            progress=progress, tell=None if as_json else partial(typer.echo, err=True),
        )  # fmt: skip
    (_report_parallel if parallel else _report)(results, as_json)


def _suite(
    name: str | None, objective: str | None, seeds: int, options: dict[str, Any], of_own: dict[str, Any]
) -> Suite:
    """Problems of a suite, or of an objective of one's own, which alone reads the options `of_own`."""
    from backtune.bench import own_suite, suite
    from backtune.bench.problems import options_of

    if (name is None) == (objective is None):
        raise SettingError(
            "give either --suite (simple, realistic, hold, bars, bbob, mixed, noisy) or --objective "
            "module:callable"
        )
    chosen = {option: value for option, value in options.items() if value not in (None, [])}
    if objective is not None:
        _refuse_unused(chosen, ("bounds",), "--objective")
        return own_suite(objective, seeds=seeds, bounds=options["bounds"])
    others = [option for option, value in of_own.items() if value]
    _refuse_unused([*chosen, *others], options_of(str(name)), f"--suite {name}")
    return suite(str(name), seeds, **chosen)


def _refuse_unused(options: Iterable[str], read: Sequence[str], by: str) -> None:
    """Refuse options that would change nothing."""
    unused = " and ".join(f"--{name}" for name in options if name not in read)
    if unused:
        raise SettingError(f"{unused} would change nothing: {by} does not read it; leave it out")


def _report(results: Benchmark, as_json: bool) -> None:
    from backtune.bench.page import write_page
    from backtune.bench.tables import as_dict, write_tables
    from backtune.bench.terminal import print_benchmark

    tables = write_tables(results)
    try:
        page = f"page: {write_page(results, tables)}"
    except SettingError as error:  # a library that only the page needs
        page = f"no page: {error}"
    if as_json:
        print_json(as_dict(results, tables))
    else:
        print_benchmark(results, tables)
        typer.echo(page)
    _refuse_failure(results)


def _report_parallel(results: Benchmark, as_json: bool) -> None:
    from backtune.bench.parallel import as_dict, write_wall_clock
    from backtune.bench.terminal import print_wall_clock

    table = write_wall_clock(results)
    if as_json:
        print_json(as_dict(results, table))
    else:
        print_wall_clock(results, table)
        typer.echo(f"runs: {results.folder / 'runs.parquet'}")
    _refuse_failure(results)


def _refuse_failure(results: Benchmark) -> None:
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


def _folder(name: str, parallel: int) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    return f"{safe}-parallel{parallel}" if parallel else safe
