"""What stands side by side in an evaluation: bundles, and pairs of which one begins and the other refines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from model_export.evaluate.choice import name_bundles
from model_export.evaluate.opening import open_predictor, open_refined
from model_export.evaluate.run import Loader
from model_export.export.build import open_bundle
from server.domain.bundle import FileRole
from server.domain.ports import LoadedBundle

Named: TypeAlias = tuple[str | None, Path]  # as `NAME=PATH` or `PATH` was given
# What a person's machine loads to click, of a whole bundle.
GRAPHS: tuple[FileRole, ...] = ("encoder", "decoder", "coarse", "refine")


@dataclass(frozen=True)
class Options:
    """`after`: how many clicks are the first bundle's where another one refines."""

    flip: bool = False
    zoom: bool = False
    after: int = 1


@dataclass(frozen=True)
class Contender:
    """`about`: what a report says of it and of how it was run."""

    name: str
    load: Loader
    about: dict[str, Any]


def choose_contenders(
    bundles: Sequence[Named], refinements: Sequence[Sequence[Named]], options: Options
) -> list[Contender]:
    """`refinements`: pairs (promptable, interactive), folders or names of `bundles`. Raises ValueError for a name that
    is there twice and for bundles that cannot do what is asked of them, BundleError for what is no bundle."""
    named = name_bundles([(name, folder, open_bundle(folder)) for name, folder in bundles])
    found = [bundle_alone(name, bundle, options) for name, bundle in named.items()]
    for (name, first), (_, then) in refinements:
        pair = [named.get(str(path)) or open_bundle(path) for path in (first, then)]
        found.append(bundle_refined(name, pair[0], pair[1], options))
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two models are called {name}: give one another name with --refine NAME=PROMPTABLE")
    return found


def bundle_alone(name: str, bundle: LoadedBundle, options: Options) -> Contender:
    about: dict[str, Any] = {
        "id": bundle.manifest.id, "revision": bundle.manifest.revision, "kind": bundle.manifest.kind,
    }  # fmt: skip
    about |= {"input_size": bundle.manifest.preprocessing.size} | sizes(bundle)
    if bundle.manifest.kind == "interactive":
        rules = bundle.manifest.interactive
        about |= {"score_slope": rules.score_slope, "score_offset": rules.score_offset}
    load = partial(open_predictor, bundle, flip=options.flip, zoom=options.zoom)
    return Contender(name, load, about | {"options": ways(options, bundle)})


def bundle_refined(name: str | None, first: LoadedBundle, then: LoadedBundle, options: Options) -> Contender:
    both = [f"{bundle.manifest.id} {bundle.manifest.revision}" for bundle in (first, then)]
    clicks = "the first click" if options.after == 1 else f"the first {options.after} clicks"
    about = {"kind": "refine"} | sizes(first, then)
    about |= {"options": [f"{both[0]} for {clicks}", f"then {both[1]}", *ways(options, first, then)]}
    load = partial(open_refined, first, then, options.after, flip=options.flip, zoom=options.zoom)
    return Contender(name or f"{first.manifest.id}, then {then.manifest.id}", load, about)


def sizes(*bundles: LoadedBundle) -> dict[str, Any]:
    files = [entry for bundle in bundles for entry in bundle.manifest.files.values()]
    graphs = sum(entry.bytes for entry in files if entry.role in GRAPHS)
    return {"bytes": sum(entry.bytes for entry in files), "graph_bytes": graphs}


def ways(options: Options, *bundles: LoadedBundle) -> list[str]:
    """Flip averaging and zoom-in in words; interactive bundles always zoom in by themselves."""
    kinds = {bundle.manifest.kind for bundle in bundles}
    asked = (
        ("flip averaging", options.flip),
        ("zoom-in", options.zoom and "promptable" in kinds),
        ("zoom-in of its own", "interactive" in kinds),
    )
    return [name for name, on in asked if on]
