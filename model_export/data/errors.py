"""What can be wrong with annotated sets. Imports nothing: the command line needs it without the `train` extra too.

DataError               nothing usable was found, or a file that stands for many pictures is broken
└── AnnotationError     one picture, mask or file; readers raise it or record it
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "missing picture",
    "broken picture",
    "size mismatch",
    "broken JSON",
    "unknown JSON",
    "no mask",
    "broken mask",
    "empty mask",
    "shape without area",
    "listed twice",
]


class DataError(ValueError):
    """A set that cannot be used as it is; the message names the file or folder and says what to do."""


class AnnotationError(DataError):
    """Something of a set that cannot be used. `kind` is stable (docs/datasets.md says what to do about each),
    `detail` says more.

    Readers raise it for what makes a picture useless and record it for what only loses a part.
    """

    def __init__(self, kind: Kind, file: Path, detail: str) -> None:
        super().__init__(f"{file}: {kind}: {detail}")
        self.kind = kind
        self.file = file
        self.detail = detail

    def __reduce__(self) -> tuple[type[AnnotationError], tuple[Kind, Path, str]]:
        return type(self), (self.kind, self.file, self.detail)  # to pass from one process to another
