"""`python -m model_export`: train, export, verify, evaluate, bench."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model_export.train.config import load_config

DATA = Path("../shared/data")
BUNDLE = Path(__file__).parents[1] / "server" / "bundles" / "segserve-lite"
MODEL_NAMES = ("segserve-lite",)
if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_train(commands: Commands) -> None:
    parser = commands.add_parser("train", help="train from scratch, or go on from out/last.pt")
    parser.add_argument("--config", type=Path, help="TOML file with fields of TrainConfig")
    parser.add_argument("--data", help="folder of sets, each with annotations.json and images/")
    parser.add_argument("--out")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--max-minutes", type=float)
    parser.add_argument("--device")
    parser.add_argument("--threads", type=int)
    parser.set_defaults(run=run_train)


def run_train(args: argparse.Namespace) -> int:
    from model_export.train.loop import train

    names = ("data", "out", "steps", "max_minutes", "device", "threads")
    print(train(load_config(args.config, {name: getattr(args, name) for name in names})))
    return 0


def add_fork(commands: Commands) -> None:
    parser = commands.add_parser("fork", help="a copy of a checkpoint that goes on with other random draws")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the new run")
    parser.set_defaults(run=run_fork)


def run_fork(args: argparse.Namespace) -> int:
    from model_export.train.branches import fork_checkpoint
    from model_export.train.loop import CHECKPOINT

    print(fork_checkpoint(args.checkpoint, args.seed, args.out / CHECKPOINT))
    return 0


def add_average(commands: Commands) -> None:
    parser = commands.add_parser("average", help="the mean of runs that went apart from one checkpoint")
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.set_defaults(run=run_average)


def run_average(args: argparse.Namespace) -> int:
    from model_export.train.branches import average_checkpoints

    print(average_checkpoints(args.checkpoints, args.out))
    return 0


def add_export(commands: Commands) -> None:
    parser = commands.add_parser("export", help="a checkpoint into a bundle, with parity report and accuracy")
    parser.add_argument("--model", required=True, choices=sorted(MODEL_NAMES))
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the bundle's directory, replaced when complete")
    parser.add_argument("--data", type=Path, default=DATA, help=f"annotated pictures for parity and accuracy ({DATA})")
    parser.add_argument("--no-accuracy", action="store_true", help="skip the evaluation, which takes minutes")
    parser.set_defaults(run=run_export)


def run_export(args: argparse.Namespace) -> int:
    from model_export.export.build import export_bundle

    bundle = export_bundle(args.model, args.checkpoint, args.out, args.data, evaluate=not args.no_accuracy)
    total = sum(entry.bytes for entry in bundle.manifest.files.values())
    print(f"{bundle.directory}: {bundle.manifest.id} {bundle.manifest.revision}, {total / 1e6:.2f} MB")
    return 0


def add_verify(commands: Commands) -> None:
    parser = commands.add_parser("verify", help="recompute a bundle's hashes and its parity with torch")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, default=DATA, help="annotated pictures; without them the page's samples")
    parser.set_defaults(run=run_verify)


def run_verify(args: argparse.Namespace) -> int:
    from model_export.export.build import open_bundle
    from model_export.export.parity import parity_report
    from server.errors import BundleError

    try:
        bundle = open_bundle(args.bundle)
    except BundleError as error:
        print(f"not valid: {error}", file=sys.stderr)
        return 1
    print(f"{bundle.manifest.id} {bundle.manifest.revision}: {len(bundle.manifest.files)} files, hashes match")
    report = parity_report(bundle, args.data)
    print(json.dumps(report, indent=2))
    print("parity holds" if report["passed"] else "parity FAILS: a value is outside its limit")
    return 0 if report["passed"] else 1


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

    from model_export.evaluate.loop import evaluate_bundle
    from model_export.evaluate.report import accuracy, markdown_table
    from model_export.export.build import open_bundle
    from model_export.train.data import read_sets

    pictures = read_sets(args.data, args.split)

    def progress(done: int) -> None:
        if done % 20 == 0 or done == len(pictures):
            print(f"{done} of {len(pictures)} pictures", file=sys.stderr, flush=True)

    results = list(evaluate_bundle(open_bundle(args.bundle), pictures, objects=args.objects, progress=progress))
    if args.out:
        args.out.write_text(json.dumps([asdict(result) for result in results]))
    print(markdown_table(accuracy(results)))
    return 0


def add_bench(commands: Commands) -> None:
    from model_export.bench.suite import BENCHMARKS, DOCS

    parser = commands.add_parser("bench", help="speed and memory on this machine, into docs/benchmarks/")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without a name")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--out", type=Path, help=f"for JSON files and README.md ({DOCS}; with --quick a cache)")
    parser.add_argument("--quick", action="store_true", help="tiny counts, to see that everything runs")
    parser.add_argument("--report", action="store_true", help="measure nothing, write README.md from the JSON files")
    parser.set_defaults(run=run_bench)


def run_bench(args: argparse.Namespace) -> int:
    from model_export.bench.report import write_report
    from model_export.bench.setting import Setting
    from model_export.bench.suite import BENCHMARKS, CACHE, DOCS, run_suite
    from model_export.export.build import open_bundle

    unknown = [name for name in args.names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    out = args.out or (CACHE / "quick" if args.quick else DOCS)
    if args.report:
        print(write_report(out))
        return 0
    setting = Setting(open_bundle(args.bundle), CACHE, args.quick)
    print(run_suite(args.names or list(BENCHMARKS), setting, out))
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m model_export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_train, add_fork, add_average, add_export, add_verify, add_evaluate, add_bench):
        add(commands)
    args = parser.parse_args(argv)
    result: int = args.run(args)
    return result
