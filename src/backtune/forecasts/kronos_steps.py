"""Steps of Kronos for many draws of one bar; equal to the library's own modules, without their repetition."""

from __future__ import annotations

from typing import Any


def draw(logits: Any, uniform: Any, temperature: float, top_p: float) -> Any:
    """Draw tokens by inverse distribution.

    Parameters
    ----------
    logits : tensor, shape (m, S or 1, tokens)
    uniform : tensor, shape (m, S)
        In [0, 1): one number a draw.
    temperature, top_p : float
        As the library's own filter: tokens are left out once those more likely hold more than `top_p`.

    Returns
    -------
    tensor of int, shape (m, S)
    """
    import torch

    likely, order = torch.softmax(logits / temperature, dim=-1).sort(dim=-1, descending=True, stable=True)
    before = likely.cumsum(dim=-1) - likely
    kept = torch.where(before > top_p, torch.zeros_like(likely), likely)
    reached = kept.cumsum(dim=-1)
    if logits.shape[1] == 1:
        reached, order = (part.expand(-1, uniform.shape[1], -1) for part in (reached, order))
    wanted = (uniform * reached[..., -1])[..., None].contiguous()
    place = torch.searchsorted(reached.contiguous(), wanted, right=True)
    last = (reached < reached[..., -1:]).sum(dim=-1, keepdim=True)  # rounding must not pick a token left out
    return order.gather(-1, torch.minimum(place, last))[..., 0]


def second_logits(network: Any, hidden: Any, first: Any) -> Any:
    """Logits of the second token after each drawn first token, shape (m, S, tokens).

    The library's cross-attention has one query at position 0, so its rotation is none: the keys and values
    of a context serve all of its draws.
    """
    import torch

    layer = network.dep_layer
    cross = layer.cross_attn
    query = _heads(cross.q_proj(network.embedding.emb_s1(first)), cross.n_heads)
    key, value = (_heads(part(hidden), cross.n_heads) for part in (cross.k_proj, cross.v_proj))
    seen = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    return network.head.cond_forward(layer.norm(hidden[:, -1:] + cross.out_proj(_joined(seen))))


def decode_last(tokenizer: Any, context: Any, drawn: Any) -> Any:
    """Decode each drawn pair of tokens behind its context, shape (m, S, features).

    Parameters
    ----------
    tokenizer : KronosTokenizer
    context : pair of tensors, shape (m, T)
        First and second tokens of the bars before.
    drawn : pair of tensors, shape (m, S)
    """
    past, new = (
        tokenizer.post_quant_embed(tokenizer.indices_to_bits(tokens, half=True))
        for tokens in (context, drawn)
    )
    for block in tokenizer.decoder:
        past, new = _block(block, past, new)
    return tokenizer.head(new)


def _block(block: Any, past: Any, new: Any) -> tuple[Any, Any]:
    """One causal block: the past among itself, each new token on the past and itself."""
    import torch

    attention = block.self_attn
    q, k, v = _projected(attention, block.norm1(past))
    new_q, new_k, new_v = _projected(attention, block.norm1(new))
    length = past.shape[1]
    cos, sin = _rotation(attention.rotary, length + 1)
    q, k = (_rotated(part, cos[:length], sin[:length]) for part in (q, k))
    new_q, new_k = (_rotated(part, cos[length:], sin[length:]) for part in (new_q, new_k))
    seen = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    scale = attention.head_dim**-0.5
    scores = torch.cat([new_q @ k.transpose(-1, -2), (new_q * new_k).sum(-1, keepdim=True)], dim=-1) * scale
    share = torch.softmax(scores.float(), dim=-1).to(v.dtype)
    new_seen = share[..., :length] @ v + share[..., length:] * new_v
    past, new = past + attention.out_proj(_joined(seen)), new + attention.out_proj(_joined(new_seen))
    return past + block.ffn(block.norm2(past)), new + block.ffn(block.norm2(new))


def _projected(attention: Any, x: Any) -> tuple[Any, Any, Any]:
    q, k, v = (part(x) for part in (attention.q_proj, attention.k_proj, attention.v_proj))
    return _heads(q, attention.n_heads), _heads(k, attention.n_heads), _heads(v, attention.n_heads)


def _rotation(rotary: Any, length: int) -> tuple[Any, Any]:
    """Cosines and sines of each position, shape (length, head_dim): Su et al. (2021), arXiv 2104.09864."""
    import torch

    position = torch.arange(length, device=rotary.inv_freq.device).type_as(rotary.inv_freq)
    angles = torch.outer(position, rotary.inv_freq).repeat(1, 2)
    return angles.cos(), angles.sin()


def _rotated(x: Any, cos: Any, sin: Any) -> Any:
    import torch

    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


def _heads(x: Any, heads: int) -> Any:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _joined(x: Any) -> Any:
    return x.transpose(1, 2).flatten(-2)
