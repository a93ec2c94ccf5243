"""Commands: evaluate."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from model_export.arguments import DATA, Commands


def add_evaluate(commands: Commands) -> None:
    parser = commands.add_parser("evaluate", help="simulated boxes and clicks on annotated pictures")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--split", default="val")
    parser.add_argument("--objects", type=int, default=2, help="at most so many objects a picture, the largest first")
    parser.add_argument("--out", type=Path, help="write every IoU curve here as JSON")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from model_export.data.readers import read_sets
    from model_export.evaluate.loop import evaluate_bundle
    from model_export.evaluate.report import accuracy, markdown_table
    from model_export.export.build import open_bundle

    pictures = read_sets(args.data, args.split)

    def progress(done: int) -> None:
        if done % 20 == 0 or done == len(pictures):
            print(f"{done} of {len(pictures)} pictures", file=sys.stderr, flush=True)

    results = list(evaluate_bundle(open_bundle(args.bundle), pictures, objects=args.objects, progress=progress))
    if args.out:
        args.out.write_text(json.dumps([asdict(result) for result in results]))
    print(markdown_table(accuracy(results)))
    return 0
