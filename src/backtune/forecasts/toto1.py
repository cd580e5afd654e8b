"""Toto 1 (Cohen et al. 2025, arXiv 2505.14766): one pass a context, then draws from the mixture it gives.

The library's own sampler runs the model once for each batch of draws and draws every time of the series. For
one bar ahead that is not needed: the model's distribution of the bar after the context is read once, and all
draws are made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from backtune.errors import whole_number
from backtune.forecasts.arrays import Array, ordered
from backtune.forecasts.base import LEVELS
from backtune.forecasts.contexts import Context, left_padded
from backtune.forecasts.torch_models import TorchForecaster
from backtune.forecasts.weights import need

TINY = 1e-9  # log moves; the unit of a series that does not move


class Toto1(TorchForecaster):
    """Toto 1 on log high, low and close over the last close, in units of the context's own moves.

    The unit is there for its scaler, which adds a tenth to the variance: plain log moves would be flat.
    Contexts of unequal length do not share a call, since padding changes this model's forecasts.

    Parameters
    ----------
    weights : str
    samples : int
        Draws a bar, those of high, low and close independent of each other, as in the library.
    seed : int
        Draws depend on it and on the context alone, not on the batch.
    **common
        See `TorchForecaster`.

    Raises
    ------
    SettingError
    """

    kind: ClassVar[str] = "toto1"
    packages: ClassVar[tuple[str, ...]] = ("timecopilot-toto",)
    module: ClassVar[str] = "toto"

    def __init__(self, weights: str, *, samples: int = 256, seed: int = 0, **common: Any) -> None:
        super().__init__(weights, **common)
        self.samples, self.seed = whole_number("samples", samples, 1), whole_number("seed", seed, 0)

    def identity(self) -> dict[str, Any]:
        """See `TorchForecaster`; the settings of the draws with it."""
        return {**super().identity(), "draws": [self.samples, self.seed]}

    def load(self, folder: str) -> Any:
        """Load the model."""
        for package in ("torch", "gluonts", "jaxtyping", "rotary_embedding_torch"):
            need(package, self.kind)
        from toto.model.toto import Toto

        return Toto.from_pretrained(folder)

    def modules(self, model: Any) -> list[Any]:
        """Return the model itself."""
        return [model]

    def names(self, module: Any, names: set[str]) -> set[str]:
        """Names of tensors as the loader maps them; rotary frequencies are computed, not loaded."""
        fused, apart = (set(module._map_state_dict_keys(dict.fromkeys(names), use)) for use in (True, False))
        return fused | apart | {name for name in module.state_dict() if name.endswith("rotary_emb.freqs")}

    def blocks(self, model: Any) -> list[Any]:
        """Return the transformer."""
        return [model.model.transformer]

    def prepare(self, model: Any, contexts: Sequence[Context]) -> Any:
        """Left-pad to whole patches, as the library does, and scale to the context's unit."""
        import torch

        values, seen = left_padded(contexts, len(contexts[0]), model.model.patch_embed.stride)
        values /= _units(contexts).astype(np.float32)[:, None, None]
        mask = torch.from_numpy(np.repeat(seen[:, None], 3, axis=1))
        device = self.target_device()
        return torch.from_numpy(values).to(device), mask.to(device)

    def forward(self, model: Any, inputs: Any) -> Any:
        """Weight, degrees of freedom, location and scale of each component, shape (4, m, 3, components)."""
        import torch

        values, mask = inputs
        network, first = model.model, -model.model.patch_embed.stride
        states, loc, scale = network.backbone(
            values, mask, torch.zeros_like(values), scaling_prefix_length=values.shape[-1]
        )
        law = network.output_distribution(states[:, :, first])
        mixed = isinstance(law, torch.distributions.MixtureSameFamily)
        part = law.component_distribution if mixed else law
        weight = law.mixture_distribution.probs if mixed else torch.ones_like(part.df)
        at = first if loc.shape[-1] > 1 else 0  # a scaler that is not causal has one scale for the series
        shift, stretch = loc[:, :, at, None], scale[:, :, at, None]
        terms = [weight, part.df, shift + stretch * part.loc, stretch * part.scale]
        if not mixed:
            terms = [term[..., None] if term.ndim == 2 else term for term in terms]
        return torch.stack([term.double().cpu() for term in terms])

    def finish(self, outputs: Any, contexts: Sequence[Context]) -> tuple[Array, Array | None]:
        """Moves of the draws, and their quantiles."""
        uniform = np.stack([context.uniform(self.seed, self.samples, 3, 2) for context in contexts])
        drawn = draw(outputs.numpy(), np.moveaxis(uniform, 1, 2))
        samples = np.expm1(np.moveaxis(drawn, 2, 1) * _units(contexts)[:, None, None])
        return np.moveaxis(np.quantile(ordered(samples, axis=2), LEVELS, axis=1), 0, -1), samples


def draw(mixture: Array, uniform: Array) -> Array:
    """Draw from mixtures of Student t by inverse distribution.

    Parameters
    ----------
    mixture : ndarray, shape (4, ..., components)
        Weight, degrees of freedom, location and scale.
    uniform : ndarray, shape (..., S, 2)
        In [0, 1): two numbers a draw, for its component and its place in it.

    Returns
    -------
    ndarray, shape (..., S)
    """
    from scipy.special import stdtrit

    weight, df, location, scale = mixture
    reached = np.cumsum(weight, axis=-1)
    wanted = uniform[..., 0] * reached[..., -1:]
    component = (wanted[..., None] >= reached[..., None, :-1]).sum(axis=-1)
    df, location, scale = (np.take_along_axis(term, component, axis=-1) for term in (df, location, scale))
    place = np.maximum(uniform[..., 1], np.finfo(float).epsneg / 2)  # 0 lies infinitely far out
    return np.asarray(location + scale * stdtrit(df, place))


def _units(contexts: Sequence[Context]) -> Array:
    """Root mean square of each context's close-to-close log moves, shape (m,)."""
    moves = [np.diff(np.log(context.prices[3])) for context in contexts]
    return np.array([max(float(np.sqrt(np.mean(each**2))), TINY) for each in moves])
