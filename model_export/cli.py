"""`python -m model_export`: train, export, verify, evaluate, bench."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from model_export.train.config import load_config


def add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m model_export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_train(commands)
    args = parser.parse_args(argv)
    result: int = args.run(args)
    return result


if __name__ == "__main__":
    sys.exit(main())
