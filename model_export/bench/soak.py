"""The page's memory over hundreds of pictures and thousands of clicks."""

from __future__ import annotations

import os

from model_export.bench.page_proofs import run_proof
from model_export.bench.record import Findings
from model_export.bench.setting import Setting

TITLE = "Soak, in the page"


def run(setting: Setting) -> Findings:
    """The environment's PROOF_PICTURES takes another number of pictures."""
    return run_proof("soak", {"PROOF_PICTURES": os.environ.get("PROOF_PICTURES", str(setting.pick(500, 10)))})
