"""The benchmark as one self-contained HTML page: no network, no file beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

import pandas as pd

from backtune.benchmark import figures
from backtune.benchmark.files import write_whole
from backtune.benchmark.objectives import need
from backtune.benchmark.protocol import is_expensive
from backtune.benchmark.recommend import Recommendation, pays_from, recommend, show_seconds
from backtune.benchmark.results import Benchmark
from backtune.benchmark.runtimes import TARGETS
from backtune.benchmark.statistics import MIN_BLOCKS, compare
from backtune.benchmark.tables import projection_cells, quality_cells, running_time_cells, timing_cells
from backtune.report.page import plotly_script

MOST_CURVES = 4
POLICY = (  # what the page itself holds, and nothing from any host
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


def write_page(results: Benchmark, tables: dict[str, pd.DataFrame]) -> Path:
    """Write page.html into the benchmark's folder.

    Parameters
    ----------
    results : Benchmark
    tables : dict of DataFrame
        From `backtune.benchmark.tables.write_tables`.

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
    text = page(results, tables)
    write_whole(path, text)
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
    links = "".join(f'<a href="#{key}">{escape(name)}</a>' for key, name, _ in sections)
    body = "".join(
        f'<section id="{key}"><h2>{escape(name)}</h2>{text}</section>' for key, name, text in sections
    )
    head = (
        f"{record['seeds']} seeds, {record['budget']} evaluations, {len(record['methods'])} methods, "
        f"{len(record['problems'])} problems; {record['machine']['processor']}"
    )
    assets = files("backtune.benchmark") / "assets"
    style, script = ((assets / name).read_text("utf-8") for name in ("page.css", "page.js"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{style}</style>"
        f"<script>{plotly_script()}</script></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="meta">{escape(head)}</p><nav>{links}</nav>{body}'
        f"</main><script>{script}</script></body></html>"
    )


def _advice(results: Benchmark) -> str:
    advice = recommend(results.runs, results.record)
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in advice[0].limits) if advice else ""
    cards = "".join(_card(item, advice[0].limits) for item in advice)
    dear = [m for m in results.record["methods"] if is_expensive(m)] if _timed(results) else []
    pays = "".join(
        f"<li>{escape(pays_from(results.runs, method, target))}</li>"
        for method in dear
        for target in TARGETS[:2]
    )
    paying = (
        '<h3>When thinking pays</h3><p class="note">Where two expected times cross: point estimates, without '
        f"a test.</p><ul>{pays}</ul>"
        if pays
        else ""
    )
    return (
        '<p class="note">Computed from the runs. Methods are called different only where a signed-rank test '
        "over independent blocks, adjusted for the number of comparisons, or an interval of the ratio of two "
        f"times, says so.</p>{cards}{paying}"
        f'<h3>Limits</h3><ul class="limits">{limits}</ul>'
    )


def _card(advice: Recommendation, common: Sequence[str]) -> str:
    evidence = "".join(f"<li>{escape(line)}</li>" for line in advice.evidence[1:])
    others = f"<li>cannot be told apart: {escape(advice.unnamed)}</li>" if advice.unnamed else ""
    own = "".join(f"<li>limit: {escape(line)}</li>" for line in advice.limits if line not in common)
    more = f"<details><summary>evidence</summary><ul>{evidence}</ul></details>" if evidence else ""
    return (
        f'<div class="advice"><p>{escape(advice.text)}</p><ul><li>{escape(advice.evidence[0])}</li>'
        f"{others}{own}</ul>{more}</div>"
    )


def _quality(results: Benchmark, tables: dict[str, pd.DataFrame]) -> str:
    limit = results.record["time_limit"]
    made = "in parallel" if limit is None else f"one after the other, each for {show_seconds(limit)} at most"
    parts = [
        '<p class="note">Regret is the distance from the optimum, relative to it (or to the distance between '
        "random points and the optimum, where the suite has such a baseline). Columns count the runs that "
        "came within 1 %, 0.1 %, and exactly (1e-9) there. Beside a median stands its 95 % interval, from "
        "order statistics. Counted in evaluations; the runs were made "
        f"{made}.</p>"
    ]
    first = results.record["problems"][:MOST_CURVES]
    for (problem, budget), group in tables["quality"].groupby(["problem", "budget"], sort=False):
        text = f"<h3>{escape(str(problem))}, {budget} evaluations</h3>{html_table(*quality_cells(group))}"
        if budget != results.budget or problem not in first:
            text = f"<details><summary>{escape(str(problem))}, {budget} evaluations</summary>{text}</details>"
        parts.append(text)
    return "".join(parts)


def _curves(results: Benchmark) -> str:
    styles, shown = _styles(results)
    parts = [
        '<p class="note">Median over seeds, band: interquartile range. Click a name to show or hide it; '
        "the best "
        f"{figures.SHOWN} by mean rank and random search are shown at first. Regrets below "
        f"{figures.FLOOR:g} are "
        "drawn there.</p>"
    ]
    for problem in results.record["problems"][:MOST_CURVES]:
        parts.append(
            f"<h3>{escape(problem)}, by evaluations</h3>"
            + _figure(figures.anytime(results, problem, styles, shown))
        )
    for kind in ("compiled", "torch", "python"):
        drawn = figures.anytime_seconds(results, kind, styles, [*shown, "exact"])
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
        name, inner = escape(str(problem)), html_table(*running_time_cells(group))
        folded = f"<details><summary>{name}</summary>{inner}</details>"
        parts.append(f"<h3>{name}</h3>{inner}" if problem in first else folded)
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
        "regret, ties "
        "counted half; point at a cell for its 95 % bootstrap interval over blocks and its adjusted p.</p>"
    ]
    for budget in reversed(results.budgets):
        table = compare(results.runs, budget)
        if len(table.methods) < 2:
            continue
        inner = _figure(figures.win_rate_map(table))
        diagram = figures.critical_difference_svg(results, budget)
        if diagram:
            inner += (
                f"<h3>Critical difference, {budget} evaluations: mean ranks over {table.blocks} blocks; "
                "what a bar "
                f'joins cannot be told apart (Nemenyi)</h3><div class="figure">{diagram}</div>'
            )
        else:
            inner += (
                '<p class="note">No critical-difference diagram: it compares methods over at least '
                f"{MIN_BLOCKS} problems, and seeds of one problem are not problems.</p>"
            )
        heading = f"{budget} evaluations"
        shown = budget == results.budget
        parts.append(
            f"<h3>{heading}</h3>{inner}"
            if shown
            else f"<details><summary>{heading}</summary>{inner}</details>"
        )
    return "".join(parts)


def _time(results: Benchmark, tables: dict[str, pd.DataFrame]) -> str:
    if not _timed(results):
        return '<p class="note">No timed runs were made.</p>'
    styles, _ = _styles(results)
    return (
        '<p class="note">Serial runs on one core, one thread, after an untimed warm-up; medians. Overhead is '
        "everything but the objective: the library's own work and the adapter's.</p>"
        f"{html_table(*timing_cells(tables['timing']))}<h3>Overhead against the number of evaluations</h3>"
        f"{_figure(figures.overhead_curves(tables['overhead'], styles))}"
        "<h3>Projection: which method for which objective</h3>"
        '<p class="note">Expected seconds to within 1 % of the optimum = expected evaluations x (cost of one '
        "evaluation + overhead), with 95 % bootstrap intervals over blocks; methods that succeed too rarely "
        "for an interval with an end stand last.</p>"
        f"{html_table(*projection_cells(tables['projection']))}"
        f"{_figure(figures.projection_curves(tables['projection'], styles))}"
    )


def _failures(results: Benchmark) -> str:
    drawn = figures.failure_bars(results.runs)
    if not drawn:
        return f'<p class="note">None of {len(results.runs)} runs failed, and no evaluation did.</p>'
    failed = results.runs[results.runs["status"] != "ok"]
    causes = failed.groupby(["method", "error"]).size()
    rows = [[str(method), str(error), str(count)] for (method, error), count in causes.items()]
    return _figure(drawn) + (html_table(["method", "cause", "runs"], rows) if rows else "")


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
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(text))}</td></tr>" for name, text in facts)
    return f'<div class="wide"><table class="facts">{rows}</table></div>'


def _styles(results: Benchmark) -> tuple[figures.Styles, list[str]]:
    table = compare(results.runs, results.budget)
    called = [name for name in table.methods if name != "exact"]
    dear = [name for name in results.record["methods"] if is_expensive(name)]
    return figures.Styles(results.record["methods"]), [*called[: figures.SHOWN], *dear, "random"]


def _timed(results: Benchmark) -> bool:
    return bool((results.runs["mode"] == "timing").any())


def _figure(drawn: str) -> str:
    return f'<div class="figure">{drawn}</div>' if drawn else ""


def html_table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table with every cell escaped."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in cells)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>'
