"""What every network that becomes a bundle has."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from server.domain.geometry import ResizeRule


class Encoder(nn.Module, ABC):
    """(pixels uint8 [B, S, S, 3], valid_size int64 [B, 2]) -> a tuple of float tensors [B, C, H, W], called
    `output_names`. Its weights are parameters and persistent buffers, constants are buffers that are not."""

    output_names: tuple[str, ...]

    @abstractmethod
    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, ...]: ...


class Network(nn.Module):
    """`encoder` and `decoder` are the bundle's graphs (docs/bundle-format.md).

    `input_size` S; `resize` the manifest's rule; `pixel_mean`, `pixel_std` of RGB 0..255; `embedding_shapes`
    (C, H, W) of each of the encoder's outputs; `mask_shape` (h, w) of the logits, `mask_count` of them.
    """

    encoder: Encoder
    decoder: nn.Module
    input_size: int
    resize: ResizeRule = "longest_side"
    pixel_mean: tuple[float, float, float]
    pixel_std: tuple[float, float, float]
    embedding_shapes: tuple[tuple[int, int, int], ...]
    mask_shape: tuple[int, int]
    mask_count: int = 4
    single_mask_index: int = 0
    multi_mask_indices: tuple[int, ...] = (1, 2, 3)
