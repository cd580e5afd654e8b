"""Whose code a module is, and which version of it is installed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

Origin = Literal["backtune", "python", "library", "own"]

ROOT = Path(__file__).parents[1]
BASE = ("backtune", "numpy", "pandas", "numba", "llvmlite", "scipy", "pyarrow")  # what every result needs
DISTRIBUTIONS = {"sklearn": "scikit-learn", "bayes_opt": "bayesian-optimization"}  # named otherwise
INSTALLED = {"site-packages", "dist-packages"}
STDLIB = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")}


def origin(namespace: Mapping[str, Any]) -> Origin:
    """Whose module it is that has these globals.

    Of an installed package only the version counts; the user's "own" code, which changes from one run to the
    next, is read.
    """
    name, file = str(namespace.get("__name__", "")), namespace.get("__file__")
    return _origin(name, file if isinstance(file, str) else "")


@cache
def _origin(name: str, file: str) -> Origin:
    top = name.partition(".")[0]
    if not file:
        return "python" if top in sys.stdlib_module_names else "own"
    path = Path(file).resolve()
    if ROOT in path.parents:
        return "backtune"
    if INSTALLED & set(path.parts):
        return "library"
    return "python" if any(str(folder) in STDLIB for folder in path.parents) else "own"


def namespace_of(cls: type) -> Mapping[str, Any]:
    """Globals of the module that a class says it is of."""
    name = str(cls.__module__)  # of Cython's own types it is no text
    module = sys.modules.get(name)
    return vars(module) if module is not None else {"__name__": name}


def version_of(package: str) -> str:
    """Version of the distribution that a package's import name, or its own name, means."""
    return _version(package, importlib.metadata.version)


@lru_cache(maxsize=256)
def _version(package: str, look_up: Any) -> str:  # a look-up that was replaced has answers of its own
    try:
        return str(look_up(DISTRIBUTIONS.get(package, package)))
    except importlib.metadata.PackageNotFoundError:
        pass
    if not package.isidentifier() or find_spec(package) is None:
        return "not installed"
    names = sorted(set(_distributions().get(package, [])))
    return ", ".join(str(look_up(name)) for name in names) or "unknown"


@cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()  # most of a second: only for the few named otherwise


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Versions of packages, those left out that are not installed."""
    known = {package: version_of(package) for package in packages}
    return {package: version for package, version in known.items() if version != "not installed"}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide every result."""
    return {"python": platform.python_version()} | {name: version_of(name) for name in BASE}


@cache
def code_digest(*parts: str) -> str:
    """Hash of the source of this package, or of those modules and folders of it alone."""
    paths = []
    for part in parts:
        place = ROOT / part
        paths += list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    sha = hashlib.sha256()
    for path in sorted(paths or ROOT.rglob("*.py")):
        sha.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


def distribution(cls: type, group: str) -> dict[str, str]:
    """Name and version of the distribution that brings `cls` by an entry point of `group`, if one does."""
    if cls.__module__.partition(".")[0] == "backtune":
        return {}
    for entry in importlib.metadata.entry_points(group=group):
        if entry.value == f"{cls.__module__}:{cls.__qualname__}" and entry.dist is not None:
            return {entry.dist.name: entry.dist.version}
    return {}
