"""What a bundle is called and what is said of where its weights come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

LITE_INTRO = """The default model of Segserve: a small promptable segmentation network that fits in the package, runs
on two CPU cores and whose decoder runs in the browser."""
CLICKS_INTRO = """The interactive model of Segserve: it reads clicks and the present mask together with the picture and
refines the mask click by click. Both of its stages fit in the package and run in the browser."""
EMBEDDED = {  # id -> title, description, opening of the model card
    "segserve-lite": ("Segserve Lite", "Small general model that comes with Segserve; quick on a CPU.", LITE_INTRO),
    "segserve-clicks": ("Segserve Clicks", "Refines a mask click by click, in the browser too.", CLICKS_INTRO),
}
# Every revision that is or was embedded, of the project's pictures alone. A test says when the present one is missing.
EMBEDDED_REVISIONS = {
    "segserve-lite": (
        "404ddaa1e6835cfb",
        "fb100375dbc680a1",
        "72d6d46d931def0a",
        "5627083e05d62344",
        "969e29578e1ea011",
    ),
    "segserve-clicks": (
        "6bf0d79703b6cb33",
        "c2d372c22595ecc4",
        "1fe15fd970932240",
        "fddc1077af55cc03",
        "e7431d22ba3e55fc",
    ),
}
DEFAULT_LICENSE = "Apache-2.0 for the weights; see the model card for the terms of the training pictures"
DEFAULT_SETS = (
    "everyday", "ecssd", "pascal_s", "bsds500", "ccp", "coco128", "facade", "camvid", "dsb2018", "balloon", "kvasir",
    "fasseg",
)  # fmt: skip
DEFAULT_TERMS = f"""Training pictures (train split of `shared/data`): {", ".join(DEFAULT_SETS)}.
Except for ccp (Apache-2.0), facade (CC BY 4.0) and dsb2018 (CC0) the sources state no licence or a research-only one.
None of the pictures or masks is part of this bundle. Whoever needs weights with other terms should train on pictures of
their own."""


@dataclass(frozen=True)
class Identity:
    """`intro` opens the model card, `training` and `pictures` are its account of the training."""

    id: str
    title: str
    description: str
    license: str
    source: str
    intro: str
    training: str
    pictures: str


def identity_of(
    network: str, state: dict[str, Any], bundle_id: str | None, title: str | None, license_text: str | None
) -> Identity:
    """For a checkpoint's `state`. Without `bundle_id` the bundle is called as its network is; trained on the project's
    pictures alone, from random weights or an embedded model's, that is one of the embedded models."""
    chosen = bundle_id or network
    training = describe_training(state)
    pictures = state.get("training", {}).get("pictures", {})
    if chosen in EMBEDDED and set(pictures) <= set(DEFAULT_SETS) and is_embedded(state.get("origin")):
        own_title, description, intro = EMBEDDED[chosen]
        return Identity(
            id=chosen,
            title=title or own_title,
            description=description,
            license=license_text or DEFAULT_LICENSE,
            source="trained by model_export on the project's training pictures; see MODEL_CARD.md",
            intro=intro,
            training=training,
            pictures=DEFAULT_TERMS,
        )
    begun = describe_origin(state)
    return Identity(
        id=chosen,
        title=title or chosen,
        description=f"{network}, {begun}.",
        license=license_text or "not stated",
        source=f"model_export, {begun}; see MODEL_CARD.md",
        intro=f"{title or chosen}: the network {network} of Segserve's workshop, {begun}.",
        training=training,
        pictures=describe_pictures(state),
    )


def is_embedded(origin: Mapping[str, Any] | None) -> bool:
    """Whether a run began with random weights or with a bundle that is or was embedded, whose terms are known."""
    if not origin:
        return True
    return origin["revision"] in EMBEDDED_REVISIONS.get(origin["id"], ())


def describe_origin(state: dict[str, Any]) -> str:
    origin = state.get("origin")
    if not origin:
        return "trained from random initialisation"
    begun = "on the encoder of" if origin.get("part") == "encoder" else "fine-tuned from"
    part = ", decoder only" if state.get("training", {}).get("freeze") == "encoder" else ""
    return f"{begun} {origin['id']} (revision {origin['revision']}{part})"


def describe_training(state: dict[str, Any]) -> str:
    """How long and on what, of a checkpoint of `train` or `average`."""
    told = state.get("training", {})
    machine = "a GPU" if told.get("device") == "cuda" else "a CPU"
    processes = told.get("processes", 1)
    shared = "one process" if processes == 1 else f"{processes} processes"
    minutes = f"{state['seconds'] / 60:.0f} minutes" + (" of processor time" if told.get("clock") == "cpu" else "")
    length = f"{describe_origin(state)}: {state['step']:,} steps, {minutes} on {machine} in {shared}"
    runs = state.get("runs", 1)
    return length if runs == 1 else f"{length}, the mean of {runs} runs that went apart from one checkpoint"


def describe_pictures(state: dict[str, Any]) -> str:
    counts = state.get("training", {}).get("pictures", {})
    if not counts:
        return "Which pictures it was trained on is not recorded."
    sets = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    return f"Training pictures, by set: {sets}. Their terms are for whoever trained it to state."


class Told(Protocol):
    """What is known of a published network."""

    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def license(self) -> str: ...
    @property
    def source(self) -> str: ...


def converted_identity(
    name: str, known: Told, checkpoint: Path, bundle_id: str | None, title: str | None, license_text: str | None
) -> Identity:
    """What a bundle of a published network says of itself. A checkpoint under another id is somebody's own: its licence
    is not the authors' unless they say so."""
    with checkpoint.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    own = bundle_id is not None and bundle_id != name
    return Identity(
        id=bundle_id or name,
        title=title or (known.title if not own else str(bundle_id)),
        description=known.description if not own else f"Weights of one's own for {known.title}.",
        license=license_text or (known.license if not own else "not stated"),
        source=f"{known.source}; converted from {checkpoint.name}, SHA-256 {sha256}",
        intro=known.description,
        training=f"the weights of {checkpoint.name}, converted without loss",
        pictures="",
    )
