"""The loop around an interactive model: one click in, the next mask out (docs/interactive.md).

FocalClick's stages (Chen et al. 2022): the coarse graph on the target crop, the refinement on the focus crop around
what the click changed, and progressive merge. Pixels outside the focus crop never change while it merges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.bundle import Interactive
from server.domain.click_maps import Click, draw_disks, standing
from server.domain.click_state import ClickState
from server.domain.crops import Crop, Pyramid, around, mask_box, sample_mask
from server.domain.masks import Mask, stability_score, upsample_mask
from server.domain.ports import ClickStages, Features, Float32
from server.runtime.components import component_at


@dataclass(frozen=True)
class Step:
    """`state` after the click; `target` and `focus`: where the model looked."""

    state: ClickState
    target: Crop
    focus: Crop


@dataclass(frozen=True)
class ClickLoop:
    """`size`: side of the graphs' input; logits above `threshold` are mask; `look_twice`: None is the manifest's."""

    stages: ClickStages
    rules: Interactive
    size: int
    threshold: float = 0.0
    flip: bool = False
    look_twice: bool | None = None

    def click(self, picture: Pyramid, state: ClickState, click: Click) -> Step:
        """The state with one more click, and the mask that answers it. Blocking."""
        return self.answer(picture, state.with_click(click))

    def answer(self, picture: Pyramid, asked: ClickState) -> Step:
        """The mask for all clicks of `asked` (at least one), whose mask is the one before the last of them."""
        before, last = asked.mask, asked.clicks[-1]
        twice = self.rules.look_twice if self.look_twice is None else self.look_twice
        empty = not before.any()
        target, logits, features, after = self._coarse(picture, before, asked)
        if twice and empty and after.any():
            target, logits, features, after = self._coarse(picture, after, asked)
        focus = self._focus(before, after, target, last)
        after = self._refined(picture, asked, logits, features, (target, focus), after)
        if asked.given or len(asked.clicks) >= self.rules.merge_from:
            after = merged(before, after, focus, last)
        mean = self._mean(logits)
        stability = float(stability_score(mean, target.frame(self.size), threshold=self.threshold))
        score = expected_iou(mean, self.threshold)
        if not empty:
            score = calibrated(score, self.rules.score_slope, self.rules.score_offset)
        state = replace(asked, mask=after, predicted_iou=score, stability=stability)
        return Step(state, target, focus)

    def _coarse(self, picture: Pyramid, mask: Mask, asked: ClickState) -> tuple[Crop, Float32, Features, Mask]:
        """-> target crop, logits and features of the batch, the new mask of the picture."""
        height, width = mask.shape
        whole, box = Crop.whole(width, height), mask_box(mask)
        target = whole
        if box is not None:
            xs, ys = [click.x for click in asked.clicks], [click.y for click in asked.clicks]
            span = (min(box[0], *xs), min(box[1], *ys), max(box[2], *xs), max(box[3], *ys))
            rules = self.rules
            target = around(span, whole, expansion=rules.expansion, smallest=rules.smallest_target)
        clicks = draw_disks(standing(asked.clicks), target, self.size, self.rules.disk_radius)
        previous = sample_mask(mask, target, self.size)
        pixels = picture.sample(target, self.size)
        logits, features = self.stages.coarse(
            self._batch(pixels, axis=1), self._batch(clicks, axis=2), self._batch(previous[None], axis=2)
        )
        after = mask.copy("K")
        mean = self._mean(logits)
        after[target.slices] = upsample_mask(mean, target.frame(self.size), self.threshold)
        return target, logits, features, after

    def _focus(self, before: Mask, after: Mask, target: Crop, click: Click) -> Crop:
        changed = before[target.slices] ^ after[target.slices]
        column, row = click.pixel
        component = component_at(changed, column - target.left, row - target.top)
        box = None if component is None else mask_box(component)
        x1, y1, x2, y2 = box or (column - target.left, row - target.top, column - target.left, row - target.top)
        span = (x1 + target.left, y1 + target.top, x2 + target.left, y2 + target.top)
        expansion, smallest = self.rules.expansion, self.rules.smallest_focus
        return around(span, target, expansion=expansion, smallest=smallest)

    def _refined(
        self, picture: Pyramid, asked: ClickState, logits: Float32, features: Features, crops: tuple[Crop, Crop],
        after: Mask,
    ) -> Mask:  # fmt: skip
        if not self.stages.refines:
            return after
        target, focus = crops
        low = target.to_model(focus.left, focus.top, self.size)
        high = target.to_model(focus.right, focus.bottom, self.size)
        boxes = [(*low, *high)]
        if self.flip:
            boxes.append((self.size - high[0], low[1], self.size - low[0], high[1]))
        clicks = draw_disks(standing(asked.clicks), focus, self.size, self.rules.disk_radius)
        pixels = picture.sample(focus, self.size)
        found = self.stages.refine(
            self._batch(pixels, axis=1), self._batch(clicks, axis=2), logits, features, np.array(boxes, np.float32)
        )
        result = after.copy("K")
        result[focus.slices] = upsample_mask(self._mean(found), focus.frame(self.size), self.threshold)
        return result

    def _batch(self, one: NDArray[Any], axis: int) -> NDArray[Any]:
        """[...] -> [1, ...], with its mirror image along `axis` of one [2, ...] under flip averaging."""
        rows = [one, np.flip(one, axis)] if self.flip else [one]
        return np.ascontiguousarray(np.stack(rows))

    def _mean(self, logits: Float32) -> Float32:
        """logits [1 or 2, 1, h, w] -> [h, w]."""
        plain: Float32 = logits[0, 0]
        if not self.flip:
            return plain
        mean: Float32 = (plain + logits[1, 0, :, ::-1]) / np.float32(2)
        return mean


def merged(before: Mask, after: Mask, focus: Crop, click: Click) -> Mask:
    """Progressive merge (FocalClick, section 3.3): of all that changed only the piece that the click is about, and of
    that only what lies in the focus crop."""
    changed = before[focus.slices] ^ after[focus.slices]
    column, row = click.pixel
    piece = component_at(changed, column - focus.left, row - focus.top)
    result = before.copy("K")
    if piece is not None:
        result[focus.slices] ^= piece
    return result


def expected_iou(logits: Float32, threshold: float) -> float:
    """Of the mask with the truth that the probabilities p describe: sum of p inside over its area and the sum of p
    outside (soft Jaccard). logits [h, w]; 0 for an empty mask."""
    inside = logits > threshold
    share = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    area = float(np.count_nonzero(inside))
    return float(share[inside].sum() / (area + share[~inside].sum())) if area else 0.0


def calibrated(expected: float, slope: float, offset: float) -> float:
    """Platt's scaling of an expected IoU (Platt 1999): sigmoid(slope logit(e) + offset); 0 and 1 stay what they are."""
    if not 0 < expected < 1:
        return expected
    return 1 / (1 + math.exp(-(slope * math.log(expected / (1 - expected)) + offset)))
