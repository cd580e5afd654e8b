"""The findings document, written anew from what is measured.

    python study/findings.py docs/findings.md            (with the extras bench and optimizers; an hour)
    python study/findings.py findings.md --seeds 3         (quick, and decides little)

It runs the suites `simple` and `realistic`, the backtest of 280 optimizations, 35 against 70 simulations, and
four symbols on one and on four workers, and puts each claim of the document that backtune began with beside
what was measured. A benchmark that was interrupted is taken up again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from backtune.bench.files import write_file
from backtune.bench.problems import simple_problem, suite
from backtune.bench.protocol import alone, choose, is_expensive
from backtune.bench.recommend import (
    SAME,
    Recommendation,
    all_limits,
    friedman_text,
    pays_lines,
    recommend,
    show_median,
    show_seconds,
)
from backtune.bench.results import Benchmark, benchmark
from backtune.bench.runtimes import median_interval
from backtune.bench.statistics import compare
from backtune.bench.tables import (
    projection_cells,
    quality_cells,
    running_time_cells,
    timing_cells,
    write_tables,
)
from backtune.errors import BacktuneError, RunError
from backtune.forecasts import DEFAULT_MODEL
from backtune.optimizers import optimizer
from backtune.report.progress import count_progress
from claims import RULES, claims, seeds_needed
from walkforward import METHOD, SIMULATIONS, TIMES, measure, measure_workers

STORY = (
    "backtune grew out of a document, never published, that compared optimizers on a backtest of limit "
    "orders: two offsets, 500 evaluations an optimization, 280 optimizations. It found scipy's "
    "differential evolution the best, could not run EvoTorch, left EvoX and PyGMO untested, said that "
    "forecasting takes most of the time, and proposed what nobody had built. This page measures all of "
    "that again. Its last table has each claim of that document, called the earlier document below, "
    "beside what was measured here, with a verdict that a rule decides."
)
SMALL_BUDGETS = {"simple": (30,), "realistic": (30, 100)}  # 30 is what the earlier document gave BoTorch
Progress = Callable[[str, int, int], None]


def write_findings(
    path: Path,
    output: Path,
    methods: str | Sequence[str] = "all",
    *,
    seeds: int | None = None,
    budget: int = 500,
    workers: int | None = None,
    command: Sequence[str] = (),
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Run the suites and the 280-optimization backtest, and write the document.

    Parameters
    ----------
    path : Path
        Of the document, Markdown.
    output : Path
        Folder of the benchmarks behind it; one that was interrupted is taken up again.
    seeds : int, optional
        Data sets; by default as many as the claim about the winner needs, see `claims.seeds_needed`.
    methods, budget, workers, command, progress
        See `backtune.bench.benchmark`.

    Raises
    ------
    BacktuneError
        As `benchmark`; and RunError where the document cannot be written.
    """
    if not path.parent.is_dir():
        raise RunError(f"{path}: its folder does not exist; make it, or choose another file")
    if seeds is None:
        chosen, _ = choose(methods, simple_problem(0))
        searches = [name for name in chosen if not optimizer(name).proves and not is_expensive(name)]
        seeds = seeds_needed(len(searches))
    suites = {}
    for name, small in SMALL_BUDGETS.items():
        suites[name] = benchmark(
            suite(name, seeds), methods, budget=budget, small_budgets=small, workers=workers,
            timing_seeds=TIMES, output=output / f"findings-{name}",
            command=command, progress=progress,
        )  # fmt: skip
        write_tables(suites[name])
    text = document(suites["simple"], suites["realistic"], alone(measure), measure_workers(), command)
    write_file(path, text)
    return path


def document(
    simple: Benchmark, realistic: Benchmark, backtest: Mapping[str, Any], workers: Mapping[str, Any],
    command: Sequence[str],
) -> str:  # fmt: skip
    """Return the document, Markdown."""
    verdicts = claims(simple, realistic, backtest, workers)
    parts = [
        "# Findings: which optimizer should a backtest use?",
        f"Written by `{' '.join(command)}`; every figure and verdict below is computed by that command.",
        STORY,
        _machine(realistic),
        "## What to use",
        _advice(realistic),
        "## Simple objective, n = 100 bars",
        _suite(simple),
        "## Realistic objective, n = 200 bars with momentum, both close_at_eod policies",
        _suite(realistic),
        f"## The backtest: {backtest['torch']['optimizations']} optimizations",
        _backtest(backtest),
        "## Where its time goes",
        _breakdown(backtest),
        "## The earlier document's claims",
        markdown_table(
            ["claim", "measured here", "verdict"], [[c.claim, c.measured, c.verdict] for c in verdicts]
        ),
        "How the verdicts are decided:",
        "\n".join(f"- {rule}" for rule in RULES),
        "Times on the simple and realistic objective are those of the torch kind of objective under the "
        "published "
        "fill rule, which is what the earlier document timed; added up over the two policies where it says "
        "both.",
    ]
    return "\n\n".join(parts) + "\n"


def _machine(results: Benchmark) -> str:
    machine = results.record["machine"]
    rows = [
        ["processor", f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"],
        ["system", machine["system"]],
        ["accelerator", machine["accelerator"]],
        ["threads", f"1 in every process; {results.record['workers']} processes for quality, 1 for timing"],
        ["seeds, budget", f"{results.record['seeds']} paired seeds, {results.budget} evaluations"],
        ["versions", ", ".join(f"{name} {number}" for name, number in machine["versions"].items())],
    ]
    if results.record["not_installed"]:
        rows.append(["not installed", ", ".join(results.record["not_installed"])])
    return markdown_table(["", ""], rows)


def _advice(results: Benchmark) -> str:
    advice = recommend(results.runs, results.record)
    lines = [f"- **{item.text}** {_sentence(item.evidence[0])}{_others(item)}" for item in advice]
    pays = [f"- {_sentence(line)}" for line in pays_lines(results.runs, results.record["methods"])]
    limits = [f"- {_sentence(limit)}" for limit in all_limits(advice)]
    parts = ["\n".join(lines)]
    if pays:
        parts += ["### When a method that thinks for long pays", "\n".join(pays)]
    return "\n\n".join([*parts, "### Limits of this advice", "\n".join(limits)])


def _others(advice: Recommendation) -> str:
    return f" {_sentence(f'{SAME}: {advice.unnamed}')}" if advice.unnamed else ""


def _sentence(text: str) -> str:
    """With a capital, unless it begins with the name of a method, and a full stop."""
    first = text.split()[0]
    return f"{text if ':' in first or is_expensive(first) else text[:1].upper() + text[1:]}."


def _suite(results: Benchmark) -> str:
    tables = write_tables(results)
    parts = []
    for budget in reversed(results.budgets):
        parts.append(f"After {budget} evaluations: {friedman_text(compare(results.runs, budget))}")
    for (problem, budget), group in tables["quality"].groupby(["problem", "budget"], sort=False):
        parts += [f"### {problem}, {budget} evaluations", markdown_table(*quality_cells(group))]
    for problem, group in tables["running_times"].groupby("problem", sort=False):
        parts += [
            f"### {problem}: expected evaluations to a regret (successes)",
            markdown_table(*running_time_cells(group)),
        ]
    parts += [
        "### Time, by kind of objective (serial, one core, after a warm-up)",
        markdown_table(*timing_cells(tables["timing"])),
        "### Expected time to within 1 %, by the cost of one evaluation",
        markdown_table(*projection_cells(tables["projection"])),
    ]
    return "\n\n".join(parts)


def _backtest(backtest: Mapping[str, Any]) -> str:
    torch = backtest["torch"]
    head = [
        "optimizer, objective",
        "optimizations",
        "evaluations",
        "seconds",
        "each",
        "sum of the values found",
    ]
    rows = [
        [f"{METHOD}, torch kind", torch["optimizations"], torch["evaluations"], f"{torch['seconds']:.2f}",
         show_seconds(torch["seconds"] / torch["optimizations"]), "-"],
    ]  # fmt: skip
    for name, label in ((METHOD, f"{METHOD}, compiled kind"), ("exact", "exact, compiled kind")):
        run = backtest[name]
        rows.append(
            [label, run["optimizations"], run["evaluations"], f"{run['tuned_seconds']:.3f}",
             show_seconds(run["tuned_seconds"] / run["optimizations"]), f"{run['in_sample']:.6f}"]
        )  # fmt: skip
    half = "; ".join(
        f"{name}: {_middle(seconds['35'])} with 35 simulations, {_middle(seconds['70'])} with 70"
        for name, seconds in backtest["half"].items()
    )
    about = (
        f"Daily bars of {backtest['symbol']} ({backtest['bars']} bars), {SIMULATIONS} simulations x 2 "
        "strategies x 2 "
        "policies, windows of 200 bars, fills published, one process and one core."
    )
    return f"{about}\n\n{markdown_table(head, rows)}\n\nWhole runs, medians [95 % interval]: {half}."


def _middle(seconds: Sequence[float]) -> str:
    return show_median(*median_interval(seconds), show_seconds)


def _breakdown(backtest: Mapping[str, Any]) -> str:
    head = ["run", "forecast", "optimize", "evaluate", "total"]
    rows = [_shares(f"{name}, compiled kind", backtest[name]) for name in ("exact", METHOD)]
    as_torch = {**backtest[METHOD], "optimize": backtest["torch"]["seconds"]}
    as_torch["total"] = as_torch["forecast"] + as_torch["optimize"] + as_torch["evaluate"]
    rows.append(_shares(f"{METHOD}, torch kind", as_torch))
    note = (
        f"The forecaster is `{DEFAULT_MODEL}`, which takes milliseconds; a large forecasting model changes "
        "the first column. "
        "The last row puts the optimizations on the torch kind in the place of the compiled ones."
    )
    return f"{markdown_table(head, rows)}\n\n{note}"


def _shares(label: str, seconds: Mapping[str, float]) -> list[str]:
    total = seconds["total"]
    parts = [
        f"{show_seconds(seconds[name])} ({seconds[name] / total:.0%})"
        for name in ("forecast", "optimize", "evaluate")
    ]
    return [label, *parts, show_seconds(total)]


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; what could end a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Read the command line, measure, and write."""
    about = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("document", type=Path, help="file to write, Markdown")
    parser.add_argument("--optimizers", default="all", help="all, or comma-separated")
    parser.add_argument("--seeds", type=int, help="data sets; by default as many as the claims need")
    parser.add_argument("--budget", type=int, default=500, help="evaluations a run")
    parser.add_argument("--workers", type=int, help="processes for quality; one a core by default")
    parser.add_argument(
        "--output", type=Path, default=Path("bench"), help="folder of the benchmarks behind it"
    )
    arguments = parser.parse_args()
    methods = "all" if arguments.optimizers == "all" else arguments.optimizers.split(",")
    command = ["python", os.path.relpath(__file__), *sys.argv[1:]]
    try:
        with count_progress("runs", quiet=False) as progress:
            write_findings(
                arguments.document, arguments.output, methods, seeds=arguments.seeds, budget=arguments.budget,
                workers=arguments.workers, command=command, progress=progress,
            )  # fmt: skip
    except BacktuneError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
