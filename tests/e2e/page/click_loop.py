"""The server's interactive loop on a picture, for the browser to be held to.

    python tests/e2e/page/click_loop.py BUNDLE PICTURE < acts.json

Acts: a list of [x, y, positive] in ImagePx, and "undo". Prints one COCO RLE for each act, as a JSON list.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from server.domain.click_maps import Click
from server.domain.click_state import ClickState
from server.domain.crops import Pyramid
from server.domain.ports import LoadedBundle
from server.domain.rle import Rle
from server.runtime.bundle_files import read_manifest
from server.runtime.click_loop import ClickLoop
from server.runtime.click_stages import OnnxStages
from server.runtime.images import decode_image
from server.runtime.onnx import OnnxBackend


def main(bundle_path: str, picture_path: str) -> None:
    bundle = LoadedBundle(read_manifest(Path(bundle_path) / "bundle.json"), bundle_path)
    manifest = bundle.manifest
    stages = OnnxStages(bundle, OnnxBackend(threads=2))
    loop = ClickLoop(stages, manifest.interactive, manifest.preprocessing.size, manifest.mask_threshold)
    image = decode_image(Path(picture_path).read_bytes(), max_pixels=100_000_000)
    picture = Pyramid(image.rgb)
    states = [ClickState.empty(image.width, image.height)]
    masks = []
    for act in json.load(sys.stdin):
        if act == "undo":
            states.pop()
        else:
            x, y, positive = act
            states.append(loop.click(picture, states[-1], Click(x, y, positive)).state)
        masks.append(Rle.from_mask(states[-1].mask).to_coco())
    print(json.dumps(masks))


if __name__ == "__main__":
    main(*sys.argv[1:3])
