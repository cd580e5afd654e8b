"""Deep calls have room: what they give is the same."""

from __future__ import annotations

import pytest

from backtune.room import with_room


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


def test_calls_within_it_give_what_they_give_without():
    assert with_room(lambda: deep(500)) == deep(500)
    assert with_room(lambda: with_room(lambda: 7)) == 7


def test_an_error_passes_through():
    with pytest.raises(ZeroDivisionError):
        with_room(lambda: 1 // 0)
