"""Start-up: processes timed from outside, warm and with an empty numba cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from speed.page import Plan, Section, Target, duration, table
from speed.timing import Timing, interleaved, once

LIGHT = {
    "`python -c pass`": ["-c", "pass"],
    "`import backtune`": ["-c", "import backtune"],
    "`backtune --help`": ["-m", "backtune", "--help"],
}


def python(arguments: list[str], cache: Path | None = None) -> None:
    """Run Python with these arguments, silently; `cache` is numba's."""
    environment = dict(os.environ) | ({"NUMBA_CACHE_DIR": str(cache)} if cache else {})
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)


def start_up(plan: Plan) -> Section:
    """Time whole processes: import, help, the demo warm and cold."""
    light = {name: lambda arguments=arguments: python(arguments) for name, arguments in LIGHT.items()}
    timings = interleaved(light, plan.rounds, least=0.0)
    cold, warm = demo(plan)
    rows = [(name, duration(timing.median), str(len(timing.rounds))) for name, timing in timings.items()]
    for name, timing in (("warm", warm), ("cold, empty numba cache", cold)):
        shown = (duration(timing.median), str(len(timing.rounds))) if timing else ("not in a quick run", "")
        rows.append((f"`backtune run --demo`, {name}", *shown))
    targets = [
        Target("`import backtune`", 0.5, "s", timings["`import backtune`"].median),
        Target("`backtune --help`", 0.4, "s", timings["`backtune --help`"].median),
        Target("`backtune run --demo`, cold", 15, "s", cold.median if cold else None),
        Target("`backtune run --demo`, warm", 3, "s", warm.median if warm else None),
    ]
    text = "Whole processes, the interpreter's own start included."
    return Section("Start-up", text, [table(("command", "time", "rounds"), rows)], targets)


def demo(plan: Plan) -> tuple[Timing | None, Timing | None]:
    """Cold and warm time of the demo; the warm runs use the cache that the last cold one filled."""
    if not plan.demos:
        return None, None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments = ["-m", "backtune", "run", "--demo", "--output", str(folder / "runs")]
        caches = iter([folder / "first", folder / "second"])
        cold = once(lambda: python(arguments, next(caches)), 2)
        python(arguments, folder / "second")
        warm = once(lambda: python(arguments, folder / "second"), plan.demos)
    return cold, warm
