"""The torch network to compare an encoder with: the published implementation, run eagerly as its users run it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers.models.sam.modeling_sam import SamVisionEncoder
from transformers.models.sam2.modeling_sam2 import Sam2VisionModel

from model_export.export.weights import load_bundle_weights
from model_export.models.hiera import HieraEncoder
from model_export.models.network import Encoder
from model_export.models.tiny_vit import TinyVitEncoder
from model_export.models.vit_encoder import VitEncoder
from server.domain.ports import LoadedBundle


class StockVit(nn.Module):
    """SAM's ViT as `transformers` has it, its attention eager as in the authors' code: all scores of a layer are held,
    and the relative positions are added to them."""

    def __init__(self, encoder: VitEncoder) -> None:
        super().__init__()
        self.pixels = encoder.pixels
        self.vision = SamVisionEncoder._from_config(encoder.vision.config, attn_implementation="eager").eval()
        self.vision.load_state_dict(encoder.vision.state_dict())

    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, ...]:
        return (self.vision(self.pixels(pixels, valid_size))[0],)


class StockHiera(nn.Module):
    """SAM 2's Hiera and feature pyramid as `transformers` has them, attention eager, without the decoder's two 1 x 1
    convolutions of the finer maps."""

    def __init__(self, encoder: HieraEncoder) -> None:
        super().__init__()
        self.mean, self.std = encoder.mean, encoder.std
        self.vision = Sam2VisionModel._from_config(encoder.vision.config, attn_implementation="eager").eval()
        self.vision.load_state_dict(joined_projections(encoder.vision.state_dict()))

    def forward(self, pixels: Tensor, _: Tensor) -> tuple[Tensor, ...]:
        normal = (pixels.to(self.mean.dtype) - self.mean) / self.std
        return tuple(self.vision(normal.permute(0, 3, 1, 2)).fpn_hidden_states)


def joined_projections(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Queries, keys and values of one product again, as in `transformers`."""
    joined = {}
    for name, value in state.items():
        if ".attn.q." in name:
            parts = [state[name.replace(".attn.q.", f".attn.{part}.")] for part in "qkv"]
            joined[name.replace(".attn.q.", ".attn.qkv.")] = torch.cat(parts)
        elif ".attn.k." not in name and ".attn.v." not in name:
            joined[name] = value
    return joined


def stock_encoder(bundle: LoadedBundle) -> nn.Module:
    """With the bundle's weights, except for MobileSAM's: that network is the workshop's own, and its time does not
    depend on them."""
    weights = bundle.manifest.file_for("weights")
    if weights is None:
        raise ValueError("this bundle keeps no torch weights")
    encoder: Encoder = load_bundle_weights(bundle.manifest.id, Path(bundle.directory) / weights).encoder
    if isinstance(encoder, TinyVitEncoder):
        return TinyVitEncoder().eval()  # with its batch norms, which the bundle's weights no longer have
    if isinstance(encoder, HieraEncoder):
        return StockHiera(encoder)
    return StockVit(encoder) if isinstance(encoder, VitEncoder) else encoder


def eager(network: nn.Module, inputs: tuple[Tensor, ...], threads: int) -> Callable[[], object]:
    """A run of the network on `threads` threads."""

    def encode() -> object:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return network(*inputs)

    return encode
