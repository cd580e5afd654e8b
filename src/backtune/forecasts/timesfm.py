"""TimesFM 3 (Google 2026): high, low and close as variates of one series. Its weights are non-commercial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from backtune.errors import ForecasterError
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import LEVELS, flag
from backtune.forecasts.contexts import Context, left_padded
from backtune.forecasts.torch_models import TorchForecaster


class TimesFM(TorchForecaster):
    """TimesFM 3 on log high, low and close over the last close, the three attending to each other.

    Parameters
    ----------
    weights : str
    accept_license : bool
        Say that your use is one that the weights' licence allows: neither commercial nor in production.
    **common
        See `TorchForecaster`.

    Raises
    ------
    SettingError
    ForecasterError
        The licence is not accepted.
    """

    kind: ClassVar[str] = "timesfm"
    packages: ClassVar[tuple[str, ...]] = ("timesfm",)
    module: ClassVar[str] = "timesfm3"
    ragged = True

    def __init__(self, weights: str, *, accept_license: bool = False, **common: Any) -> None:
        super().__init__(weights, **common)
        if not flag("accept_license", accept_license):
            raise ForecasterError(
                f"{self.name}: the weights of TimesFM 3 may be used neither commercially nor in production; "
                "read their licence and give accept_license=true, or use another model"
            )

    def load(self, folder: str) -> Any:
        """Load the model."""
        from timesfm3 import TimesFM3Forecaster

        model = TimesFM3Forecaster.from_pretrained(folder, device="cpu").model
        if tuple(model.quantiles) != LEVELS:
            raise ForecasterError(f"{self.name}: its quantiles are not 0.1 to 0.9; give weights of TimesFM 3")
        return model

    def modules(self, model: Any) -> list[Any]:
        """Return the model itself."""
        return [model]

    def blocks(self, model: Any) -> list[Any]:
        """Return the transformer."""
        return [model.transformer_stack]

    def prepare(self, model: Any, contexts: Sequence[Context]) -> Any:
        """Left-pad to whole patches and mask the padding, which leaves forecasts as they are."""
        import torch

        values, seen = left_padded(contexts, self.context, model.input_patch_len)
        device = self.target_device()
        return torch.from_numpy(values).to(device), torch.from_numpy(~seen).to(device)

    def forward(self, model: Any, inputs: Any) -> Any:
        """Quantiles (m, 3, 1, levels) of the next bar."""
        values, padding = inputs
        return model.decode(values, horizon=1, mask=padding).cpu()

    def finish(self, outputs: Any, contexts: Sequence[Context]) -> tuple[Array, Array | None]:
        """Moves from log offsets."""
        return np.expm1(outputs[:, :, 0].double().numpy()), None
