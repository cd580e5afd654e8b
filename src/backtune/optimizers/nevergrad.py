"""Nevergrad: several hundred algorithms by one name each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np

from backtune.errors import OptimizerError, SettingError
from backtune.optimizers.base import Evaluator, Search

BATCH = 20
BATCHED = "_batch"  # ends the name of the variant that asks for so many
MOST_CHOICES = 10  # of an ordered parameter that is given as choices, not as whole numbers
LAST_SECONDS = 5.0  # for a thread that was told to end


class Nevergrad(Search):
    """Any algorithm of Nevergrad's registry; `algorithms` lists some of use here.

    Asks for one point at a time, as Nevergrad's `minimize` does with its one worker, because an algorithm
    learns from each. An algorithm with ``_batch`` after its name asks for 20 points before it is told their
    values, as with 20 workers: for an objective whose `batch` costs less than so many calls, at the price of
    more evaluations for the same quality. See https://facebookresearch.github.io/nevergrad.
    """

    library = "nevergrad"
    algorithms: ClassVar[tuple[str, ...]] = (
        "TwoPointsDE", "TwoPointsDE_batch", "DE", "RealSpacePSO", "CMA", "DiagonalCMA", "OnePlusOne",
        "NGOpt", "NgIohTuned", "RandomSearch", "ScrHammersleySearch",
    )  # fmt: skip
    packages = ("nevergrad",)
    quiet = ("cma", "scipy", "sklearn", "bayes_opt")
    extra = "nevergrad"
    encoding = "each type as Nevergrad's own (Scalar, TransitionChoice, Choice)"

    @classmethod
    def known(cls, algorithm: str) -> str:
        """Return `algorithm`; whether the registry has it is seen when a search starts."""
        return algorithm

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Ask, evaluate and tell until the budget stops it."""
        import nevergrad

        array: Any = nevergrad.p.Array(shape=(evaluator.dimension,), lower=0.0, upper=1.0)
        if evaluator.space is not None:
            array = _typed(nevergrad.p, evaluator)
        array.random_state = np.random.RandomState(seed)
        factory = self._factory(nevergrad.optimizers.registry)
        workers = min(BATCH, evaluator.budget) if self.algorithm.endswith(BATCHED) else 1
        if workers > 1 and getattr(factory, "no_parallelization", False):
            raise SettingError(
                f"{self.method}: this algorithm takes one point at a time; leave {BATCHED!r} out of its name"
            )
        with _no_thread_left():
            self._ask_and_tell(factory, array, workers, evaluator)

    def _ask_and_tell(self, factory: Any, array: Any, workers: int, evaluator: Evaluator) -> None:
        try:
            run = factory(parametrization=array, budget=evaluator.budget, num_workers=workers)
            asked = [run.ask() for _ in range(workers)]
        except (ImportError, RuntimeError) as error:
            cause = " ".join(str(error).split())
            raise OptimizerError(
                f"{self.method} needs a package that is not installed ({cause}); install it"
            ) from error
        ask = evaluator.unit if evaluator.space is None else evaluator.values
        while True:
            values = ask(np.array([candidate.value for candidate in asked], dtype=np.float64))
            for candidate, value in zip(asked, values, strict=True):
                run.tell(candidate, -float(value))
            asked = [
                run.ask() for _ in range(min(len(asked), evaluator.remaining))
            ]  # some refuse to go beyond

    def _factory(self, registry: Any) -> Any:
        name = self.algorithm.removesuffix(BATCHED)
        if name in registry:
            return registry[name]
        near = get_close_matches(name, list(registry), n=3)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise SettingError(
            f"unknown algorithm of nevergrad {self.algorithm!r}{hint}; known: {', '.join(self.algorithms)}, "
            f"and the rest of nevergrad.optimizers.registry ({len(registry)} names)"
        )


def _typed(p: Any, evaluator: Evaluator) -> Any:
    """Nevergrad's parameters of the places on the lines of a space."""
    space: Any = evaluator.space
    parts = []
    for parameter, count, low, high in zip(
        space.parameters.values(), evaluator.counts, evaluator.low, evaluator.high, strict=True
    ):
        if not count:
            parts.append(p.Scalar(lower=low, upper=high))
        elif not parameter.ordered:
            parts.append(p.Choice(range(count)))
        elif count <= MOST_CHOICES:
            parts.append(p.TransitionChoice(range(count)))
        else:
            parts.append(p.Scalar(lower=0, upper=int(count) - 1).set_integer_casting())
    return p.Tuple(*parts)


@contextmanager
def _no_thread_left() -> Iterator[None]:
    """End the threads in which Nevergrad runs what can not ask and tell: they would go on, and warn or draw,
    after the search.
    """
    before = set(threading.enumerate())
    try:
        yield
    finally:
        for thread in set(threading.enumerate()) - before:
            if type(thread).__module__.startswith("nevergrad."):
                thread.stop()  # type: ignore[attr-defined]
                thread.join(LAST_SECONDS)
