"""The wheel: small, whole, and whatever is of others in it with its licence."""

from __future__ import annotations

import email
import re
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Names of the wheel's files, its metadata and its size; built here, without a network."""
    build = pytest.importorskip("hatchling.build")
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        path = folder / build.build_wheel(str(folder))
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        (about,) = (name for name in names if name.endswith("dist-info/METADATA"))
        return names, email.message_from_bytes(archive.read(about)), path.stat().st_size


@pytest.mark.slow
def test_it_holds_every_file_of_the_package_its_licence_and_no_more(wheel):
    names, _, size = wheel
    ours = {
        str(path.relative_to(ROOT / "src").as_posix())
        for path in (ROOT / "src" / "backtune").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    beside = [name.rpartition("/")[2] for name in set(names) - ours]
    assert ours <= set(names)
    assert sorted(beside) == ["LICENSE", "LICENSE", "METADATA", "RECORD", "WHEEL", "entry_points.txt"]
    assert any(name.endswith("licenses/src/backtune/report/assets/uplot/LICENSE") for name in names)
    assert size < MOST_BYTES


@pytest.mark.slow
def test_it_says_what_it_is(wheel):
    _, about, _ = wheel
    assert about["License-Expression"] == "Apache-2.0 AND MIT"  # uPlot, which draws the page's figures
    assert about["Requires-Python"] == ">=3.11"
    assert {line.partition(",")[0] for line in about.get_all("Project-URL")} >= {"Documentation", "Issues"}
    text = about.get_payload()
    assert "pip install backtune" in text
    links = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []  # PyPI has no files beside it
