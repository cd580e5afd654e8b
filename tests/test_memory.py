"""Memory that is given back: wherever there is nothing to ask for that, nothing happens."""

import ctypes

import pytest

from backtune.memory import give_back


@pytest.mark.parametrize("fault", [OSError("no such library"), TypeError("no path"), AttributeError("trim")])
def test_a_system_without_it_is_left_alone(fault, monkeypatch):
    def refuse(name):
        raise fault

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    give_back()


def test_what_is_held_stays_as_it_was():
    held = [bytes([number]) * 100_000 for number in range(50)]
    freed = [bytes(100) for _ in range(100_000)]
    del freed
    give_back()
    assert all(set(part) == {number} for number, part in enumerate(held))
