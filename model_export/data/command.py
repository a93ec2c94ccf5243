"""Commands: data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from model_export.arguments import Commands


def add_data(commands: Commands) -> None:
    parser = commands.add_parser("data", help="what the readers find in a folder: sets, splits, masks, problems")
    parser.add_argument("path", type=Path, help="a set, or a folder of sets")
    parser.add_argument("--out", type=Path, help="draw pictures with their masks here (PNG or JPEG)")
    parser.add_argument("--decode", action="store_true", help="decode every picture too, to find damaged files")
    parser.set_defaults(run=run_data)


def run_data(args: argparse.Namespace) -> int:
    """0 when every set has usable pictures, else 1. A set with some broken pictures is usable."""
    import cv2

    from model_export.data.contact_sheet import contact_sheet
    from model_export.data.description import describe
    from model_export.data.errors import AnnotationError
    from model_export.data.readers import find_sets

    if args.out and not cv2.haveImageWriter(args.out.name):
        print(f"--out {args.out}: give a file name that ends in .png or .jpg", file=sys.stderr)
        return 1
    usable = []
    failed = 0
    for found in find_sets(args.path):
        pictures = [picture for item in found.items if (picture := found.load(item)) is not None]
        if args.decode:
            decoded = []
            for picture in pictures:
                try:
                    picture.pixels()
                    decoded.append(picture)
                except AnnotationError as problem:
                    found.problems.append(problem)
            pictures = decoded
        print("\n".join(describe(found, pictures)), end="\n\n", flush=True)
        usable += pictures
        failed += not pictures
    if args.out and usable:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(args.out), contact_sheet(usable)[..., ::-1])
        print(args.out)
    return 1 if failed else 0
