"""Training objects that are clicked as in use: first on the whole picture, by the network or by a promptable model,
then in crops around mask and clicks that move with them (the target crops of server/runtime/click_loop.py)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.evaluate import predictor
from model_export.evaluate.promptable import PromptablePredictor
from model_export.train.click_prompts import Bitmap, Click, click_on_error, focus_box
from model_export.train.click_samples import SMALLEST, Scene
from model_export.train.clicked import Clicked, small
from server.domain.crops import Crop, around, mask_box
from server.domain.ports import LoadedBundle

DRAFTED = 0.5  # chance that the first answer is a promptable model's, as in the mode Refine
AGAIN = 0.6  # chance that the network looks once more, at the crop around its first answer, before the next click
EXPANSION = 1.4
NOISE = (-0.1, 0.15)  # of the expansion's logarithm


class Drafts:
    """What a promptable bundle makes of a first click."""

    def __init__(self, bundle: LoadedBundle) -> None:
        self._predictor = PromptablePredictor(bundle)

    def answer(self, pixels: NDArray[np.uint8], click: Click) -> Bitmap:
        """pixels uint8 [H, W, 3] -> the mask that it would show, bool [H, W]."""
        at = predictor.Click(click[0] + 0.5, click[1] + 0.5, click[2])
        answer = self._predictor.open(pixels).ask([at])
        return answer.mask(answer.shown)


class Looped(Clicked):
    """`so_far` bool [H, W] and `made` are mask and clicks in the scene's pixels; the fields of Clicked are what the
    network sees of them in the crop in hand."""

    def __init__(self, rng: np.random.Generator, scene: Scene, size: int, drafts: Drafts | None = None) -> None:
        self.scene, self.size = scene, size
        self.wanted, self.counting = scene.truth > 127, scene.counts > 127
        self.so_far: Bitmap = np.zeros_like(self.wanted)
        self.made: list[Click] = []
        self.fresh = self.again = False
        if drafts is not None and rng.random() < DRAFTED:
            self._find_click(rng)
            if self.made:
                self.so_far = drafts.answer(scene.pixels, self.made[0])
        self._look(rng)

    def click(self, rng: np.random.Generator) -> None:
        """One more click, or a second look at the first answer; then the crop moves."""
        self.again = self.fresh and rng.random() < AGAIN
        if not self.again:
            self._find_click(rng)
        self.fresh = False
        self._look(rng)

    def taken_over(self, rng: np.random.Generator) -> None:
        """Not here: the mask is always one that clicks have led to."""

    def answered(self, logits: NDArray[np.float32]) -> None:
        crop, empty = self.crop, not self.so_far.any()
        found = cv2.resize(logits, (crop.width, crop.height), interpolation=cv2.INTER_LINEAR)
        self.so_far[crop.slices] = np.asarray(found) > 0
        self.fresh = empty and bool(self.so_far.any())

    def focus(self, rng: np.random.Generator, after: Bitmap) -> tuple[int, int, int, int]:
        """What a second look changes is all of its answer: before the click there was nothing."""
        if self.again:
            return focus_box(rng, np.zeros_like(self.mask), after, self.clicks[-1])
        return super().focus(rng, after)

    def _find_click(self, rng: np.random.Generator) -> None:
        found = click_on_error(rng, self.wanted, self.so_far, self.counting)
        if found is not None:
            self.made.append(found)

    def _look(self, rng: np.random.Generator) -> None:
        height, width = self.so_far.shape
        self.crop = whole = Crop.whole(width, height)
        box = mask_box(self.so_far)
        if box is not None:
            xs, ys = [column + 0.5 for column, _, _ in self.made], [row + 0.5 for _, row, _ in self.made]
            span = (min(box[0], *xs), min(box[1], *ys), max(box[2], *xs), max(box[3], *ys))
            expansion = EXPANSION * float(np.exp(rng.uniform(*NOISE)))
            self.crop = around(span, whole, expansion=expansion, smallest=SMALLEST)
        crop, size = self.crop, self.size
        self.see(self.scene.cut((crop.left, crop.top, crop.right, crop.bottom), size), size)
        self.mask = small(self.so_far[crop.slices].astype(np.uint8) * 255, size)
        self.clicks = []
        for column, row, positive in self.made:
            x, y = crop.to_model(column + 0.5, row + 0.5, size)
            self.clicks.append((min(int(x), size - 1), min(int(y), size - 1), positive))
