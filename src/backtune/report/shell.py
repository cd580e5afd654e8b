"""What every page of backtune stands in: it opens from disk and asks no host for anything."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from backtune.errors import BacktuneError
from backtune.report.html import text

INLINE = "'unsafe-inline'"


def shell(title: str, *, style: str = "", early: str = "", scripts: str = INLINE) -> str:
    """Give what stands before the body of a page.

    Parameters
    ----------
    title : str
    style : str
        Beside the style that all pages share.
    early : str
        A script that is run before the body is read.
    scripts : str
        Where scripts may come from, for the content security policy: nowhere but the page by default.
    """
    values = {"title": text(title), "style": asset("page.css") + style, "scripts": scripts}
    first = f"<script>{early}</script>" if early else ""
    return Template(asset("page.html")).substitute(values) + first


def ending(script: str) -> str:
    """Give what stands behind the body of a page: its script."""
    return f"</main>\n<script>{script}</script>\n</body>\n</html>\n"


def asset(name: str, package: str = "backtune.report") -> str:
    """Text of a file beside a package's modules, in its folder `assets`."""
    return (files(package) / "assets" / name).read_text("utf-8")


def plotly_script() -> str:
    """Return plotly.js, to be put into a page; the plotly package is located, not imported.

    Raises
    ------
    BacktuneError
        plotly is not installed.
    """
    spec = find_spec("plotly")
    path = Path(spec.origin or "").parent / "package_data" / "plotly.min.js" if spec else Path()
    if not path.is_file():
        raise BacktuneError("this page needs plotly, which is not installed; pip install 'plotly>=5.24'")
    return path.read_text("utf-8").replace("</script", "<\\/script")
