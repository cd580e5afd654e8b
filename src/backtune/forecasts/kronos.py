"""Kronos (Shi et al. 2025, arXiv 2508.02739): bars as pairs of tokens, drawn S times in one pass.

The library's own predictor runs the whole model once a draw and returns the mean of the draws. For one bar
ahead that is not needed: the context is encoded once, all first tokens are drawn from one distribution, the
second tokens' cross-attention looks at the context once for all of them, and the decoder (causal) reads the
context once and then only the drawn tokens.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backtune.errors import SettingError, whole_number
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import LEVELS
from backtune.forecasts.contexts import Context
from backtune.forecasts.kronos_steps import decode_last, draw, second_logits
from backtune.forecasts.torch_models import TorchForecaster
from backtune.forecasts.weights import Weights, locate, need

CLIP = 5.0  # standard deviations; the library's own
TINY = 1e-5
WINDOW = 512  # the model's positions; the decoder's window holds the drawn bar too


class Kronos(TorchForecaster):
    """Kronos on bars normalised a context each, with samples.

    Parameters
    ----------
    weights : str
    tokenizer : str, optional
        Hub name or folder of the tokenizer. By default the folder `tokenizer` inside a local folder of
        weights; on the hub the one that its authors pair with the model.
    samples : int
        Draws a bar.
    seed : int
        Draws depend on it and on the context alone, not on the batch.
    temperature, top_p : float
        Of the sampling: logits are divided by `temperature`, and the least likely tokens beyond the
        probability `top_p` are left out. The library's own defaults.
    **common
        See `TorchForecaster`.

    Raises
    ------
    SettingError
    """

    kind: ClassVar[str] = "kronos"
    packages: ClassVar[tuple[str, ...]] = ("sktime",)
    module: ClassVar[str] = "sktime.libs.kronos"

    def __init__(
        self,
        weights: str,
        *,
        tokenizer: str | None = None,
        samples: int = 64,
        seed: int = 0,
        temperature: float = 1.0,
        top_p: float = 0.9,
        **common: Any,
    ) -> None:
        super().__init__(weights, **common)
        self.tokenizer = tokenizer
        self.samples, self.seed = whole_number("samples", samples, 1), whole_number("seed", seed, 0)
        if not isinstance(temperature, int | float) or not temperature > 0:
            raise SettingError(f"temperature is {temperature!r}; expected a number above 0")
        if not isinstance(top_p, int | float) or not 0 < top_p <= 1:
            raise SettingError(f"top_p is {top_p!r}; expected 0 < top_p <= 1")
        self.temperature, self.top_p = float(temperature), float(top_p)

    def identity(self) -> dict[str, Any]:
        """See `TorchForecaster`; the tokenizer's hash and the settings of the draws with it."""
        return {
            **super().identity(),
            "tokenizer": self._tokenizer(self._located()).digest,
            "draws": [self.samples, self.seed, self.temperature, self.top_p],
        }

    def chunk_size(self) -> int:
        """Contexts a call to begin with: fewer than other models, since each brings its draws."""
        return max(super().chunk_size() // 4, 1)

    def load(self, folder: str) -> Any:
        """Load model and tokenizer."""
        for package in ("torch", "einops", "tqdm"):
            need(package, self.kind)
        from sktime.libs.kronos import Kronos as Model
        from sktime.libs.kronos import KronosTokenizer

        model = Model.from_pretrained(folder)
        tokenizer = KronosTokenizer.from_pretrained(str(self._tokenizer(self._located()).folder))
        if (model.s1_bits, model.s2_bits) != (tokenizer.s1_bits, tokenizer.s2_bits):
            raise ValueError("the tokenizer's bits are not the model's")
        return model, tokenizer

    def modules(self, model: Any) -> list[Any]:
        """Return model and tokenizer."""
        return list(model)

    def parts(self, weights: Weights) -> list[Weights]:
        """Weights of model and tokenizer."""
        return [weights, self._tokenizer(weights)]

    def blocks(self, model: Any) -> list[Any]:
        """Return the transformer's blocks."""
        return [*model[0].transformer, *model[1].encoder]

    def prepare(self, model: Any, contexts: Sequence[Context]) -> Any:
        """Normalised bars (m, T, 6), calendar (m, T, 5), and uniform numbers for the draws (m, S, 2)."""
        import torch

        bars = np.stack([_features(context) for context in contexts])
        mean, spread = bars.mean(axis=1, keepdims=True), bars.std(axis=1, keepdims=True) + TINY
        normal = np.clip((bars - mean) / spread, -CLIP, CLIP)
        calendar = np.stack([_calendar(context) for context in contexts])
        draws = [context.uniform(self.seed, self.samples, 2) for context in contexts]
        uniform = np.stack(draws).astype(np.float32)
        device = self.target_device()
        tensors = [torch.from_numpy(array).to(device) for array in (normal, calendar, uniform)]
        return tensors, mean, spread

    def forward(self, model: Any, inputs: Any) -> Any:
        """Prices (m, S, 6) of the drawn bars."""
        (bars, calendar, uniform), mean, spread = inputs
        network, tokenizer = model
        first, second = tokenizer.encode(bars, half=True)
        logits, hidden = network.decode_s1(first, second, calendar)
        coarse = draw(logits[:, -1:].float(), uniform[..., 0], self.temperature, self.top_p)
        fine_logits = second_logits(network, hidden, coarse).float()
        fine = draw(fine_logits, uniform[..., 1], self.temperature, self.top_p)
        start = max(first.shape[1] + 1 - max(WINDOW, self.context), 0)
        drawn = decode_last(tokenizer, (first[:, start:], second[:, start:]), (coarse, fine))
        return drawn.float().cpu().numpy() * spread + mean

    def finish(self, outputs: Any, contexts: Sequence[Context]) -> tuple[Array, Array | None]:
        """Moves of the draws, the high and low stretched to the drawn open, and their quantiles."""
        last = np.array([context.prices[3, -1] for context in contexts])[:, None]
        opened, high, low, close = (outputs[..., k] / last - 1.0 for k in range(4))
        samples = np.stack([np.maximum(high, opened), np.minimum(low, opened), close], axis=-1)
        right = np.stack(
            [np.maximum(samples[..., 0], close), np.minimum(samples[..., 1], close), close], axis=-1
        )
        return np.moveaxis(np.quantile(right, LEVELS, axis=1), 0, -1), samples

    def _tokenizer(self, weights: Weights) -> Weights:
        if self.tokenizer:
            return locate(self.tokenizer, self.kind)
        if weights.folder == Path(os.path.expanduser(self.weights)):
            return locate(str(weights.folder / "tokenizer"), self.kind)
        owner = self.weights.partition("/")[0]
        kind = "2k" if "mini" in self.weights.lower() else "base"
        return locate(f"{owner}/Kronos-Tokenizer-{kind}", self.kind)


def _features(context: Context) -> Any:
    """Open, high, low, close, volume and amount, shape (T, 6), in the library's own single precision."""
    amount = context.volume * context.prices.mean(axis=0)
    return np.vstack([context.prices, context.volume, amount]).T.astype(np.float32)


def _calendar(context: Context) -> Any:
    """Minute, hour, weekday (Monday 0), day and month of each bar on the exchange's clock, shape (T, 5)."""
    days = context.local.astype("datetime64[D]")
    minutes = (context.local - days) // np.timedelta64(1, "m")
    months = days.astype("datetime64[M]")
    columns = (
        minutes % 60,
        minutes // 60,
        (days.astype(np.int64) + 3) % 7,  # 1970-01-01 was a Thursday
        (days - months).astype(np.int64) + 1,
        months.astype(np.int64) % 12 + 1,
    )
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)
