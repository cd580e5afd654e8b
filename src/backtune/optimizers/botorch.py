"""BoTorch: Bayesian optimization with a Gaussian process."""

from __future__ import annotations

from typing import Any

import numpy as np

from backtune.optimizers.base import Evaluator, Search

INITIAL = 10
BATCH = 5


class BoTorch(Search):
    """Expected improvement over a Gaussian process, a few points a step.

    Ten scrambled Sobol points, then five points a step where the logarithm of the batch expected improvement
    is highest; double precision, in the unit cube. A step costs tenths of a second and grows with the points
    made: for objectives that cost more, and budgets up to a few hundred. See Ament et al. (2023), NeurIPS
    (LogEI), and Balandat et al. (2020), NeurIPS.
    """

    library = "botorch"
    packages = ("torch", "botorch")
    quiet = ("gpytorch", "linear_operator", "scipy")
    extra = "botorch"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Fit, maximize the acquisition, evaluate, until the budget stops it."""
        import torch

        engine = torch.quasirandom.SobolEngine(evaluator.dimension, scramble=True, seed=seed)
        points = engine.draw(INITIAL, dtype=torch.float64)
        values = _evaluate(evaluator, points)
        while True:
            new = self._next(points, values, min(BATCH, evaluator.remaining))
            if new is None:  # nothing to learn from yet: all values equal, or the fit failed
                new = engine.draw(BATCH, dtype=torch.float64)
            points, values = torch.cat([points, new]), torch.cat([values, _evaluate(evaluator, new)])

    def _next(self, points: Any, values: Any, count: int) -> Any:
        import torch
        from botorch.acquisition import qLogExpectedImprovement
        from botorch.exceptions import BotorchError
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.models.transforms import Standardize
        from botorch.optim import optimize_acqf
        from gpytorch.mlls import ExactMarginalLogLikelihood
        from linear_operator.utils.errors import NotPSDError

        if values.max() == values.min() or not torch.isfinite(values.std()):  # which overflows of the largest
            return None
        cube = torch.tensor([[0.0], [1.0]], dtype=torch.float64).expand(2, points.shape[1])
        try:
            model = SingleTaskGP(points, values, outcome_transform=Standardize(1))
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            gain = qLogExpectedImprovement(model, best_f=values.max())
            best, _ = optimize_acqf(
                gain, bounds=cube, q=count, num_restarts=4, raw_samples=64, options={"maxiter": 50}
            )
        except (BotorchError, NotPSDError, torch.linalg.LinAlgError):
            return None
        return best.detach()


def _evaluate(evaluator: Evaluator, points: Any) -> Any:
    import torch

    return torch.from_numpy(np.asarray(evaluator.unit(points.numpy())))[:, None]
