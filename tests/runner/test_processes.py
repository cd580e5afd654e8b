"""Work side by side: the answers in their order, and what a process leaves undone is done by the caller."""

from __future__ import annotations

import os

import pytest
from misbehave import die_elsewhere, fail, square

from backtune.runner.processes import AHEAD, side_by_side, started


def test_one_process_is_this_one():
    assert list(side_by_side(square, [3, 4], 1)) == [(9, os.getpid()), (16, os.getpid())]


@pytest.mark.slow
def test_answers_come_in_the_order_of_the_items_from_other_processes():
    answers = list(side_by_side(square, iter(range(20)), 2))
    assert [answer for answer, _ in answers] == [number**2 for number in range(20)]
    assert os.getpid() not in {process for _, process in answers}


@pytest.mark.slow
def test_processes_that_were_started_before_do_the_work():
    with started(2) as processes:
        answers = [*side_by_side(square, range(4), processes), *side_by_side(square, range(4, 8), processes)]
    assert [answer for answer, _ in answers] == [number**2 for number in range(8)]
    assert os.getpid() not in {process for _, process in answers}


@pytest.mark.slow
def test_what_a_process_that_died_leaves_undone_is_done_here():
    """The pool is broken from then on: items that were not yet handed over are done here as well."""
    items = [(number, os.getpid()) for number in range(4 * AHEAD)]
    assert list(side_by_side(die_elsewhere, items, 2)) == list(range(4 * AHEAD))


@pytest.mark.slow
def test_an_error_of_the_work_is_the_callers():
    with pytest.raises(ValueError, match="7 is none"):
        list(side_by_side(fail, [7], 2))
