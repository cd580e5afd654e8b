"""Chronos-2's group attention for groups of three series that follow each other in the batch.

The library attends over the whole batch and masks what lies outside a series' group: work and memory that
grow with the square of the batch. Here every group is one context's high, low and close, so attention over
three neighbours gives the same forecasts. (The mask's other part hides padded times; a group's series are
padded alike, and nothing ever reads a padded time.)
"""

from __future__ import annotations

from typing import Any

from chronos.chronos2.layers import AttentionOutput, GroupSelfAttention
from torch import Tensor, nn

from backtune.errors import ForecasterError

GROUP = 3


class NeighbourAttention(nn.Module):  # type: ignore[misc, unused-ignore]
    """The layer it is given, applied group by group.

    Parameters
    ----------
    layer : GroupSelfAttention
        Of chronos.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, hidden_states: Tensor, attention_mask: None, output_attentions: bool = False) -> Any:
        """Attend within each group; shape (series, times, width) in and out."""
        series, times, width = hidden_states.shape
        split = (series // GROUP, GROUP, times, width)
        groups = hidden_states.reshape(split).transpose(1, 2).reshape(-1, GROUP, width)
        mask = groups.new_zeros((1, 1, GROUP, GROUP))
        attended = self.layer.self_attention(self.layer.layer_norm(groups), mask=mask)[0]
        apart = (groups + attended).reshape(split[0], times, GROUP, width).transpose(1, 2)
        return AttentionOutput(hidden_states=apart.reshape(series, times, width))


def keep_groups_apart(encoder: Any) -> None:
    """Swap the group attention of an encoder, in place.

    Raises
    ------
    ForecasterError
        It lies elsewhere in this version of the library: another layer must not be swapped for it.
    """
    for block in encoder.block:
        if not isinstance(block.layer[1], GroupSelfAttention):
            raise ForecasterError(
                "this version of chronos-forecasting is built otherwise; pip install 'backtune[chronos]'"
            )
        block.layer[1] = NeighbourAttention(block.layer[1])
    encoder._construct_and_invert_group_time_mask = _no_mask


def _no_mask(*args: Any) -> None:
    """Stand in for the mask of all series against all series, which nothing reads any more."""
