"""Batches and prompts made on the device: the source for training on a GPU. Runs on the CPU as well, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from model_export.train.augment import MAX_AREA, MIN_AREA
from model_export.train.device_prompts import first_prompts, next_clicks
from model_export.train.device_store import DeviceStore
from model_export.train.device_warp import Draw, Warp, blob, inside, random_warp, recolour
from model_export.train.occlusion import PASTED_SIDE, SHAPE_SIDE
from model_export.train.sampler import Mixing
from model_export.train.source import Batch
from server.domain.geometry import ResizeRule

CANDIDATES = 3  # masks tried for each that is wanted


class DeviceSource:
    """Draws from a store on the device. One pasted object a picture instead of up to three, no fences, no JPEG noise;
    boxes are exact to 2 ModelPx; else like `PictureSource`."""

    def __init__(
        self, store: DeviceStore, mixing: Mixing, pictures: int, masks: int, resize: ResizeRule = "longest_side"
    ) -> None:
        self.store, self.mixing, self.pictures, self.masks, self.resize = store, mixing, pictures, masks, resize
        device = store.pixels.device
        self.draw = Draw(torch.Generator(device), device)

    def batch(self, size: int) -> Batch:
        """Waits for the device once. Raises ValueError when pictures have no usable mask."""
        for _ in range(100):
            batch, usable = self._draw_batch(size)
            if bool(usable.any()):
                return self._without_unusable(batch, usable)
        raise ValueError("100 batches in a row had no usable mask; check the masks' sizes")

    def _draw_batch(self, size: int) -> tuple[Batch, Tensor]:
        """-> batch, usable bool [B]: whether a picture has a mask that can be asked for."""
        store, draw, count = self.store, self.draw, self.pictures
        chosen = torch.multinomial(store.weights, count, replacement=True, generator=draw.generator)
        stored = store.pixels.shape[-1]
        warp, valid = random_warp(draw, store.extents[chosen], stored, size, self.resize)
        pixels = warp.sample(store.pixels[chosen].float(), size)

        keys = store.chances[chosen].log() + draw.gumbel(count, store.chances.shape[1])  # log(0): never before others
        keys, own = keys.topk(min(CANDIDATES * self.masks, keys.shape[1]), 1)
        numbers = store.table[chosen].gather(1, own)
        half = inside(valid, size // 2, size)
        masks = warp.sample(self._masks(numbers), size // 2) * half
        ignored = warp.sample(self._masks(store.ignored[chosen, None]), size // 2) * half

        alpha, colours = self._pasted(valid, size)
        shape = blob(draw, valid, size, SHAPE_SIDE) * draw.chance(self.mixing.occlude, count, 1, 1, 1)
        shape = shape * inside(valid, size, size)
        pixels = torch.lerp(torch.lerp(pixels, colours, alpha), pixels.roll(1, 0).flip(-1), shape)
        over, under = (F.avg_pool2d(layer, 2) for layer in (alpha, shape))
        masks = torch.cat([masks * (1 - over), over], 1) * (1 - under)
        ignored = ignored * (1 - over) * (1 - under)
        keys = torch.cat([keys, keys.amax(1, keepdim=True) + draw.gumbel(count, 1)], 1)

        grid, gone = F.avg_pool2d(masks, 2), F.avg_pool2d(ignored, 2)
        counted = grid * (1 - gone)
        area, used = counted.mean((2, 3)), valid.prod(1, keepdim=True) / size**2
        fits = (area > MIN_AREA) & (area < MAX_AREA * used) & (counted.amax((2, 3)) >= 0.5)
        order = torch.where(fits, keys, -torch.inf).argsort(1, descending=True)
        number = torch.arange(self.masks, device=draw.device) % fits.sum(1, keepdim=True).clamp(min=1)
        take = order.gather(1, number)  # repeated where there are fewer
        rows = torch.arange(count, device=draw.device).unsqueeze(1)
        boxes = bounding_boxes(masks[rows, take].flatten(0, 1)) * 2
        pixels = (recolour(draw, pixels) * inside(valid, size, size)).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
        counts = (1 - gone).expand(-1, self.masks, -1, -1).flatten(0, 1)
        return Batch(pixels, valid, grid[rows, take].flatten(0, 1), boxes, counts), fits.any(1)

    def _masks(self, numbers: Tensor) -> Tensor:
        """int64 [B, C] -> float32 [B, C, T/2, T/2] in 0..1."""
        return self.store.masks[numbers].float() / 255

    def _pasted(self, valid: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """An object of another picture at a random place and of random size -> alpha [B, 1, S, S], all 0 for those that
        get none, and colours [B, 3, S, S]."""
        store, draw, count = self.store, self.draw, self.pictures
        if not len(store.donors) or not self.mixing.paste:
            return torch.zeros(count, 1, size, size, device=draw.device), torch.zeros(1, device=draw.device)
        index = (draw.uniform(0, 1, count) * len(store.donors)).long().clamp(max=len(store.donors) - 1)
        picture, mask = store.donors[index].unbind(1)
        low, high = store.donor_boxes[index].chunk(2, 1)
        scale = size * draw.uniform(*PASTED_SIDE, count, 1) / (high - low).amax(1, keepdim=True)
        mirrored = torch.cat([draw.chance(0.5, count, 1), torch.zeros(count, 1, device=draw.device)], 1)
        scale = scale * (1 - 2 * mirrored)
        origin = draw.uniform(0, 1, count, 2) * valid.flip(1) - scale * (low + high) / 2
        warp = Warp(scale, origin, store.pixels.shape[-1], size)
        alpha = warp.sample(self._masks(mask[:, None]), size) * inside(valid, size, size)
        alpha = alpha * draw.chance(self.mixing.paste, count, 1, 1, 1)
        return alpha, warp.sample(store.pixels[picture].float(), size)

    def _without_unusable(self, batch: Batch, usable: Tensor) -> Batch:
        """Pictures without a usable mask give way to others of the batch."""
        order = usable.float().argsort(descending=True, stable=True)
        pictures = order[torch.arange(self.pictures, device=order.device) % usable.sum()]
        prompts = (pictures.unsqueeze(1) * self.masks + torch.arange(self.masks, device=order.device)).flatten()
        return Batch(
            batch.pixels[pictures], batch.valid[pictures], batch.masks[prompts], batch.boxes[prompts],
            batch.counts[prompts],
        )  # fmt: skip

    def first_prompts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return first_prompts(self.draw, batch.clickable, batch.boxes, batch.size)

    def next_clicks(self, batch: Batch, logits: Tensor, new_point: float, count: int) -> tuple[Tensor, Tensor]:
        return next_clicks(self.draw, batch.without_ignored_errors(logits), batch.masks, new_point, count)

    def state(self) -> dict[str, Any]:
        return {"generator": self.draw.generator.get_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        self.draw.generator.set_state(state["generator"].cpu())

    def reseed(self, seed: Sequence[int]) -> None:
        self.draw.generator.manual_seed(int(np.random.SeedSequence(list(seed)).generate_state(1)[0]))


def bounding_boxes(masks: Tensor) -> Tensor:
    """[P, h, w] >= 0.5 -> float32 [P, 4] x1 y1 x2 y2, in cells; of an empty mask the whole grid."""
    sides = []
    for other in (1, 2):
        hit = (masks >= 0.5).any(other).float()
        sides.append((hit.argmax(1), hit.shape[1] - hit.flip(1).argmax(1)))
    (x1, x2), (y1, y2) = sides
    return torch.stack([x1, y1, x2, y2], 1).float()
