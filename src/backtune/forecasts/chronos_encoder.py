"""Chronos-2's encoder for groups of three series that follow each other, of whose output one token is read.

The library attends over the whole batch and masks what lies outside a series' group: work and memory that
grow with the square of the batch. Here every group is one context's high, low and close, so attention over
three neighbours gives the same forecasts. (The mask's other part hides padded times; a group's series are
padded alike, and nothing ever reads a padded time.) Beyond that, the same arithmetic in fewer steps:

- the last layer computes the one token that the forecast is read from;
- each layer's queries, keys and values come from one product, into which the norm's weights are multiplied;
- the rotary embedding is a product of complex numbers: a rotation turns channels k and k + d/2 of a head
  together, so queries and keys are made with those two side by side, which leaves their dot products alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from chronos.chronos2.layers import FeedForward, GroupSelfAttention, TimeSelfAttention
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from backtune.errors import ForecasterError

GROUP = 3
LAYERS = (TimeSelfAttention, GroupSelfAttention, FeedForward)


class GroupedEncoder(nn.Module):  # type: ignore[misc, unused-ignore]
    """The encoder it is given, for groups of three; its output is the last token of each series.

    Parameters
    ----------
    encoder : Chronos2Encoder
        Of chronos, in evaluation mode.

    Raises
    ------
    ForecasterError
        Its layers are others in this version of the library.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        if any(tuple(map(type, block.layer)) != LAYERS for block in encoder.block):
            raise ForecasterError(
                "this version of chronos-forecasting is built otherwise; pip install 'backtune[chronos]'"
            )
        last = len(encoder.block) - 1
        self.rotary = encoder.block[0].layer[0].self_attention.rope_embed
        self.block = nn.ModuleList(GroupedBlock(b.layer, k == last) for k, b in enumerate(encoder.block))
        self.final_layer_norm = encoder.final_layer_norm

    def forward(
        self, inputs_embeds: Tensor, *, group_ids: Any, attention_mask: Tensor, output_attentions: bool
    ) -> tuple[Tensor]:
        """Shape (series, times, width) in, (series, 1, width) out; the groups are known."""
        hidden = inputs_embeds
        cos, sin = self.rotary(hidden, torch.arange(hidden.shape[1], device=hidden.device)[None])
        half = cos.shape[-1] // 2
        angles = (cos[0, :, None, :half].float(), sin[0, :, None, :half].float())
        mask = (1.0 - attention_mask[:, None, None, :]) * torch.finfo(hidden.dtype).min
        for block in self.block:
            hidden = block(hidden, angles, mask)
        return (self.final_layer_norm(hidden),)


class GroupedBlock(nn.Module):  # type: ignore[misc, unused-ignore]
    """One layer: attention over the times of a series, then over the series of a group, then the MLP.

    Parameters
    ----------
    layers : sequence of TimeSelfAttention, GroupSelfAttention, FeedForward
        Of chronos.
    last : bool
        Nothing comes behind it that reads other than the last token.
    """

    def __init__(self, layers: Sequence[Any], last: bool) -> None:
        super().__init__()
        times, group, feed = layers
        mine, others = times.self_attention, group.self_attention
        self.heads, self.last, self.epsilon = mine.n_heads, last, times.layer_norm.variance_epsilon
        query, key = (side_by_side(layer.weight, self.heads) for layer in (mine.q, mine.k))
        if last:
            self.query = product([query], times.layer_norm)
            self.key_value = product([key, mine.v.weight], times.layer_norm)
        else:
            self.query_key_value = product([query, key, mine.v.weight], times.layer_norm)
        self.out = mine.o
        self.group = product([others.q.weight, others.k.weight, others.v.weight], group.layer_norm)
        self.group_out = others.o
        self.up = product([feed.mlp.wi.weight], feed.layer_norm)
        self.act, self.down = feed.mlp.act, feed.mlp.wo

    def forward(self, hidden: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """Shape (series, times, width) in; out the same, or (series, 1, width) where it is the last."""
        hidden = self.over_times(hidden, angles, mask)
        hidden = self.over_group(hidden)
        return hidden + self.down(self.act(self.up(self.normed(hidden))))

    def over_times(self, hidden: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """Attend over the times of each series."""
        normed = self.normed(hidden)
        if self.last:
            cos, sin = angles
            query = turned(self.split(self.query(normed[:, -1:]), 1)[0], (cos[-1:], sin[-1:]))
            key, value = self.split(self.key_value(normed), 2)
            key, hidden = turned(key, angles), hidden[:, -1:]
        else:
            parts = self.query_key_value(normed).unflatten(-1, (3 * self.heads, -1))
            both, value = parts.split([2 * self.heads, self.heads], 2)
            query, key = turned(both, angles).chunk(2, 2)
        query, key, value = (part.transpose(1, 2) for part in (query, key, value))
        attended = scaled_dot_product_attention(query, key, value, mask.to(value.dtype), scale=1.0)
        return hidden + self.out(attended.transpose(1, 2).flatten(2))

    def over_group(self, hidden: Tensor) -> Tensor:
        """Attend over the three series of each group: nine products, too small for a kernel of attention."""
        parts = self.split(self.group(self.normed(hidden)), 3)
        query, key, value = (part.unflatten(0, (-1, GROUP)) for part in parts)
        scores = (query[:, :, None] * key[:, None]).sum(-1, keepdim=True)
        weights = scores.softmax(2).to(value.dtype)
        attended = weights[:, :, 0] * value[:, None, 0]
        for k in range(1, GROUP):
            attended = torch.addcmul(attended, weights[:, :, k], value[:, None, k])
        return hidden + self.group_out(attended.flatten(0, 1).flatten(2))

    def normed(self, hidden: Tensor) -> Tensor:
        """Divide by the root mean square; the weights are in the product that follows."""
        return hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.epsilon)

    def split(self, states: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Parts of shape (series, times, heads, channels)."""
        return tuple(states.unflatten(-1, (parts, self.heads, -1)).unbind(2))


def product(weights: Sequence[Tensor], norm: Any) -> nn.Linear:
    """One layer that gives what several give behind a norm."""
    stacked = (torch.cat(list(weights)) * norm.weight).detach()
    layer = nn.Linear(stacked.shape[1], stacked.shape[0], bias=False, device="meta")
    layer.weight = nn.Parameter(stacked, requires_grad=False)
    return layer


def side_by_side(weight: Tensor, heads: int) -> Tensor:
    """Rows k and k + d/2 of each head next to each other; shape (heads x d, width)."""
    return weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


def turned(states: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each pair of channels by its angle; shape (series, times, heads, channels)."""
    pairs, (cos, sin) = states.unflatten(-1, (-1, 2)), angles
    if states.device.type == "cpu" and not torch.compiler.is_compiling():  # compilers know no complex numbers
        rotation = torch.complex(cos, sin).expand(-1, states.shape[2], -1).contiguous()
        return (
            torch.view_as_real(torch.view_as_complex(pairs.float()) * rotation).flatten(-2).to(states.dtype)
        )
    left, right = pairs.float().unbind(-1)
    both = torch.stack((left * cos - right * sin, right * cos + left * sin), -1)
    return both.flatten(-2).to(states.dtype)
