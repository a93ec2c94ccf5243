"""Commands: train, fork, average."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from model_export.arguments import Commands
from model_export.train.config import load_config


def add_train(commands: Commands) -> None:
    parser = commands.add_parser("train", help="train from scratch or from a bundle, or go on from out/last.pt")
    parser.add_argument("--config", type=Path, help="TOML file with fields of TrainConfig")
    parser.add_argument("--data", help="folder of annotated pictures, or of several such folders")
    parser.add_argument("--out", help="folder of the run")
    parser.add_argument("--from", dest="start_from", metavar="BUNDLE", help="begin with the weights of this bundle")
    parser.add_argument("--freeze", choices=["encoder"], help="what is not to learn")
    parser.add_argument("--steps", type=int, help="length of the run, in place of the file's max_minutes too")
    parser.add_argument("--max-minutes", type=float, help="length of the run in time; not together with --steps")
    parser.add_argument("--device")
    parser.add_argument("--processes", type=int, help="processes that share each step's pictures")
    parser.add_argument("--threads", type=int, help="threads of each process")
    parser.set_defaults(run=run_train)


def overrides(args: argparse.Namespace) -> dict[str, Any]:
    """What the command line says, None where it says nothing. Steps there take the place of minutes in the file. Raises
    ValueError for both."""
    names = ("data", "out", "start_from", "freeze", "steps", "max_minutes", "device", "processes", "threads")
    given = {name: getattr(args, name) for name in names}
    if args.steps is not None and args.max_minutes:
        raise ValueError("--steps and --max-minutes: a run lasts so many steps or so long, so give one of them")
    return given if args.steps is None else given | {"max_minutes": 0.0}


def run_train(args: argparse.Namespace) -> int:
    from torch.multiprocessing.spawn import ProcessExitedException

    from model_export.train.loop import train
    from server.errors import BundleError

    try:
        print(train(load_config(args.config, overrides(args))))
    except (ValueError, BundleError, OSError, ProcessExitedException) as error:
        print(f"not trained: {error}", file=sys.stderr)
        return 1
    return 0


def add_fork(commands: Commands) -> None:
    parser = commands.add_parser("fork", help="a copy of a checkpoint that goes on with other random draws")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the new run")
    parser.set_defaults(run=run_fork)


def run_fork(args: argparse.Namespace) -> int:
    from model_export.train.branches import fork_checkpoint
    from model_export.train.run import CHECKPOINT

    try:
        print(fork_checkpoint(args.checkpoint, args.seed, args.out / CHECKPOINT))
    except (ValueError, OSError) as error:
        print(f"not forked: {error}", file=sys.stderr)
        return 1
    return 0


def add_average(commands: Commands) -> None:
    parser = commands.add_parser("average", help="the mean of runs that went apart from one checkpoint")
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.set_defaults(run=run_average)


def run_average(args: argparse.Namespace) -> int:
    from model_export.train.branches import average_checkpoints

    try:
        print(average_checkpoints(args.checkpoints, args.out))
    except (ValueError, OSError) as error:
        print(f"not averaged: {error}", file=sys.stderr)
        return 1
    return 0
