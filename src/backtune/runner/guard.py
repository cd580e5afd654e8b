"""What worker processes cannot do with a caller's program: run its main script again, or take what it holds.

A process that is started afresh (the only way on Windows, and the way of macOS and of Dask) imports the main
script. A call that is not under ``if __name__ == "__main__":`` would start workers in each worker. It is
refused before there is a worker, where the script shows it; else the first worker tells, and ends.
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from backtune.backtest import Settings
from backtune.bars.reader import is_reader
from backtune.errors import (
    BacktuneError,
    ForecasterError,
    OptimizerError,
    SettingError,
    StrategyError,
    in_a_line,
)

TOLD = "BACKTUNE_UNGUARDED"  # environment variable of workers: the file that one makes to tell
NO_GUARD = (
    "worker processes import the main script, and would call this again; put the call under "
    "`if __name__ == '__main__':`, or use one worker (max_workers=1)"
)
BRANCHES = (ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.While)  # what a guard is made of
PROCESS = {  # what a script asks that wants to know which process it is in
    "__name__", "__spec__", "environ", "getenv", "getpid", "getppid", "multiprocessing", "psutil",
    "threading", "current_process", "parent_process", "globals", "vars", "_getframe", "inspect",
}  # fmt: skip


class UnguardedError(SettingError, SystemExit):
    """A call that every worker process would make again; where nobody catches it, one line ends the script.

    It is the script that is at fault, and no traceback of it would say more than the line does.
    """

    def __init__(self, message: str = NO_GUARD) -> None:
        super().__init__(message)
        self.code = f"backtune: {message}"  # what Python prints of a SystemExit


def check_guard() -> None:
    """Refuse a call that stands where every worker process would make it again.

    Raises
    ------
    UnguardedError
        In the program itself; or its script is nowhere on disk (``python - < script.py``).
    SystemExit
        In a worker process that is starting: it tells the program, which says it in one line.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # it imports the main script now
        if TOLD not in os.environ:
            raise UnguardedError
        with suppress(OSError):
            Path(os.environ[TOLD]).touch()
        raise SystemExit(1)
    if multiprocessing.parent_process() is not None:
        raise SettingError("workers were asked for inside a worker process; use one worker there")
    if not _imports_main():
        return
    script = getattr(sys.modules["__main__"], "__file__", None)
    if script is not None and not os.path.exists(script):
        raise UnguardedError(
            f"worker processes import the main script, and {script} is no file that they could; save it as "
            "one, or use one worker (max_workers=1)"
        )
    if _at_top_level():
        raise UnguardedError


def _at_top_level() -> bool:
    """Whether the main script makes the running call without a guard; False where that is not clear."""
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    name = getattr(getattr(main, "__spec__", None), "name", "")
    if path is None or name.endswith("__main__"):  # a notebook, or `python -m`: not imported
        return False
    frame = sys._getframe()
    while frame.f_code.co_name != "<module>" or frame.f_globals is not vars(main):
        if frame.f_back is None:
            return False
        frame = frame.f_back
    try:
        script = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    running = [part for part in script.body if part.lineno <= frame.f_lineno <= (part.end_lineno or 0)]
    branches = [node for part in running for node in ast.walk(part) if isinstance(node, BRANCHES)]
    return bool(running) and (not branches or not _may_ask(script, branches))


def _may_ask(script: ast.Module, branches: Sequence[ast.AST]) -> bool:
    """Whether a script may ask which process it is in: by what can tell, or in a branch by an import."""
    nodes = list(ast.walk(script))
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    } - {"sys"}
    names = {getattr(node, "id", getattr(node, "attr", None)) for node in nodes}
    origins = {getattr(node, "module", None) or "" for node in nodes} | imported
    asked = {part for origin in origins if isinstance(origin, str) for part in origin.split(".")} | names
    decisions = [getattr(node, "test", getattr(node, "subject", node)) for node in branches]
    used = {getattr(node, "id", None) for part in decisions for node in ast.walk(part)}
    return bool(asked & PROCESS or used & imported or "*" in imported)


def _imports_main() -> bool:
    """Whether Dask's workers are started in a way that imports the main script: not where they are forks."""
    try:
        import dask
    except ImportError:  # said with its cure when the workers are started
        return False
    return bool(dask.config.get("distributed.worker.multiprocessing-method", "spawn") != "fork")


@contextmanager
def listening() -> Iterator[Path]:
    """Give the path of the file that a worker makes where it meets an unguarded call."""
    with TemporaryDirectory(prefix="backtune-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "unguarded"
        before = os.environ.get(TOLD)
        os.environ[TOLD] = str(path)
        try:
            yield path
        finally:
            os.environ.pop(TOLD)
            if before is not None:
                os.environ[TOLD] = before


def check_objects(settings: Settings, data: object = None) -> None:
    """Refuse objects of the caller's that no other process can be given.

    Raises
    ------
    StrategyError, ForecasterError, OptimizerError, SettingError
        Names the object, and what of it cannot be sent.
    """
    objects: list[tuple[str, object, type[BacktuneError]]] = [
        (f"strategy {getattr(one, 'name', one)!r}", one, StrategyError) for one in settings.strategies
    ]
    objects += [(f"exit {_label(rule)!r}", rule, SettingError) for rule in settings.exits]
    objects.append((f"objective {_label(settings.objective)!r}", settings.objective, SettingError))
    objects.append((f"model {getattr(settings.model, 'name', '')!r}", settings.model, ForecasterError))
    objects.append((f"optimizer {settings.method!r}", settings.optimizer, OptimizerError))
    objects.append((f"tuning {_label(settings.tuning)!r}", settings.tuning, SettingError))
    if is_reader(data):
        objects.append((f"source {_label(data)!r}", data, SettingError))
    import cloudpickle

    for name, item, kind in objects:
        if isinstance(item, str):
            continue
        try:
            cloudpickle.loads(cloudpickle.dumps(item))
        except Exception as error:
            raise kind(
                f"{name} cannot be sent to a worker process ({in_a_line(error)}); leave locks, open files, "
                "connections and loggers out of what it holds, or use one worker (max_workers=1)"
            ) from error


def _label(item: object) -> str:
    return str(getattr(item, "__name__", type(item).__name__))
