"""`python -m model_export`: data, train, export, verify, evaluate, bench."""

from __future__ import annotations

import argparse
import sys

from model_export.bench.command import add_bench
from model_export.data.command import add_data
from model_export.data.errors import DataError
from model_export.evaluate.command import add_evaluate
from model_export.export.command import add_export, add_verify
from model_export.train.command import add_average, add_fork, add_train


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m model_export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_data, add_train, add_fork, add_average, add_export, add_verify, add_evaluate, add_bench):
        add(commands)
    args = parser.parse_args(argv)
    try:
        result: int = args.run(args)
    except DataError as error:  # the user's pictures, not the program: no traceback
        print(error, file=sys.stderr)
        return 1
    return result
