"""segserve-lite: the embedded default model, small enough for two CPU cores and a browser."""

from __future__ import annotations

from torch import Tensor, nn

from model_export.models.lite_decoder import MASK_STRIDE, LiteDecoder
from model_export.models.lite_encoder import PIXEL_MEAN, PIXEL_STD, LiteEncoder


class SegserveLite(nn.Module):
    """Encoder and decoder with one set of weights. `input_size` S is what the bundle serves; the network itself takes
    any multiple of 32."""

    input_size = 480
    embedding_strides = (16, 8, 4)
    embedding_channels = (128, 32, 16)
    pixel_mean = PIXEL_MEAN
    pixel_std = PIXEL_STD
    mask_stride = MASK_STRIDE

    def __init__(self) -> None:
        super().__init__()
        self.encoder = LiteEncoder()
        self.decoder = LiteDecoder()

    def forward(self, pixels: Tensor, valid_size: Tensor, *prompts: Tensor) -> tuple[Tensor, Tensor]:
        masks, scores = self.decoder(*self.encoder(pixels, valid_size), *prompts)
        return masks, scores
