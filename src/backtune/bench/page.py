"""The benchmark as one self-contained HTML page: no network, no file beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from backtune.bench import figures
from backtune.bench.files import write_file
from backtune.bench.objectives import need
from backtune.bench.protocol import is_expensive
from backtune.bench.recommend import SAME, Recommendation, friedman_text, pays_lines, recommend, show_seconds
from backtune.bench.results import Benchmark
from backtune.bench.statistics import MIN_BLOCKS, compare
from backtune.bench.tables import (
    best_line,
    best_points,
    projection_cells,
    quality_cells,
    running_time_cells,
    timing_cells,
)
from backtune.report.html import table, text
from backtune.report.shell import asset, ending, plotly_script, shell

MOST_CURVES = 4


def write_page(results: Benchmark, tables: dict[str, pd.DataFrame]) -> Path:
    """Write page.html into the benchmark's folder.

    Parameters
    ----------
    results : Benchmark
    tables : dict of DataFrame
        From `backtune.bench.tables.write_tables`.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    SettingError
        plotly is not installed.
    """
    path = results.folder / "page.html"
    write_file(path, page(results, tables))
    return path


def page(results: Benchmark, tables: dict[str, pd.DataFrame]) -> str:
    """Return the page; everything that is not made here is escaped."""
    need("plotly", "the benchmark's page")
    record = results.record
    title = f"Optimizers on {record['suite']}"
    sections = [
        ("recommendation", "Recommendation", _advice(results)),
        ("quality", "Quality", _quality(results, tables)),
        ("curves", "Best so far", _curves(results)),
        ("targets", "Evaluations to a target", _targets(results, tables)),
        ("pairs", "Who beats whom", _pairs(results)),
        ("time", "Where the time goes", _time(results, tables)),
        ("failures", "Failures", _failures(results)),
        ("how", "How it was measured", _how(results)),
    ]
    links = "".join(f'<a href="#{key}">{text(name)}</a>' for key, name, _ in sections)
    body = "".join(
        f'<section id="{key}"><h2>{text(name)}</h2>{inner}</section>' for key, name, inner in sections
    )
    head = (
        f"{record['seeds']} seeds, {record['budget']} evaluations, {len(record['methods'])} methods, "
        f"{len(record['problems'])} problems; {record['machine']['processor']}"
    )
    style, script = (asset(name, "backtune.bench") for name in ("page.css", "page.js"))
    before = shell(title, style=style, early=plotly_script())
    header = f'<header><h1>{text(title)}</h1><p class="soft">{text(head)}</p></header>'
    return f"{before}{header}<nav>{links}</nav>{body}{ending(script)}"


def _advice(results: Benchmark) -> str:
    advice = recommend(results.runs, results.record)
    limits = "".join(f"<li>{text(limit)}</li>" for limit in advice[0].limits) if advice else ""
    cards = "".join(_card(item, advice[0].limits) for item in advice)
    pays = "".join(f"<li>{text(line)}</li>" for line in pays_lines(results.runs, results.record["methods"]))
    paying = (
        '<h3>When thinking pays</h3><p class="note">Where two expected times cross: point estimates, without '
        f"a test.</p><ul>{pays}</ul>"
        if pays
        else ""
    )
    best = "".join(f"<p>{text(best_line(row))}</p>" for row in best_points(results))
    return (
        f'{best}<p class="note">Computed from the runs. Methods are called different only where a '
        "signed-rank test over independent blocks, adjusted for the number of comparisons, or an interval of "
        f"the ratio of two times, says so.</p>{cards}{paying}"
        f'<h3>Limits</h3><ul class="limits">{limits}</ul>'
    )


def _card(advice: Recommendation, common: Sequence[str]) -> str:
    evidence = "".join(f"<li>{text(line)}</li>" for line in advice.evidence[1:])
    others = f"<li>{SAME}: {text(advice.unnamed)}</li>" if advice.unnamed else ""
    own = "".join(f"<li>limit: {text(line)}</li>" for line in advice.limits if line not in common)
    more = f"<details><summary>evidence</summary><ul>{evidence}</ul></details>" if evidence else ""
    return (
        f'<div class="advice"><p>{text(advice.text)}</p><ul><li>{text(advice.evidence[0])}</li>'
        f"{others}{own}</ul>{more}</div>"
    )


def _quality(results: Benchmark, tables: dict[str, pd.DataFrame]) -> str:
    limit = results.record["time_limit"]
    how = "in parallel" if limit is None else f"one after the other, each for {show_seconds(limit)} at most"
    parts = [
        '<p class="note">Regret is the distance from the optimum, relative to it (or to the distance between '
        "random points and the optimum, where the suite has such a baseline). Columns count the runs that "
        "came within 1 %, 0.1 %, and exactly (1e-9) there. Beside a median stands its 95 % interval, from "
        "order statistics. Counted in evaluations; the runs were made "
        f"{how}.</p>"
    ]
    first = results.record["problems"][:MOST_CURVES]
    for (problem, budget), group in tables["quality"].groupby(["problem", "budget"], sort=False):
        shown = budget == results.budget and problem in first
        parts.append(_part(f"{problem}, {budget} evaluations", _table(*quality_cells(group)), shown))
    return "".join(parts)


def _curves(results: Benchmark) -> str:
    styles, shown = _styles(results)
    parts = [
        '<p class="note">Median over seeds, band: interquartile range. Click a name to show or hide it; '
        f"the best {figures.SHOWN} by mean rank and random search are shown at first. Regrets below "
        f"{figures.FLOOR:g} are drawn there.</p>"
    ]
    for problem in results.record["problems"][:MOST_CURVES]:
        parts.append(
            f"<h3>{text(problem)}, by evaluations</h3>"
            + _figure(figures.anytime(results, problem, styles, shown))
        )
    for kind in ("compiled", "torch", "python"):
        drawn = figures.anytime_seconds(results, kind, styles, [*shown, *_proving(results)])
        if drawn:
            parts.append(f"<h3>By seconds, {kind} objective (serial runs)</h3>{_figure(drawn)}")
    return "".join(parts)


def _targets(results: Benchmark, tables: dict[str, pd.DataFrame]) -> str:
    styles, shown = _styles(results)
    times = tables["running_times"]
    parts = [
        '<p class="note">Expected running time: evaluations of all runs, failures with their full length, '
        "for each success; in brackets how many runs succeed, by which they are ordered; methods that were "
        "given fewer evaluations stand last.</p>"
    ]
    first = results.record["problems"][:MOST_CURVES]
    for problem, group in times.groupby("problem", sort=False):
        parts.append(_part(str(problem), _table(*running_time_cells(group)), problem in first))
    parts.append("<h3>ECDF: share of (run, target) pairs reached, 26 targets from 1 to 1e-5</h3>")
    parts.append(_figure(figures.step_curves(tables["ecdf"], "evaluations", "reached", styles, shown)))
    profile = tables["data_profile"]
    parts.append("<h3>Data profile: share of runs that come within 1 %</h3>")
    chosen = profile[profile["target"] == 0.01]
    parts.append(_figure(figures.step_curves(chosen, "evaluations / (d + 1)", "solved", styles, shown)))
    return "".join(parts)


def _pairs(results: Benchmark) -> str:
    parts = [
        '<p class="note">Share of paired runs (same problem, same seed) in which the row has the lower '
        "regret, ties counted half; point at a cell for its 95 % bootstrap interval over blocks and its "
        "adjusted p. Friedman's test is of no difference between any of the methods.</p>"
    ]
    for budget in reversed(results.budgets):
        comparison = compare(results.runs, budget)
        if len(comparison.methods) < 2:
            continue
        inner = f"<p>{text(friedman_text(comparison))}</p>{_figure(figures.win_rate_map(comparison))}"
        diagram = figures.critical_difference_svg(results, budget)
        if diagram:
            inner += (
                f"<h3>Critical difference, {budget} evaluations: mean ranks over {comparison.blocks} blocks; "
                f'what a bar joins is {SAME} (Nemenyi)</h3><div class="figure">{diagram}</div>'
            )
        else:
            inner += (
                '<p class="note">No critical-difference diagram: it compares methods over at least '
                f"{MIN_BLOCKS} problems, and seeds of one problem are not problems.</p>"
            )
        parts.append(_part(f"{budget} evaluations", inner, budget == results.budget))
    return "".join(parts)


def _time(results: Benchmark, tables: dict[str, pd.DataFrame]) -> str:
    if not _timed(results):
        return '<p class="note">No timed runs were made.</p>'
    styles, _ = _styles(results)
    return (
        '<p class="note">Serial runs on one core, one thread, after an untimed warm-up; medians. Overhead is '
        "everything but the objective: the library's own work and the adapter's.</p>"
        f"{_table(*timing_cells(tables['timing']))}<h3>Overhead against the number of evaluations</h3>"
        f"{_figure(figures.overhead_curves(tables['overhead'], styles))}"
        "<h3>Projection: which method for which objective</h3>"
        '<p class="note">Expected seconds to within 1 % of the optimum = expected evaluations x (cost of one '
        "evaluation + overhead), with 95 % bootstrap intervals over blocks; methods that succeed too rarely "
        "for an interval with an end stand last.</p>"
        f"{_table(*projection_cells(tables['projection']))}"
        f"{_figure(figures.projection_curves(tables['projection'], styles))}"
    )


def _failures(results: Benchmark) -> str:
    drawn = figures.failure_bars(results.runs)
    if not drawn:
        return f'<p class="note">None of {len(results.runs)} runs failed, and no evaluation did.</p>'
    failed = results.runs[results.runs["status"] != "ok"]
    causes = failed.groupby(["method", "error"]).size()
    rows = [[str(method), str(error), str(count)] for (method, error), count in causes.items()]
    return _figure(drawn) + (_table(["method", "cause", "runs"], rows) if rows else "")


def _how(results: Benchmark) -> str:
    record, machine = results.record, results.record["machine"]
    facts = [
        ("command", " ".join(record["command"])),
        ("processor", f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"),
        ("system", machine["system"]),
        ("accelerator", machine["accelerator"]),
        ("BLAS", machine["blas"]),
        ("threads", "1 in every process"),
        (
            "processes",
            f"{record['workers'] if record['time_limit'] is None else 1} for quality, 1 for timing",
        ),
        ("versions", ", ".join(f"{name} {number}" for name, number in machine["versions"].items())),
        (
            "independent unit",
            f"{record['unit']} (tests and intervals count these, never seeds of one problem)",
        ),
        ("recorded", machine["recorded"]),
    ]
    for name, reference in record["references"].items():
        facts.append(
            (f"reference of {name}", f"{reference['optimum']:.10g}, found by {reference['found_by']}, frozen")
        )
    if record["not_installed"]:
        facts.append(("not installed", ", ".join(record["not_installed"])))
    return table(("", ""), [(text(name), text(fact)) for name, fact in facts], words=True)


def _styles(results: Benchmark) -> tuple[figures.Styles, list[str]]:
    called = [name for name in compare(results.runs, results.budget).methods if name not in _proving(results)]
    expensive = [name for name in results.record["methods"] if is_expensive(name)]
    return figures.Styles(results.record["methods"]), [*called[: figures.SHOWN], *expensive, "random"]


def _proving(results: Benchmark) -> list[str]:
    return list(results.runs.loc[results.runs["proves"].astype(bool), "method"].unique())


def _timed(results: Benchmark) -> bool:
    return bool((results.runs["mode"] == "timing").any())


def _part(title: str, inner: str, shown: bool) -> str:
    """Give a part of a section its title; one that is not shown at first can be unfolded."""
    if shown:
        return f"<h3>{text(title)}</h3>{inner}"
    return f"<details><summary>{text(title)}</summary>{inner}</details>"


def _figure(drawn: str) -> str:
    return f'<div class="figure">{drawn}</div>' if drawn else ""


def _table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    return table(list(map(text, head)), [list(map(text, line)) for line in cells])
