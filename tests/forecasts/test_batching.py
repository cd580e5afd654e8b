import weakref

import pytest

from backtune.errors import ForecasterError
from backtune.forecasts import batching
from backtune.forecasts.batching import ChunkSize, in_chunks


def limited(most, message="CUDA out of memory. Tried to allocate"):
    calls = []

    def call(part):
        calls.append(len(part))
        if len(part) > most:
            raise RuntimeError(message)
        return list(part)

    return call, calls


def test_halved_until_it_fits_and_remembered():
    call, calls = limited(6)
    chunk = ChunkSize(32)
    results = in_chunks(call, list(range(20)), chunk)
    assert [item for _, part in results for item in part] == list(range(20))
    assert [start for start, _ in results] == [0, 5, 10, 15]
    assert chunk.size == 5
    calls.clear()
    in_chunks(call, list(range(10)), chunk)
    assert calls == [5, 5]


@pytest.mark.parametrize(
    "message", ["DefaultCPUAllocator: can't allocate memory: you tried", "CUDA out of memory"]
)
def test_the_cpu_and_devices_say_it_differently(message):
    call, _ = limited(1, message)
    assert len(in_chunks(call, [1, 2, 3], ChunkSize(4))) == 3


def test_memory_is_given_back_after_what_failed_let_go_of_it(monkeypatch):
    """An error holds its frames, and they the tensors of the call: nothing is free while it lives."""
    held, at_release = [], []

    class Tensor:
        pass

    def call(part):
        tensor = Tensor()
        held.append(weakref.ref(tensor))
        if len(part) > 2:
            raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(batching, "_release", lambda: at_release.append(held[-1]() is None))
    in_chunks(call, list(range(4)), ChunkSize(4))
    assert at_release == [True]


def test_one_context_too_many_is_one_line():
    call, _ = limited(0)
    with pytest.raises(ForecasterError, match="does not fit into memory with one context"):
        in_chunks(call, [1, 2], ChunkSize(2))


def test_another_error_is_not_taken_for_memory():
    call, _ = limited(0, "shapes do not match")
    with pytest.raises(RuntimeError, match="shapes do not match"):
        in_chunks(call, [1, 2], ChunkSize(2))
