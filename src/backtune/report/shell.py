"""What every page of backtune stands in: one file that opens from disk and asks no host for anything."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from backtune.errors import BacktuneError
from backtune.report.html import text


def shell(title: str, *, style: str = "", script: str = "", plotly_first: bool = False) -> tuple[str, str]:
    """Give what stands before and after the body of a page.

    Parameters
    ----------
    title : str
    style : str
        Beside the style that all pages share.
    script : str
        Run at the end, after plotly.js.
    plotly_first : bool
        Put plotly.js before the body, whose figures draw themselves as they are read; else behind it.

    Raises
    ------
    BacktuneError
        plotly is not installed.
    """
    before, after = asset("page.html").split("$body")
    values = {"title": text(title), "style": asset("page.css") + style}
    plotly = plotly_script()
    values |= {"plotly": "" if plotly_first else plotly, "script": script}
    early = f"<script>{plotly}</script>" if plotly_first else ""
    return Template(before).substitute(values) + early, Template(after).substitute(values)


def asset(name: str, package: str = "backtune.report") -> str:
    """Text of a file beside a package's modules, in its folder `assets`."""
    return (files(package) / "assets" / name).read_text("utf-8")


def plotly_file() -> Path:
    """Where the plotly package keeps plotly.js; located, not imported.

    Raises
    ------
    BacktuneError
        plotly is not installed.
    """
    spec = find_spec("plotly")
    path = Path(spec.origin or "").parent / "package_data" / "plotly.min.js" if spec else Path()
    if not path.is_file():
        raise BacktuneError("the report needs plotly, which is not installed; pip install 'plotly>=5.24'")
    return path


def plotly_script() -> str:
    """Return plotly.js, to be put into a page.

    Raises
    ------
    BacktuneError
        plotly is not installed.
    """
    return plotly_file().read_text("utf-8").replace("</script", "<\\/script")
