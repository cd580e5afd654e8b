"""The parts of the page that are drawn in processes are those of this one, in their order."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from backtune.report import document
from backtune.report.page import report
from backtune.report.pieces import Drawn, Piece, _drawn
from backtune.store import Run


@pytest.mark.slow
def test_a_page_drawn_in_processes_is_the_page(sample_run, tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MANY", 2)
    one = report(sample_run.folder)
    one.write(tmp_path / "one.html")
    one.write(tmp_path / "two.html", workers=2)
    assert (tmp_path / "two.html").read_bytes() == (tmp_path / "one.html").read_bytes()


def test_what_a_process_that_was_killed_had_to_draw_is_drawn_here(sample_run):
    run = Run.open(sample_run.folder)
    page = report(run)
    piece = Piece(run["SP500"], page.judged[0].symbols["SP500"], page.tries[0].symbols["SP500"], 5, "maxdiff")
    lost: Future[Drawn] = Future()
    lost.set_exception(BrokenProcessPool())
    again, once = _drawn(piece, lost), piece.draw()
    assert (again.row, again.details, again.recent) == (once.row, once.details, once.recent)
