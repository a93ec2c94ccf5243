"""Commands: bench."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from model_export.arguments import BUNDLE, Commands


def add_bench(commands: Commands) -> None:
    from model_export.bench.suite import BENCHMARKS, DOCS

    parser = commands.add_parser("bench", help="speed and memory on this machine, into docs/benchmarks/")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; without a name all but published"
    )
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--out", type=Path, help=f"for JSON files and README.md ({DOCS}; with --quick a cache)")
    parser.add_argument("--quick", action="store_true", help="tiny counts, to see that everything runs")
    parser.add_argument("--report", action="store_true", help="measure nothing, write README.md from the JSON files")
    parser.set_defaults(run=run_bench)


def run_bench(args: argparse.Namespace) -> int:
    from model_export.bench.report import write_report
    from model_export.bench.setting import Setting
    from model_export.bench.suite import BENCHMARKS, CACHE, DEFAULT, DOCS, run_suite
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
    print(run_suite(args.names or DEFAULT, setting, out))
    return 0
