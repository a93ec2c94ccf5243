"""The resident maximum of a process that loads an encoder and encodes twice, as the server would.

    python -m model_export.bench.encoder_memory BUNDLE THREADS

prints it in KiB. A process of its own and without torch, so that nothing else is counted; read from the system's own
high-water mark, because `getrusage` starts a child with its parent's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from model_export.bench.encoder import THREADS, one_picture
from model_export.bench.record import Figure, Findings, Target
from model_export.bench.setting import Setting
from server.domain.bundle import MANIFEST_NAME
from server.domain.ports import LoadedBundle
from server.runtime.bundle_files import read_manifest
from server.runtime.onnx import OnnxBackend

TITLE = "Encoder, memory"
MOST_GIB = Target("<", 3)


def run(setting: Setting) -> Findings:
    threads = max(THREADS)
    peak = peak_gib(setting.bundle.directory, threads)
    note = "Resident maximum of a fresh process that loads the encoder and encodes twice; mapped weights count."
    return Findings([Figure(f"Peak while encoding, {threads} threads", "GiB", peak, target=MOST_GIB)], [note])


def peak_gib(directory: str, threads: int) -> float:
    """Runs this module in a process of its own. GiB."""
    command = [sys.executable, "-m", __name__, directory, str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) / 2**20


def encode_twice(directory: Path, threads: int) -> int:
    """-> KiB."""
    bundle = LoadedBundle(read_manifest(directory / MANIFEST_NAME), str(directory))
    encoder = OnnxBackend(threads).load_encoder(bundle)
    for _ in range(2):
        encoder.encode(*one_picture(bundle))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1])


if __name__ == "__main__":
    print(encode_twice(Path(sys.argv[1]), int(sys.argv[2])))
