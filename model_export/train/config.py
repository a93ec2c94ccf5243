"""Configuration of a training run; a TOML file may set any field."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


def default_weights() -> dict[str, float]:
    """Sampling weight of one picture of a set; a set not named here counts 1."""
    return {
        "everyday": 1.0, "ecssd": 1.2, "pascal_s": 1.2, "bsds500": 0.6, "ccp": 0.8, "coco128": 1.0, "facade": 0.4,
        "camvid": 0.4, "dsb2018": 0.15, "balloon": 0.6, "kvasir": 0.5, "fasseg": 0.3,
    }  # fmt: skip


CLICK_SIZES = [[0.0, 256]]  # of segserve-clicks, where none are given: it is served at 256 px

# whether a value fits, what is said where it does not, of which settings
BOUNDS: tuple[tuple[Callable[[float], bool], str, tuple[str, ...]], ...] = (
    (
        lambda value: value >= 1,
        "at least 1",
        ("steps", "processes", "threads", "pictures", "masks", "clicks", "log_every", "save_every"),
    ),
    (lambda value: value >= 0, "at least 0", ("seed", "warmup", "limit_pictures", "preview_every")),
    (
        lambda value: 0 <= value < math.inf,
        "at least 0, and finite",
        ("max_minutes", "weight_decay", "focal", "dice", "iou"),
    ),
    (lambda value: 0 <= value <= 1, "from 0 to 1", ("ema", "paste", "occlude", "regions")),
    (lambda value: 0 <= value < 1, "at least 0 and below 1", ("constant_until",)),
    (lambda value: 0 < value < math.inf, "above 0, and finite", ("learning_rate",)),
    (lambda value: value > 0, "above 0 (inf: gradients are not clipped)", ("clip",)),
)


@dataclass(frozen=True)
class TrainConfig:
    """docs/training.md says more of each field."""

    # what is trained, on what, into what
    model: str = "segserve-lite"
    data: str = "../shared/data"
    out: str = "runs/lite"
    start_from: str = ""  # a bundle's folder: begin with its weights instead of random ones
    freeze: str = ""  # "encoder": only the decoder learns
    seed: int = 0

    # how long, and on which machine
    steps: int = 4000
    max_minutes: float = 0.0  # > 0: the schedule follows the clock instead of the step, for shared machines
    clock: str = "wall"  # or "cpu": processor time, which does not run while others have the machine
    processes: int = 1  # share the pictures of a step
    threads: int = 1  # a process
    device: str = "cpu"  # or "cuda"
    source: str = ""  # "pictures": OpenCV on the CPU; "device": data set and augmentation there; "": by the device

    # a step
    sizes: tuple[tuple[float, int], ...] = ((0.0, 256), (0.4, 384), (0.7, 480))  # (from this progress on, input size)
    pictures: int = 12
    masks: int = 3  # prompts a picture
    max_rounds: tuple[tuple[float, int], ...] = ((0.0, 6),)  # (from this progress on, most rounds of prompts)
    clicks: int = 1  # most clicks that one round brings
    guidance: str = "likeness"  # interactive models: "none" cuts the maps of likeness to the clicks, to see their worth
    drafts: str = ""  # interactive models: folder of a promptable bundle that answers the first click of some objects

    # optimisation
    learning_rate: float = 1e-3
    warmup: int = 200  # steps
    constant_until: float = 0.0  # share of the run at the full rate, after which it decays
    decay: str = "cosine"  # or "linear"
    optimizer: str = "muon"  # or "adamw"
    weight_decay: float = 0.05
    clip: float = 1.0
    ema: float = 0.998
    focal: float = 5.0
    dice: float = 1.0
    iou: float = 1.0

    # which pictures, and what is done to them
    weights: dict[str, float] = field(default_factory=default_weights)
    limit_pictures: int = 0  # > 0: only so many
    paste: float = 0.4  # chance that objects of other pictures are pasted in
    donors: tuple[str, ...] = ("everyday", "ecssd", "pascal_s", "coco128", "balloon")
    occlude: float = 0.15  # chance that a textured shape is laid over
    regions: float = 0.3  # chance that groups and remainders join a picture's masks

    # what is told, in steps
    log_every: int = 20
    save_every: int = 200
    preview_every: int = 500  # 0: no pictures of predictions

    def __post_init__(self) -> None:
        choices = {
            "clock": ("wall", "cpu"), "decay": ("cosine", "linear"), "freeze": ("", "encoder"),
            "optimizer": ("muon", "adamw"), "guidance": ("likeness", "none"),
            "source": ("", "pictures", "device"), "device": ("cpu", "cuda"),
        }  # fmt: skip
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it may be {' or '.join(map(repr, allowed))}")
        for fits, bound, names in BOUNDS:
            for name in names:
                if not fits(getattr(self, name)):
                    raise ValueError(f"{name} is {getattr(self, name)}; it must be {bound}")
        self.check_tables()

    def check_tables(self) -> None:
        """Raises ValueError that names one whose values do not do."""
        if not all(0 <= weight < math.inf for weight in self.weights.values()):
            raise ValueError(f"weights is {self.weights}; each must be at least 0, and finite")
        for name in ("sizes", "max_rounds"):
            stages = getattr(self, name)
            if not stages or stages[0][0] != 0 or list(stages) != sorted(stages, key=lambda stage: stage[0]):
                raise ValueError(f"{name} is {stages}; it must begin at progress 0.0 and rise")
        if any(size < 32 or size % 32 for _, size in self.sizes):
            raise ValueError(f"sizes is {self.sizes}; an input size must be a multiple of 32")


def load_config(path: Path | None, overrides: dict[str, Any]) -> TrainConfig:
    """Defaults, then the TOML file, then the command line. Unknown names are an error that lists the known ones."""
    values: dict[str, Any] = tomllib.loads(path.read_text()) if path else {}
    values.update({key: value for key, value in overrides.items() if value is not None})
    known = {f.name for f in fields(TrainConfig)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"unknown setting(s) {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    if values.get("model") == "segserve-clicks":
        values.setdefault("sizes", CLICK_SIZES)
    if isinstance(values.get("max_rounds"), int):
        values["max_rounds"] = [[0.0, values["max_rounds"]]]
    check_kinds(values)
    for name in ("sizes", "max_rounds"):
        if name in values:
            values[name] = tuple((float(start), int(value)) for start, value in values[name])
    if "donors" in values:
        values["donors"] = tuple(values["donors"])
    return TrainConfig(**values)


def check_kinds(values: Mapping[str, Any]) -> None:
    """Raises ValueError that names a setting whose value is of another kind than its default."""
    for name, value in values.items():
        default = getattr(TrainConfig, name, None)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in ("sizes", "max_rounds"):
            kind, fits = "like [[0.0, 256], [0.5, 480]]", is_stages(value)
        elif name == "weights":
            kind = "a table of numbers"
            fits = isinstance(value, dict) and all(isinstance(each, int | float) for each in value.values())
        elif name == "donors":
            kind = "a list of names"
            fits = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
        elif isinstance(default, str):
            kind, fits = "text", isinstance(value, str)
        elif isinstance(default, int):
            kind, fits = "a whole number", number and isinstance(value, int)
        else:
            kind, fits = "a number", number
        if not fits:
            raise ValueError(f"{name} is {value!r}; it must be {kind}")


def is_stages(value: Any) -> bool:
    """Whether it is a list of (progress, whole number)."""
    return isinstance(value, list | tuple) and all(
        isinstance(stage, list | tuple)
        and len(stage) == 2
        and isinstance(stage[0], int | float)
        and isinstance(stage[1], int)
        for stage in value
    )
