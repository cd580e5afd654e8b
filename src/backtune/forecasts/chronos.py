"""Chronos-2 (Ansari et al. 2025, arXiv 2510.15821): high, low and close as one group of series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from backtune.errors import ForecasterError
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import LEVELS
from backtune.forecasts.contexts import Context, left_padded
from backtune.forecasts.torch_models import TorchForecaster


class Chronos(TorchForecaster):
    """Chronos-2 on log high, low and close over the last close, the three attending to each other.

    Cross-learning, which lets the contexts of a batch see each other and so the future, stays off.
    """

    kind: ClassVar[str] = "chronos"
    packages: ClassVar[tuple[str, ...]] = ("chronos-forecasting", "transformers")
    module: ClassVar[str] = "chronos"
    ragged = True

    def load(self, folder: str) -> Any:
        """Load the pipeline."""
        import torch
        from chronos import BaseChronosPipeline, Chronos2Pipeline

        pipeline = BaseChronosPipeline.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        if not isinstance(pipeline, Chronos2Pipeline):
            raise ForecasterError(
                f"{self.name}: these are not weights of Chronos-2; give amazon/chronos-2 or such"
            )
        return pipeline

    def modules(self, model: Any) -> list[Any]:
        """Return the pipeline's one module."""
        return [model.model]

    def blocks(self, model: Any) -> list[Any]:
        """Return the encoder."""
        return [model.model.encoder]

    def prune(self, model: Any) -> None:
        """Attend within each context's three series, and compute no token that the forecast does not need."""
        from backtune.forecasts.chronos_encoder import GroupedEncoder

        model.model.encoder = GroupedEncoder(model.model.encoder).eval()

    def prepare(self, model: Any, contexts: Sequence[Context]) -> Any:
        """Left-pad with NaN, which the model leaves out; shape (m, 3, T)."""
        import torch

        values, seen = left_padded(contexts, self.context)
        if not seen.all():
            values[np.broadcast_to(~seen[:, None], values.shape)] = np.nan
        return torch.from_numpy(values).to(self.target_device())

    def forward(self, model: Any, inputs: Any) -> Any:
        """Quantiles (m, 3, levels) of the next bar: the first time of the one patch that is forecast."""
        from chronos.utils import interpolate_quantiles

        network, series = model.model, inputs.flatten(0, 1)
        encoded, scales, *_ = network.encode(context=series, num_output_patches=1)
        patch = network.output_patch_embedding(encoded[0][:, -1]).unflatten(-1, (network.num_quantiles, -1))
        moves = network.instance_norm.inverse(patch[..., 0], scales).unflatten(0, (-1, inputs.shape[1]))
        known = list(model.quantiles)
        if set(LEVELS) <= set(known):
            return moves[..., [known.index(level) for level in LEVELS]].cpu()
        return interpolate_quantiles(list(LEVELS), known, moves).cpu()

    def finish(self, outputs: Any, contexts: Sequence[Context]) -> tuple[Array, Array | None]:
        """Moves from log offsets."""
        return np.expm1(outputs.double().numpy()), None
