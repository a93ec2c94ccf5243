"""Attention that never holds its score matrix, in every back end that has an operator for it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def tiled_attention(q: Tensor, k: Tensor, v: Tensor, scale: float = 1.0) -> Tensor:
    """softmax(scale q k^T) v for q [B, N, heads, D], k [B, M, heads, D], v [B, M, heads, V] -> [B, N, heads * V].

    In an ONNX graph it is ONNX Runtime's MultiHeadAttention, whose CPU kernel works in tiles (flash attention) as long
    as no mask or bias is added; the generic graph would hold all scores, 805 MB for 12 heads and 4096 places.
    """
    b, n, heads, _ = q.shape
    if torch.onnx.is_in_onnx_export():
        return torch.onnx.ops.symbolic(
            "com.microsoft::MultiHeadAttention",
            (q.flatten(2), k.flatten(2), v.flatten(2)),
            {"num_heads": heads, "scale": scale},
            dtype=q.dtype,
            shape=(b, n, heads * v.shape[-1]),
            version=1,
        )
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    return F.scaled_dot_product_attention(q, k, v, scale=scale).transpose(1, 2).flatten(2)
