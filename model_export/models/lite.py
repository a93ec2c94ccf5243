"""segserve-lite: the embedded default model, small enough for two CPU cores and a browser."""

from __future__ import annotations

from torch import Tensor

from model_export.models.lite_decoder import MASK_STRIDE, NUM_MASKS, LiteDecoder
from model_export.models.lite_encoder import PIXEL_MEAN, PIXEL_STD, LiteEncoder
from model_export.models.network import Network


class SegserveLite(Network):
    """Encoder and decoder with one set of weights. `input_size` S is what the bundle serves; the network itself takes
    any multiple of 32. `identity_at_first`: parts that earlier bundles lack, and that change nothing at first."""

    input_size = 480
    resize = "square"
    embedding_shapes = tuple((c, 480 // stride, 480 // stride) for c, stride in ((128, 16), (32, 8), (16, 4)))
    pixel_mean = PIXEL_MEAN
    pixel_std = PIXEL_STD
    mask_stride = MASK_STRIDE
    mask_shape = (480 // MASK_STRIDE, 480 // MASK_STRIDE)
    mask_count = NUM_MASKS
    identity_at_first = ("encoder.context16.", "encoder.context8.")
    encoder: LiteEncoder
    decoder: LiteDecoder

    def __init__(self) -> None:
        super().__init__()
        self.encoder = LiteEncoder()
        self.decoder = LiteDecoder()

    def forward(self, pixels: Tensor, valid_size: Tensor, *prompts: Tensor) -> tuple[Tensor, Tensor]:
        masks, scores = self.decoder(*self.encoder(pixels, valid_size), *prompts)
        return masks, scores
