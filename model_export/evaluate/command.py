"""Commands: evaluate."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_export.arguments import DATA, Commands

if TYPE_CHECKING:
    from model_export.evaluate.results import Evaluation

PROGRESS_SECONDS = 5.0
FOR_BUNDLES = (
    "refine",
    "sets",
    "limit",
    "flip",
    "zoom",
    "given",
)  # options that change nothing about results from a file


def whole(low: int, high: int) -> Callable[[str], int]:
    """An argparse type: a whole number from `low` to `high`."""

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{value!r} is no whole number from {low} to {high}")
        return number

    return parse


def named_path(value: str) -> tuple[str | None, Path]:
    """`NAME=PATH` or `PATH`, which may itself hold a `=`."""
    name, separator, path = value.partition("=")
    return (name, Path(path)) if separator and not Path(value).exists() else (None, Path(value))


def add_evaluate(commands: Commands) -> None:
    parser = commands.add_parser("evaluate", help="simulated boxes and clicks on annotated pictures")
    add = parser.add_argument
    add("--bundle", type=named_path, nargs="+", action="extend", default=[], metavar="[NAME=]FOLDER",
        help="one bundle, or several to compare on the same objects")  # fmt: skip
    pair = ("[NAME=]PROMPTABLE", "INTERACTIVE")
    add("--refine", type=named_path, nargs=2, action="append", default=[], metavar=pair,
        help="one bundle for the first clicks, then the other; folders, or names of --bundle")  # fmt: skip
    add("--refine-after", type=whole(1, 100), default=1, help="clicks of the promptable bundle in --refine (1)")
    add("--data", type=Path, default=DATA, help=f"annotated pictures ({DATA})")
    add("--split", default="val", help="of the data (val)")
    add("--sets", nargs="+", metavar="SET", help="only these sets of the data")
    add("--limit", type=whole(1, 1_000_000), help="at most so many pictures of each set, drawn with --seed")
    add("--objects", type=whole(1, 1000), default=2, help="at most so many a picture, the largest first (2)")
    add("--max-clicks", type=whole(1, 100), default=20, help="clicks for each object (20)")
    add("--workers", type=whole(1, 256), default=1, help="processes (1)")
    add("--seed", type=whole(0, 2**32 - 1), default=0, help="of all that is drawn (0)")
    add("--flip", action="store_true", help="average with the mirrored picture: every click costs two")
    add("--zoom", action="store_true",
        help="promptable bundles: from the second click on, see only the surroundings: encodes anew")  # fmt: skip
    add("--given", action="store_true", help="also repair a faulty mask of each object, IoU 0.75 to 0.85")
    add("--ritm-clicks", action="store_true", help="exactly RITM's clicks, which may lie beside earlier ones")
    add("--out", type=Path, help="write every object's results here as JSON")
    add("--report", type=Path, metavar="FOLDER", help="write report.html and report.md with plots and examples here")
    add("--results", type=named_path, nargs="+", metavar="[NAME=]FILE",
        help="tables and report from what --out wrote, without a model; several files side by side")  # fmt: skip
    parser.set_defaults(run=run_evaluate)


def show_progress() -> Callable[[int, int, float], None]:
    """Pictures done and time left on standard error, every few seconds."""
    last = time.monotonic()

    def show(done: int, total: int, seconds_left: float) -> None:
        nonlocal last
        if done < total and time.monotonic() - last < PROGRESS_SECONDS:
            return
        last = time.monotonic()
        minutes, seconds = divmod(round(seconds_left), 60)
        print(f"{done} of {total} pictures, {minutes}:{seconds:02d} left", file=sys.stderr, flush=True)

    return show


def run_evaluate(args: argparse.Namespace) -> int:
    from server.errors import SegserveError

    try:
        evaluate_command(args)
    except (ValueError, OSError, SegserveError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("evaluate: stopped, nothing was kept", file=sys.stderr)
        return 130
    return 0


def evaluate_command(args: argparse.Namespace) -> None:
    from model_export.evaluate.report import check_writable, write_report
    from model_export.evaluate.results import Evaluation, merge
    from model_export.evaluate.tables import all_tables

    if bool(args.bundle or args.refine) == bool(args.results):
        raise ValueError("name either bundles with --bundle, or files of results with --results")
    if args.results and (useless := [f"--{name}" for name in FOR_BUNDLES if getattr(args, name)]):
        raise ValueError(f"{', '.join(useless)}: what was measured stays as it was; give it with --bundle")
    check_writable(args.report, args.out)
    if args.results:
        evaluation = merge([(name or str(file), Evaluation.load(file)) for name, file in args.results])
    else:
        evaluation = run_bundles(args)
    if not evaluation.models[0].objects:
        raise ValueError("no picture has an object that covers 0.1 % to 90 % of it")
    if args.out:
        evaluation.save(args.out)
    print(all_tables(evaluation), flush=True)
    if args.report:
        print(f"report: {write_report(evaluation, args.report)}", file=sys.stderr)


def run_bundles(args: argparse.Namespace) -> Evaluation:
    from model_export.bench.machine import git_state, machine
    from model_export.data.readers import read_sets
    from model_export.evaluate.choice import choose_pictures
    from model_export.evaluate.contenders import Options, choose_contenders
    from model_export.evaluate.loop import Protocol, UnreadablePictureError
    from model_export.evaluate.results import Evaluation, ModelResults
    from model_export.evaluate.run import evaluate

    contenders = choose_contenders(args.bundle, args.refine, Options(args.flip, args.zoom, args.refine_after))
    pictures = choose_pictures(read_sets(args.data.resolve(), args.split), args.sets, args.limit, args.seed)
    protocol = Protocol(args.objects, args.max_clicks, args.seed, args.ritm_clicks, args.given)
    asked: dict[str, Any] = {"data": str(args.data.resolve())} | {
        name: getattr(args, name)
        for name in ("split", "limit", "objects", "max_clicks", "seed", "workers", "ritm_clicks", "given")
    }
    machine_before = machine() | git_state()
    loaders = {each.name: each.load for each in contenders}
    broken: list[UnreadablePictureError] = []
    found = evaluate(
        loaders, pictures, protocol, workers=args.workers, progress=show_progress(), left_out=broken.append
    )
    for error in broken:
        print(f"left out: {error}", file=sys.stderr)
    asked |= {"pictures": len(pictures) - len(broken), "left_out": len(broken)}
    models = tuple(ModelResults(each.name, each.about, tuple(found[each.name])) for each in contenders)
    return Evaluation(asked, machine_before, models)
