"""Which pictures and bundles an evaluation is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_export.data.picture import Picture
from server.domain.ports import LoadedBundle


def choose_pictures(
    pictures: Sequence[Picture], sets: Sequence[str] | None = None, limit: int | None = None, seed: int = 0
) -> list[Picture]:
    """Those of `sets`, at most `limit` of each set, drawn with `seed`, in their order. Raises ValueError for a set that
    is not there and when no picture is left."""
    known = sorted({picture.source for picture in pictures})
    unknown = sorted(set(sets or ()) - set(known))
    if unknown:
        raise ValueError(
            f"no pictures of {', '.join(unknown)}; the sets of this split are {', '.join(known) or 'none'}"
        )
    if "all" in known:
        raise ValueError("a set is called `all`, as all sets together are in the tables: rename its folder")
    chosen = []
    for name in known:
        of_set = [picture for picture in pictures if picture.source == name]
        if sets and name not in sets:
            continue
        if limit is not None and len(of_set) > limit:
            places = np.random.default_rng(seed).choice(len(of_set), limit, replace=False)
            of_set = [of_set[place] for place in sorted(places)]
        chosen += of_set
    if not chosen:
        raise ValueError("no annotated pictures in this split")
    return chosen


def name_bundles(given: Sequence[tuple[str | None, Path, LoadedBundle]]) -> dict[str, LoadedBundle]:
    """By the name given, else by id; where bundles have the same id, by folder. Raises ValueError for a name that is
    there twice."""
    ids = [bundle.manifest.id for name, _, bundle in given if name is None]
    named: dict[str, LoadedBundle] = {}
    for name, path, bundle in given:
        own = name or (bundle.manifest.id if ids.count(bundle.manifest.id) == 1 else str(path))
        if own in named:
            raise ValueError(f"two bundles are called {own}: give one another name with --bundle NAME=FOLDER")
        named[own] = bundle
    return named
