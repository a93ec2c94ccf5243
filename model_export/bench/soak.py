"""The page's memory over hundreds of pictures and thousands of clicks."""

from __future__ import annotations

from model_export.bench.page_proofs import run_proof
from model_export.bench.record import Findings
from model_export.bench.setting import Setting

TITLE = "Soak, in the page"


def run(setting: Setting) -> Findings:
    return run_proof("soak", {"PROOF_PICTURES": str(setting.pick(500, 10))})
