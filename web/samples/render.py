"""Renders the page's sample pictures. All geometry, textures and light are made by the scripts in this folder.

    python -m venv /tmp/samples-venv
    /tmp/samples-venv/bin/pip install mitsuba numpy scipy scikit-image opencv-python-headless pillow oidn
    /tmp/samples-venv/bin/python web/samples/render.py

A picture takes 4 to 7 minutes of one core. The default variant ran with LLVM 19; LLVM 14 and 15 are too old (set
DRJIT_LIBLLVM_PATH where it is not found); `--variant scalar_rgb` needs none and is about three times slower.
The committed garden was made with `--samples 64`, the other two with the default.
`--scale 0.5 --samples 16 --out /tmp/drafts` makes a draft. Seeds are fixed: the same versions give the same picture.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import drjit
import mitsuba as mi
import numpy as np
from PIL import Image

PUBLIC = Path(__file__).resolve().parent.parent / "public" / "samples"
TITLES = {"table": "Breakfast table", "desk": "Desk with toys", "garden": "Garden step"}
CREDIT = "Rendered for Segserve with Mitsuba 3 (web/samples/render.py)"
MAX_BYTES = 350_000


def save(pixels: np.ndarray, path: Path) -> None:
    """JPEG at quality 88, or the highest one below that fits into MAX_BYTES."""
    for quality in range(88, 60, -3):
        Image.fromarray(pixels).save(
            path, quality=quality, optimize=True, progressive=True, subsampling=0 if quality > 85 else 2
        )
        if path.stat().st_size <= MAX_BYTES:
            break
    width = 240
    small = Image.fromarray(pixels).resize(
        (width, round(width * pixels.shape[0] / pixels.shape[1])), Image.Resampling.LANCZOS
    )
    small.save(path.with_suffix(".thumb.jpg"), quality=84, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(TITLES))
    parser.add_argument("--samples", type=int, default=112)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--variant", default="llvm_ad_rgb")
    parser.add_argument("--out", type=Path, default=PUBLIC)
    options = parser.parse_args()
    mi.set_variant(options.variant)
    drjit.set_thread_count(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        started = time.time()
        stage = __import__(f"{name}_scene").build()  # after set_variant: the plugins exist only then
        light = stage.expose(options.scale, options.samples)
        np.save(options.out / f"{name}.npy", light) if options.out != PUBLIC else None
        save(stage.develop(light), options.out / f"{name}.jpg")
        print(f"{name}: {time.time() - started:.0f} s", flush=True)
    entries = []
    for name, title in TITLES.items():
        path = options.out / f"{name}.jpg"
        if path.exists():
            width, height = Image.open(path).size
            entries.append({"file": path.name, "title": title, "width": width, "height": height, "credit": CREDIT})
    (options.out / "index.json").write_text(json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    main()
