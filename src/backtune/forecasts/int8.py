"""Linear layers in 8-bit integers, a step for each row of activations and for each row of weights.

A row is one token of one context. With one step a tensor, as torch's own dynamic quantization has it, the
largest activation of a call sets the step of all of them, so that a context's forecast depends on its
company, and on bars that come later. Here a row's codes come from the row alone, and products of integers
are exact: the same row gives the same bits whatever else is in the call.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

LARGEST = 127.0
TINY = 1e-30  # the least step: a row of zeros has none of its own
EXACT = 1024  # products of codes whose sum a 32-bit float holds exactly: 1024 x 127 x 127 < 2^24


class Int8Linear(nn.Module):  # type: ignore[misc, unused-ignore]
    """A linear layer that computes in codes from -127 to 127.

    Parameters
    ----------
    layer : Linear
        Whose weights and bias it takes.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        codes, step = encode(layer.weight.detach().float())
        self.register_buffer("codes", codes.t().contiguous())
        self.register_buffer("step", step[:, 0])
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach().float())
        # torch 2.13 takes a single row of weights for a column, and multiplies what lies elsewhere
        self.fast = has_int8_products() and layer.in_features > 1

    def forward(self, states: Tensor) -> Tensor:
        """Shape (..., inputs) in, (..., outputs) out."""
        codes, step = encode(states.flatten(0, -2) if states.dim() > 1 else states[None])
        sums = torch._int_mm(codes, self.codes) if self.fast else float_products(codes, self.codes)
        result = sums.float().mul_(step).mul_(self.step)  # converted first: mixed types are six times slower
        if self.bias is not None:
            result = result.add_(self.bias)
        return result.reshape(*states.shape[:-1], result.shape[-1])


def encode(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Codes (m, k) of the rows, and the step (m, 1) that a code is a multiple of."""
    largest = torch.maximum(rows.amax(-1, keepdim=True), -rows.amin(-1, keepdim=True))
    step = (largest / LARGEST).clamp_min(TINY)
    return (rows / step).round_().to(torch.int8), step


def has_int8_products() -> bool:
    """Whether this CPU multiplies 8-bit integers without losing a sum that is too large on the way."""
    vnni = getattr(torch.cpu, "_is_vnni_supported", lambda: False)
    return bool(torch.backends.mkldnn.is_available() and vnni())


def float_products(left: Tensor, right: Tensor) -> Tensor:
    """Sums of products of codes by 32-bit floats, exact: (m, k) and (k, n) in, integers (m, n) out."""
    sums = torch.zeros((left.shape[0], right.shape[1]), dtype=torch.int32)
    for part, other in zip(left.split(EXACT, 1), right.split(EXACT, 0), strict=True):
        sums += (part.float() @ other.float()).to(torch.int32)
    return sums


def swap_linear_layers(module: Any) -> int:
    """Put an `Int8Linear` in the place of each linear layer inside the module; return how many there were.

    Layers of a class built on Linear compute something else, and stay.
    """
    layers = [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear
    ]
    for parent, name, layer in layers:
        setattr(parent, name, Int8Linear(layer))
    return len(layers)
