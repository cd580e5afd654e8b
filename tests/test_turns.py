"""One process at a time has its turn; one that ends, however it does, or is stuck, holds up nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from backtune import turns
from backtune.turns import Turn

HOLD = "import sys, time; from pathlib import Path; from backtune.turns import Turn\n"
HOLD += "Turn(Path(sys.argv[1])).take(); print('taken', flush=True); time.sleep(float(sys.argv[2]))"


def holder(path, seconds):
    """Start a process that has the turn for so long, and ends without giving it back."""
    command = [sys.executable, "-c", HOLD, str(path), str(seconds)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert process.stdout.readline() == b"taken\n"
    return process


def test_a_turn_is_taken_at_once_and_again_and_given_back(tmp_path):
    turn = Turn(tmp_path / "a.turn")
    assert not turn.take()
    assert not turn.take(), "a function that is compiled within itself waits for nobody"
    turn.end()
    turn.end()
    assert not (tmp_path / "a.turn").exists()
    assert not Turn(tmp_path / "a.turn").take()


@pytest.mark.slow
def test_it_is_waited_for_until_the_other_process_ends(tmp_path):
    process = holder(tmp_path / "a.turn", 0.5)
    assert Turn(tmp_path / "a.turn").take()
    assert process.wait(timeout=10) == 0


def test_a_process_that_was_killed_holds_up_nobody(tmp_path):
    process = holder(tmp_path / "a.turn", 600)
    process.kill()
    process.wait()
    started = time.monotonic()
    Turn(tmp_path / "a.turn").take()
    assert time.monotonic() - started < 60


def test_nobody_waits_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.1)
    process = holder(tmp_path / "a.turn", 600)
    try:
        turn = Turn(tmp_path / "a.turn")
        assert turn.take()
        turn.end()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("place", ["missing", "a file"])
def test_where_no_file_can_be_made_there_is_nothing_to_wait_for(tmp_path, place):
    (tmp_path / "a file").touch()
    turn = Turn(tmp_path / place / "a.turn")
    assert not turn.take()
    turn.end()
