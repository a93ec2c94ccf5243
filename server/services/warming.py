"""A bundle's graphs, loaded and run once on nothing."""

from __future__ import annotations

import threading

import numpy as np

from server.domain.bundle import BundleManifest
from server.domain.click_maps import Click
from server.domain.click_state import ClickState
from server.domain.crops import Pyramid
from server.domain.geometry import InputFrame
from server.domain.ports import ClickStages, Decoder, DecoderInputs, Encoder
from server.domain.prompts import assemble, parse_prompt
from server.runtime.click_loop import ClickLoop
from server.runtime.registry import BundleRegistry

Opened = tuple[Encoder, Decoder] | ClickStages
SLOW_MS = 2000.0


def open_warm(registry: BundleRegistry, manifest: BundleManifest, turn: threading.Lock) -> Opened:
    """Load the graphs and run each once, so that the first caller does not pay for it; blocking. `turn`: under which
    encoders run. An encoder that is known to
    take seconds is spared: its first picture would only wait for the blank one."""
    if manifest.kind == "interactive":
        stages = registry.stages(manifest.id)
        _click_once(manifest, stages)
        return stages
    encoder, decoder = registry.encoder(manifest.id), registry.decoder(manifest.id)
    size = manifest.preprocessing.size
    if manifest.speed is None or manifest.speed.encode_ms < SLOW_MS:
        with turn:
            encoder.encode(np.zeros((1, size, size, 3), np.uint8), np.array([[size, size]], np.int64))
    blank = {tensor.name: np.zeros((1, *tensor.shape), np.float32) for tensor in manifest.embedding}
    decoder.decode(blank, _one_click(manifest, InputFrame.square(size, size, size)))
    return encoder, decoder


def _click_once(manifest: BundleManifest, stages: ClickStages) -> None:
    size = manifest.preprocessing.size
    blank = Pyramid(np.zeros((size, size, 3), np.uint8))
    loop = ClickLoop(stages, manifest.interactive, size, manifest.mask_threshold)
    loop.click(blank, ClickState.empty(size, size), Click(size / 2, size / 2, True))


def _one_click(manifest: BundleManifest, frame: InputFrame) -> DecoderInputs:
    height, width = manifest.decoder.mask_height, manifest.decoder.mask_width
    prompt = parse_prompt(frame, (height, width), point_coords=[[frame.width / 2, frame.height / 2]], point_labels=[1])
    return assemble([prompt], frame, (height, width))
