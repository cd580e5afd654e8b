"""The parts of the page that are drawn in processes are those of this one, in their order."""

from __future__ import annotations

import pytest

from backtune.report import document
from backtune.report.page import report


@pytest.mark.slow
def test_a_page_drawn_in_processes_is_the_page(sample_run, tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MANY", 2)
    one = report(sample_run.folder)
    one.write(tmp_path / "one.html")
    one.write(tmp_path / "two.html", workers=2)
    assert (tmp_path / "two.html").read_bytes() == (tmp_path / "one.html").read_bytes()
