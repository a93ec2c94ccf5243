"""What a set holds, in lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from model_export.data.annotated_set import AnnotatedSet
from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture
from model_export.data.rle import area
from model_export.data.splits import count_splits

MOST_NAMES = 12
MOST_CASES = 3  # of each kind of problem


def describe(found: AnnotatedSet, pictures: Sequence[Picture]) -> list[str]:
    """`pictures`: the usable ones of `found`, every split."""
    used = {picture.path for picture in pictures}
    splits = count_splits(item for item in found.items if item.path in used)
    rule = "declared by the set" if found.declares_splits else "none declared: one in ten held out by its name"
    lines = [f"{found.name}: {' and '.join(found.formats)}, {len(pictures)} pictures, in {found.folder}"]
    lines.append(f"  splits    {', '.join(f'{name} {count}' for name, count in splits.items())} ({rule})")
    if pictures:
        lines += _measures(pictures)
    kinds: dict[str, list[AnnotationError]] = {}
    for problem in found.problems:
        kinds.setdefault(problem.kind, []).append(problem)
    for kind, cases in kinds.items():
        lines.append(f"  left out  {len(cases)} x {kind}")
        lines += [f"            {case.file}: {case.detail}" for case in cases[:MOST_CASES]]
        lines += [f"            and {len(cases) - MOST_CASES} more"] if len(cases) > MOST_CASES else []
    return lines


def _measures(pictures: Sequence[Picture]) -> list[str]:
    sides = np.array([(picture.width, picture.height) for picture in pictures])
    counts = np.array([len(picture.rles) for picture in pictures])
    shares = np.array([area(rle) / (p.width * p.height) for p in pictures for rle in p.rles])
    small, middle, large = np.quantile(shares, (0.05, 0.5, 0.95))
    lines = [
        f"  sizes     {sides[:, 0].min()} to {sides[:, 0].max()} wide, {sides[:, 1].min()} to {sides[:, 1].max()} high",
        f"  masks     {counts.sum()}; {counts.min()} to {counts.max()} a picture, median {np.median(counts):g}",
        f"  areas     median {middle:.2%} of the picture; nine in ten from {small:.2%} to {large:.2%}",
    ]
    names = Counter(name for picture in pictures for name in picture.names if name)
    if names:
        most = ", ".join(f"{name} {count}" for name, count in names.most_common(MOST_NAMES))
        lines.append(
            f"  names     {most}" + (f", and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
        )
    ignored = [area(picture.ignore) / (picture.width * picture.height) for picture in pictures if picture.ignore]
    if ignored:
        lines.append(f"  ignored   in {len(ignored)} pictures, {np.mean(ignored):.2%} of each on average")
    return lines
