"""The decoder on bfloat16 copies of its weights, made once a step; autocast would cast again at every layer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.func import functional_call

from model_export.models.lite_decoder import LiteDecoder


def repeated(features: Tensor, count: int) -> Tensor:
    """[B, C, h, w] -> [B count, C, h, w], each picture's for each of its prompts. Channels stay last in memory, as the
    decoder works; `repeat_interleave` alone would turn them to the front, which costs 6 % of a step."""
    return features.permute(0, 2, 3, 1).repeat_interleave(count, 0).permute(0, 3, 1, 2)


class HalfDecoder:
    """Decodes `prompts` prompts for each of B pictures from their features (`LiteEncoder.features`); gradients reach
    the float32 weights and the features. What depends on the picture alone is computed once a picture."""

    def __init__(self, decoder: LiteDecoder, features: Sequence[Tensor], prompts: int) -> None:
        self.decoder = decoder
        self.weights = {name: value.bfloat16() for name, value in decoder.named_parameters()}
        halves = [feature.bfloat16() for feature in features]
        look_weights = {name.removeprefix("look4."): w for name, w in self.weights.items() if name.startswith("look4.")}
        look: Tensor = functional_call(decoder.look4, look_weights, halves[2].flatten(2))
        self.look4 = look.repeat_interleave(prompts, 0)
        self.features = [repeated(half, prompts) for half in halves]

    def __call__(self, coords: Tensor, labels: Tensor, mask_input: Tensor, has_mask: Tensor) -> tuple[Tensor, Tensor]:
        """As `LiteDecoder.forward`, one prompt set for each of B x prompts: float32 logits and scores."""
        args = (*self.features, coords, labels, mask_input, has_mask, self.look4)
        masks, scores = functional_call(self.decoder, self.weights, args)
        return masks.float(), scores.float()
