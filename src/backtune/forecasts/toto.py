"""Toto 2 (Datadog 2026): high, low and close as variates of one series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from backtune.forecasts.arrays import Array
from backtune.forecasts.contexts import Context, left_padded
from backtune.forecasts.torch_models import TorchForecaster


class Toto(TorchForecaster):
    """Toto 2 on log high, low and close over the last close, the three attending to each other."""

    kind: ClassVar[str] = "toto"
    packages: ClassVar[tuple[str, ...]] = ("toto-2", "timecopilot-toto-2")  # one of them
    module: ClassVar[str] = "toto2"
    ragged = True

    def load(self, folder: str) -> Any:
        """Load the model."""
        from toto2 import Toto2Model

        return Toto2Model.from_pretrained(folder)

    def modules(self, model: Any) -> list[Any]:
        """Return the model itself."""
        return [model]

    def blocks(self, model: Any) -> list[Any]:
        """Return the transformer."""
        return [model.transformer]

    def prepare(self, model: Any, contexts: Sequence[Context]) -> Any:
        """Left-pad to whole patches and mask the padding, which leaves forecasts as they are."""
        import torch

        values, seen = left_padded(contexts, self.context, model.config.patch_size)
        device = self.target_device()
        return {
            "target": torch.from_numpy(values).to(device),
            "target_mask": torch.from_numpy(seen).to(device)[:, None].expand(-1, 3, -1),
            "series_ids": torch.zeros((len(contexts), 3), dtype=torch.long, device=device),
        }

    def forward(self, model: Any, inputs: Any) -> Any:
        """Quantiles (levels, m, 3, 1) of the next bar; the levels of `LEVELS` are the model's own."""
        missing = not bool(inputs["target_mask"].all())
        return model.forecast(inputs, horizon=1, decode_block_size=None, has_missing_values=missing).cpu()

    def finish(self, outputs: Any, contexts: Sequence[Context]) -> tuple[Array, Array | None]:
        """Moves from log offsets."""
        return np.expm1(np.moveaxis(outputs[..., 0].double().numpy(), 0, -1)), None
