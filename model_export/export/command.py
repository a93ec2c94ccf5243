"""Commands: export, verify."""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path

from model_export.arguments import CLICK_PUBLISHED_NAMES, DATA, MODEL_NAMES, PUBLISHED_NAMES, Commands
from server.domain.ports import LoadedBundle


def add_export(commands: Commands) -> None:
    parser = commands.add_parser("export", help="a checkpoint into a bundle, with parity report and accuracy")
    parser.add_argument("--model", required=True, choices=[*MODEL_NAMES, *PUBLISHED_NAMES, *CLICK_PUBLISHED_NAMES])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the bundle's directory, replaced when complete")
    parser.add_argument(
        "--data", type=Path,
        help=f"annotated pictures for parity and accuracy (own networks: {DATA}; published ones: the page's samples)",
    )  # fmt: skip
    parser.add_argument("--id", help="of the bundle: lower case, digits, - . _; else the network's name")
    parser.add_argument("--title", help="what the page's menu shows")
    parser.add_argument("--license", help="of the weights, as the manifest and the model card are to state it")
    parser.add_argument("--no-accuracy", action="store_true", help="skip the evaluation, which takes minutes")
    parser.add_argument(
        "--measured", type=Path, metavar="FILE",
        help="interactive networks: what `evaluate --out` measured of a draft of it, in an evaluation's place",
    )  # fmt: skip
    parser.set_defaults(run=run_export)


def run_export(args: argparse.Namespace) -> int:
    from server.errors import BundleError

    export = export_own if args.model in MODEL_NAMES else export_family
    try:
        bundle = export(args)
    except (ValueError, OSError, BundleError) as error:
        print(f"not exported: {error}", file=sys.stderr)
        return 1
    total = sum(entry.bytes for entry in bundle.manifest.files.values())
    print(f"{bundle.directory}: {bundle.manifest.id} {bundle.manifest.revision}, {total / 1e6:.2f} MB")
    return 0


def export_own(args: argparse.Namespace) -> LoadedBundle:
    from model_export.evaluate.command import show_progress
    from model_export.export.build import export_bundle
    from model_export.export.interactive import export_interactive
    from model_export.models import CLICK_MODELS

    def left_out(error: Exception) -> None:
        print(f"left out: {error}", file=sys.stderr)

    export = export_bundle
    if args.model in CLICK_MODELS:
        export = partial(export_interactive, measured_in=args.measured)
    elif args.measured:
        raise ValueError("--measured is for interactive models")
    return export(
        args.model, args.checkpoint, args.out, args.data or DATA, not args.no_accuracy, bundle_id=args.id,
        title=args.title, license_text=args.license, progress=show_progress(), left_out=left_out,
    )  # fmt: skip


def export_family(args: argparse.Namespace) -> LoadedBundle:
    from model_export.export.click_published import export_click_published
    from model_export.export.published import export_published

    began = time.monotonic()

    def say(step: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {step}", file=sys.stderr, flush=True)

    export = export_click_published if args.model in CLICK_PUBLISHED_NAMES else export_published
    return export(
        args.model, args.checkpoint, args.out, args.data, bundle_id=args.id, title=args.title,
        license_text=args.license, say=say,
    )  # fmt: skip


def add_verify(commands: Commands) -> None:
    parser = commands.add_parser("verify", help="recompute a bundle's hashes and its parity with torch")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, default=DATA, help="annotated pictures; without them the page's samples")
    parser.set_defaults(run=run_verify)


def run_verify(args: argparse.Namespace) -> int:
    from model_export.export.build import open_bundle
    from model_export.export.interactive import verify_interactive
    from model_export.export.parity import parity_report
    from server.errors import BundleError

    try:
        bundle = open_bundle(args.bundle)
    except BundleError as error:
        print(f"not valid: {error}", file=sys.stderr)
        return 1
    print(f"{bundle.manifest.id} {bundle.manifest.revision}: {len(bundle.manifest.files)} files, hashes match")
    try:
        verify = verify_interactive if bundle.manifest.kind == "interactive" else parity_report
        report = verify(bundle, args.data)
    except (ValueError, BundleError) as error:
        print(f"not verified: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report, indent=2))
    print("parity holds" if report["passed"] else "parity FAILS: a value is outside its limit")
    return 0 if report["passed"] else 1
