"""fcmaes: Wolz's C++ CMA-ES, CR-FM-NES, differential evolution and Vaneev's BiteOpt."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from backtune.optimizers.base import Evaluator, Search

POPULATION = 20


class FcMaes(Search):
    """fcmaes: `cmaes` (default), `crfmnes`, `de`, a population of 20 at a time, or `biteopt`, point by point.

    CMA-ES starts again from a random point when it ends by itself. See Nomura and Ono (2022), CEC, for
    CR-FM-NES, and https://github.com/avaneev/biteopt for BiteOpt.
    """

    library = "fcmaes"
    algorithms: ClassVar[tuple[str, ...]] = ("cmaes", "crfmnes", "de", "biteopt")
    packages = ("fcmaes",)
    quiet = ("loguru",)
    extra = "fcmaes"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Run until the budget stops it, from the middle first and from random points after."""
        if self.algorithm == "crfmnes":
            _forget_spare_normal()
        rng = np.random.default_rng(seed)
        start = np.full(evaluator.dimension, 0.5)
        while True:
            if self.algorithm == "biteopt":
                _biteopt(evaluator, rng)
            else:
                self._generations(start, rng, evaluator)
            start = rng.random(evaluator.dimension)

    def encoding_of(self) -> str:
        """How the algorithm sees the types of a space."""
        if self.algorithm == "de":
            return "whole numbers and choices as fcmaes's integers (ints); logarithms as floats"
        return self.encoding

    def _generations(self, start: Any, rng: np.random.Generator, evaluator: Evaluator) -> None:
        ask, run = evaluator.unit, None
        if self.algorithm == "de" and evaluator.counts.any():
            from fcmaes.decpp import DE_C
            from scipy.optimize import Bounds

            box = Bounds(
                np.where(evaluator.counts > 0, 0.0, evaluator.low),
                np.where(evaluator.counts > 0, evaluator.counts - 1.0, evaluator.high),
            )
            run = DE_C(len(start), box, popsize=POPULATION, rg=rng, ints=evaluator.counts > 0)
            ask = evaluator.values
        run = run or self._run_from(start, rng)
        while not run.tell(-ask(run.ask())):
            pass

    def _run_from(self, start: Any, rng: np.random.Generator) -> Any:
        from fcmaes.cmaescpp import ACMA_C
        from fcmaes.crfmnescpp import CRFMNES_C
        from fcmaes.decpp import DE_C

        cube = _cube(len(start))
        if self.algorithm == "de":
            return DE_C(len(start), cube, popsize=POPULATION, rg=rng)
        settings = {"x0": start, "input_sigma": 0.25, "popsize": POPULATION, "normalize": True, "rg": rng}
        return (ACMA_C if self.algorithm == "cmaes" else CRFMNES_C)(len(start), cube, **settings)


def _forget_spare_normal() -> None:
    """Leave the generator of normal numbers inside CR-FM-NES as it is in a new process.

    It makes two numbers at a time and keeps one for the next call, in a variable of the library that outlives
    a run: after an odd number of draws, as every run in an odd dimension makes, the next run begins with a
    number that its seed did not make. Nothing empties it but a draw, and nothing shows it but what is drawn.
    A probe draws an odd number: it leaves a spare where there was none, and uses up one that was there. Of
    three probes, the first and the third, of the same seed, agree only where there was no spare before; then
    three of them leave one.
    """
    first, _, third = (_probe(seed) for seed in (0, 1, 0))
    if first == third:
        _probe(1)


def _probe(seed: int) -> bytes:
    from fcmaes.crfmnescpp import CRFMNES_C

    rng = np.random.default_rng(seed)
    run = CRFMNES_C(1, _cube(1), x0=np.full(1, 0.5), input_sigma=0.25, popsize=4, normalize=True, rg=rng)
    return np.asarray(run.ask()).tobytes()


def _biteopt(evaluator: Evaluator, rng: np.random.Generator) -> None:
    from fcmaes.bitecpp import minimize

    minimize(
        lambda x: -evaluator.unit_value(x),
        _cube(evaluator.dimension),
        max_evaluations=evaluator.remaining + 1,
        rg=rng,
    )


def _cube(dimension: int) -> Any:
    from scipy.optimize import Bounds

    return Bounds(np.zeros(dimension), np.ones(dimension))
