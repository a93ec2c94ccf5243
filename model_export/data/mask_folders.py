"""Pictures in one folder, their masks as pictures in another: `images/a.jpg` and `masks/a.png`, or `masks/a/*.png` with
one object each. Folders below (`images/train/a.jpg`, `masks/train/a.png`; DAVIS's sequences) go in step."""

from __future__ import annotations

from pathlib import Path

from model_export.data.annotated_set import AnnotatedSet, Item
from model_export.data.errors import AnnotationError
from model_export.data.mask_images import read_mask_image
from model_export.data.picture import Picture, ignore_band
from model_export.data.picture_files import checked_size, pictures_below
from model_export.data.rle import RLE
from model_export.data.splits import DeclaredSplits

FORMAT = "mask images"
IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "pictures", "photos")
MASK_FOLDERS = ("masks", "mask", "segmentationobject", "groundtruth", "ground_truth", "gt", "annotations", "labels",
                "segmentationclass")  # fmt: skip
ENDINGS = ("_mask", "-mask", "_seg", "_segmentation", "_gt", "_label", "_matte")  # that a mask's name may add


def read_mask_folders(found: AnnotatedSet, folder: Path, split: str | None) -> None:
    """Adds the pictures of `folder` that have masks, where it holds one of IMAGE_FOLDERS and one of MASK_FOLDERS (the
    first with pictures in it). `split`: the one that the folder's name declares."""
    named = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    images = next((named[name] for name in IMAGE_FOLDERS if name in named), None)
    candidates = [named[name] for name in MASK_FOLDERS if name in named]
    masks, files = next(((path, files) for path in candidates if (files := pictures_below(path))), (None, []))
    pictures = pictures_below(images) if images is not None and masks is not None else []
    if images is None or masks is None or not pictures:
        return
    splits = DeclaredSplits(folder, split)
    index = MaskIndex(masks, files)
    for path in pictures:
        own = index.take(path.relative_to(images))
        if not own:
            found.problems.append(AnnotationError("no mask", path, f"nothing in {masks} has its name"))
            continue
        found.add(FORMAT, [_item(found.name, path, splits.of(path), own)])
    for file in index.left():
        found.problems.append(AnnotationError("missing picture", file, f"nothing in {images} has its name"))


class MaskIndex:
    """Mask files by the names that their pictures would have."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self.by_name: dict[str, list[Path]] = {}
        self.by_stem: dict[str, set[str]] = {}
        self.taken: set[Path] = set()
        self.files = files
        for file in files:
            relative = file.relative_to(folder)
            for name in {relative.with_name(relative.stem), relative.with_name(_plain(relative.stem)), relative.parent}:
                self.by_name.setdefault(name.as_posix(), []).append(file)
                self.by_stem.setdefault(name.name, set()).add(name.as_posix())

    def take(self, relative: Path) -> list[Path]:
        """The masks of the picture at `relative` below the picture folder: those with its path, else those with its
        name if there is only one such."""
        name = relative.with_suffix("").as_posix()
        if name not in self.by_name:
            alike = self.by_stem.get(relative.stem, set())
            name = next(iter(alike)) if len(alike) == 1 else name
        own = self.by_name.get(name, [])
        self.taken.update(own)
        return own

    def left(self) -> list[Path]:
        return [file for file in self.files if file not in self.taken]


def _plain(stem: str) -> str:
    return next((stem[: -len(ending)] for ending in ENDINGS if stem.lower().endswith(ending)), stem)


def _item(set_name: str, path: Path, split: str | None, files: list[Path]) -> Item:
    def load(problems: list[AnnotationError]) -> Picture | None:
        rles: list[RLE] = []
        ignored: list[RLE] = []
        size = checked_size(path, None, None)
        for file in files:
            try:
                mask = read_mask_image(file)
                if (mask.width, mask.height) != size:
                    detail = f"the mask is {mask.width} x {mask.height}, its picture {path} {size[0]} x {size[1]}"
                    raise AnnotationError("size mismatch", file, detail)
            except AnnotationError as problem:
                problems.append(problem)
                continue
            if not mask.objects:
                problems.append(AnnotationError("empty mask", file, "no pixel belongs to an object"))
            rles += mask.objects
            ignored += [mask.ignore] if mask.ignore else []
        if not rles:
            return None
        return Picture(set_name, path, size[0], size[1], tuple(rles), ignore=ignore_band(ignored, rles))

    return Item(path, split, load)
