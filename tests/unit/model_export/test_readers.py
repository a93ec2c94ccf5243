"""Every format read back to exactly the masks that were drawn, and what is wrong said so that it can be mended."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model_export.data.errors import AnnotationError, DataError
from model_export.data.picture import Picture
from model_export.data.readers import find_sets, read_sets
from model_export.data.splits import chance
from tests.unit.model_export.drawn_formats import (
    Drawn,
    coco_document,
    label_map,
    labelme_shape,
    scene,
    write_coco,
    write_label_maps,
    write_labelme,
    write_labelme_file,
    write_object_masks,
    write_sa1b,
)
from tests.unit.model_export.drawn_set import draw_set

Writer = Callable[[Path, Sequence[Drawn]], Path]


def check(pictures: Sequence[Picture], drawn: Sequence[Drawn], named: bool) -> None:
    """`pictures` are exactly the drawn ones, mask for mask."""
    by_stem = {picture.path.stem: picture for picture in pictures}
    assert sorted(by_stem) == sorted(each.stem for each in drawn)
    for each in drawn:
        picture = by_stem[each.stem]
        assert picture.pixels().shape == (each.height, each.width, 3)
        assert picture.names == tuple(name if named else "" for name, _ in each.masks)
        assert picture.ignore_mask() is None
        for k, (_, mask) in enumerate(each.masks):
            assert (picture.mask(k) == mask).all()


@pytest.mark.parametrize(
    ("writer", "form", "named"),
    [
        (write_coco, "COCO JSON", True),
        (write_sa1b, "SA-1B JSON", False),
        (write_labelme, "LabelMe JSON", True),
        (write_label_maps, "mask images", False),
        (write_object_masks, "mask images", False),
    ],
)
def test_every_format_gives_the_masks_that_were_drawn(tmp_path: Path, writer: Writer, form: str, named: bool) -> None:
    drawn = scene([f"picture{k}" for k in range(12)])
    folder = writer(tmp_path / "sets" / "mine", drawn)
    (found,) = find_sets(folder)
    assert (found.name, found.formats, found.problems) == ("mine", [form], [])
    check(read_sets(folder, "all"), drawn, named)
    below = read_sets(tmp_path / "sets", "all")
    assert [picture.source for picture in below] == ["mine"] * 12
    # nothing is declared: the same one in ten is held out, whatever the format
    held_out = {picture.path.stem for picture in read_sets(folder, "val")}
    assert held_out == {each.stem for each in drawn if chance(Path(each.stem)) < 0.1} != set()
    assert {picture.path.stem for picture in read_sets(folder, "train")} == {each.stem for each in drawn} - held_out


@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        ("_annotations.coco.json", "."),
        ("annotations/instances_default.json", "images"),
        ("annotations/anything.json", "images/deep"),
        ("labels.json", "data"),
    ],
)
def test_coco_layouts(tmp_path: Path, name: str, pictures: str) -> None:
    drawn = scene()
    write_coco(tmp_path, drawn, name, pictures)
    check(read_sets(tmp_path, "all"), drawn, True)


def test_coco_with_counted_runs_and_windows_paths(tmp_path: Path) -> None:
    drawn = scene()
    document = coco_document(drawn, compressed=False)
    for image, each in zip(document["images"], drawn, strict=True):
        each.write(tmp_path / "images" / f"{each.stem}.png")
        image["file_name"] = f"images\\{each.stem}.png"
    (tmp_path / "annotations.json").write_text(json.dumps(document), encoding="utf-8-sig")
    check(read_sets(tmp_path, "all"), drawn, True)


def test_a_whole_file_name_goes_before_its_last_part(tmp_path: Path) -> None:
    (each,) = scene(["one"])
    each.write(tmp_path / "images" / "one.png")  # another picture of that name and size
    right = each.write(tmp_path / "second" / "one.png")
    document = coco_document([each])
    for name in ("second/one.png", "images/../second/one.png"):
        document["images"][0]["file_name"] = name
        (tmp_path / "annotations.json").write_text(json.dumps(document))
        assert [picture.path for picture in read_sets(tmp_path, "all")] == [right]


def test_listed_names_may_hold_spaces_and_lines_a_second_column(tmp_path: Path) -> None:
    write_label_maps(tmp_path, scene(["my one", "my two", "three", "four"]))
    (tmp_path / "val.txt").write_text("my one.png\nthree 1\n")
    assert stems(tmp_path, "val") == ["my one", "three"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_as_windows_writes_them(tmp_path: Path, encoding: str) -> None:
    write_label_maps(tmp_path, scene(["one", "zwölf", "three"]))
    (tmp_path / "val.txt").write_text("one\r\nzwölf\r\n", encoding=encoding, newline="")
    assert stems(tmp_path, "val") == ["one", "zwölf"]


def test_an_ending_of_a_mask_s_name_may_be_in_capitals(tmp_path: Path) -> None:
    drawn = scene(["one", "two"])
    write_label_maps(tmp_path, drawn)
    for stem, name in (("one", "one_Mask"), ("two", "two-MASK")):
        (tmp_path / "masks" / f"{stem}.png").rename(tmp_path / "masks" / f"{name}.png")
    check(read_sets(tmp_path, "all"), drawn, False)


def test_pictures_that_share_a_name_are_not_all_held_out(tmp_path: Path) -> None:
    drawn = scene(["one"] * 3)
    document = coco_document(drawn)
    for number, (each, image) in enumerate(zip(drawn, document["images"], strict=True)):
        image["file_name"] = f"{number}/one.png"
        each.write(tmp_path / f"{number}" / "one.png")
    (tmp_path / "annotations.json").write_text(json.dumps(document))
    assert [len(read_sets(tmp_path, split)) for split in ("train", "val")] == [2, 1]


def test_crowds_are_ignored_where_no_object_lies(tmp_path: Path) -> None:
    (each,) = scene(["one"])
    document = coco_document([each])
    crowd = np.zeros((each.height, each.width), np.bool_)
    crowd[:, :20] = True
    runs = {"size": list(crowd.shape), "counts": [0, 20 * each.height, 20 * each.height]}
    document["annotations"].append({"id": 9, "image_id": 0, "category_id": 3, "segmentation": runs, "iscrowd": 1})
    write_coco(tmp_path, [each])
    (tmp_path / "annotations.json").write_text(json.dumps(document))
    (picture,) = read_sets(tmp_path, "all")
    ignored = picture.ignore_mask()
    assert len(picture.rles) == 2
    assert ignored is not None
    assert (ignored == (crowd & ~each.masks[0][1])).all()


def test_sets_with_declared_splits_keep_them(tmp_path: Path) -> None:
    draw_set(tmp_path)
    assert [len(read_sets(tmp_path, split)) for split in ("train", "val", "test", "all")] == [4, 2, 0, 6]
    document = json.loads((tmp_path / "shapes" / "annotations.json").read_text())
    del document["images"][0]["split"]  # beside others that have one: for training
    (tmp_path / "shapes" / "annotations.json").write_text(json.dumps(document))
    assert [len(read_sets(tmp_path, split)) for split in ("train", "val")] == [4, 2]


def stems(root: Path, split: str) -> list[str]:
    return sorted(picture.path.stem for picture in read_sets(root, split))


def test_splits_by_folder_file_and_list(tmp_path: Path) -> None:
    a, b, c = scene(["a", "b", "c"])
    roboflow = tmp_path / "roboflow"
    for part, each in (("train", a), ("valid", b), ("test", c)):
        write_coco(roboflow / part, [each], "_annotations.coco.json", ".")
    cocos = tmp_path / "cocos"
    write_coco(cocos, [a, c], "annotations/instances_train2017.json", "train2017")
    write_coco(cocos, [b], "annotations/instances_val2017.json", "val2017")
    (cocos / "annotations" / "captions_val2017.json").write_text('{"images": [], "annotations": []}')
    nested = tmp_path / "nested"
    for part, each in (("train", a), ("val", b)):
        each.write(nested / "images" / part / f"{each.stem}.jpg")
        (nested / "masks" / part).mkdir(parents=True)
        Image.fromarray(label_map(each)).save(nested / "masks" / part / f"{each.stem}.png")
    single = tmp_path / "single"
    write_coco(single, [a, b, c])
    for part, each in (("train", a), ("val", b), ("val", c)):
        (single / "images" / part).mkdir(exist_ok=True)
        (single / "images" / f"{each.stem}.png").rename(single / "images" / part / f"{each.stem}.png")
    (single / "test.txt").write_text("images/val/c.png\n")
    listed = write_label_maps(tmp_path / "listed", [a, b, c])
    (listed / "images").rename(listed / "JPEGImages")
    (listed / "masks").rename(listed / "SegmentationObject")
    (listed / "ImageSets" / "Segmentation").mkdir(parents=True)
    (listed / "ImageSets" / "Segmentation" / "train.txt").write_text("a\nc\n")
    (listed / "ImageSets" / "Segmentation" / "val.txt").write_text("b\n")
    parts = tmp_path / "parts"
    write_labelme(parts / "train", [a])
    write_labelme(parts / "val", [b])
    assert (stems(roboflow, "train"), stems(roboflow, "val"), stems(roboflow, "test")) == (["a"], ["b"], ["c"])
    assert (stems(cocos, "train"), stems(cocos, "val")) == (["a", "c"], ["b"])
    assert (stems(nested, "train"), stems(nested, "val")) == (["a"], ["b"])
    assert (stems(single, "train"), stems(single, "val"), stems(single, "test")) == (["a"], ["b"], ["c"])
    assert (stems(listed, "train"), stems(listed, "val")) == (["a", "c"], ["b"])
    assert (stems(parts, "train"), stems(parts, "val")) == (["a"], ["b"])
    assert len(stems(roboflow / "valid", "val")) == len(stems(parts / "train", "train")) == 1
    write_sa1b(tmp_path / "deep" / "val" / "mine", [a, b])
    assert stems(tmp_path / "deep", "val") == ["a", "b"]
    assert {found.name for found in find_sets(tmp_path)} == {
        "roboflow",
        "cocos",
        "nested",
        "single",
        "listed",
        "parts",
        "deep/val/mine",
    }


def test_training_and_validation_never_share_a_picture(tmp_path: Path) -> None:
    drawn = scene(["a", "b"])
    write_coco(tmp_path, drawn, "annotations/instances_train.json")
    write_coco(tmp_path, drawn[1:], "annotations/instances_val.json")
    assert (stems(tmp_path, "train"), stems(tmp_path, "val")) == (["a"], ["b"])
    (found,) = find_sets(tmp_path)
    assert [problem.kind for problem in found.problems] == ["listed twice"]


def test_few_pictures_still_leave_one_for_validation_and_one_for_training(tmp_path: Path) -> None:
    for count in range(1, 8):
        drawn = scene([f"few{k}" for k in range(count)])
        folder = write_sa1b(tmp_path / str(count), drawn)
        train, val = stems(folder, "train"), stems(folder, "val")
        assert sorted(train + val) == [each.stem for each in drawn]
        assert len(train) >= 1
        assert bool(val) == (count > 1)
    assert chance(Path("IMG_1_jpg.rf.0123.jpg")) == chance(Path("IMG_1_jpg.rf.4567.jpg"))


def test_a_sequence_in_folders_is_matched_folder_by_folder(tmp_path: Path) -> None:
    for name, each in zip(("bear", "camel"), scene(["00000", "00000"]), strict=True):
        each.write(tmp_path / "JPEGImages" / "480p" / name / "00000.jpg")
        (tmp_path / "Annotations" / "480p" / name).mkdir(parents=True)
        mask = label_map(each) if name == "bear" else (label_map(each) == 1).astype(np.uint8) * 255
        Image.fromarray(mask).save(tmp_path / "Annotations" / "480p" / name / "00000.png")
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "train.txt").write_text("camel\n")
    (tmp_path / "ImageSets" / "2017" / "val.txt").write_text("bear\n")
    (bear,) = read_sets(tmp_path, "val")
    (camel,) = read_sets(tmp_path, "train")
    assert (bear.path.parent.name, len(bear.rles)) == ("bear", 2)
    assert (camel.path.parent.name, len(camel.rles)) == ("camel", 1)


def test_labelme_shapes_groups_and_ignored_pixels(tmp_path: Path) -> None:
    (each,) = scene(["one"])
    each.write(tmp_path / "img" / "one.jpg")
    shapes: list[dict[str, object]] = [
        {"label": "box", "points": [[12, 4], [4, 2]], "shape_type": "rectangle", "group_id": None},
        {"label": "box", "points": [[20, 20], [20, 24]], "shape_type": "circle", "group_id": None},
        {"label": "cup", "points": [[2, 10], [6, 10], [6, 14], [2, 14]], "shape_type": "polygon", "group_id": 1},
        {"label": "cup", "points": [[8, 10], [9, 10], [9, 14], [8, 14]], "group_id": 1},
        {"label": "cap", "points": [[30, 2], [34, 2], [34, 6], [30, 6]], "group_id": 1},
        {"label": "line", "points": [[1, 1], [5, 5]], "shape_type": "line", "group_id": None},
        {"label": "bad", "points": [[1, 1]], "shape_type": "polygon", "group_id": None},
        {"label": "_background_", "points": [[0, 0], [5, 0], [5, 5]], "group_id": None},
        {"label": "__ignore__", "points": [[0, 9], [10, 15]], "shape_type": "rectangle", "group_id": None},
        labelme_shape("mask", each.masks[1][1]) | {"mask": "no base64"},
    ]
    write_labelme_file(tmp_path / "ann" / "a name of its own.json", "..\\img\\one.jpg", each, shapes)
    (found,) = find_sets(tmp_path)
    (item,) = found.items
    picture = found.load(item)
    assert picture is not None
    assert picture.names == ("box", "box", "cup", "cap")
    expected = np.zeros((4, each.height, each.width), np.uint8)
    expected[0, 2:4, 4:12] = 1
    y, x = np.mgrid[: each.height, : each.width] + 0.5
    expected[1] = (x - 20) ** 2 + (y - 20) ** 2 <= 16
    expected[2, 10:14, 2:6] = expected[2, 10:14, 8] = 1
    expected[3, 2:6, 30:34] = 1
    assert all((picture.mask(k) == expected[k]).all() for k in range(4))
    ignored = np.zeros((each.height, each.width), np.uint8)
    ignored[9:15, :10] = 1
    assert (picture.ignore_mask() == (ignored & ~expected[2])).all()
    assert sorted(problem.kind for problem in found.problems) == ["broken mask", "broken mask", "shape without area"]


def broken_json(folder: Path, drawn: Sequence[Drawn]) -> None:
    write_coco(folder, drawn)
    (folder / "annotations.json").write_text('{"images": [')


def no_pictures(folder: Path, drawn: Sequence[Drawn]) -> None:
    (folder / "annotations.json").write_text(json.dumps(coco_document(drawn)))


def nothing_annotated(folder: Path, drawn: Sequence[Drawn]) -> None:
    drawn[0].write(folder / "photos" / "a.jpg")


def only_boxes(folder: Path, drawn: Sequence[Drawn]) -> None:
    write_coco(folder, drawn)
    document = coco_document(drawn)
    for annotation in document["annotations"]:
        annotation["segmentation"] = []
    (folder / "annotations.json").write_text(json.dumps(document))


def no_file_name(folder: Path, drawn: Sequence[Drawn]) -> None:
    write_coco(folder, drawn)
    document = coco_document(drawn)
    del document["images"][1]["file_name"]
    (folder / "annotations.json").write_text(json.dumps(document))


def names_do_not_match(folder: Path, drawn: Sequence[Drawn]) -> None:
    write_label_maps(folder, drawn)
    for path in sorted((folder / "masks").iterdir()):
        path.rename(path.with_name(f"other_{path.name}"))


@pytest.mark.parametrize(
    ("writer", "message"),
    [
        (broken_json, r"annotations\.json: broken JSON: Expecting value: line 1"),
        (no_pictures, r"annotations\.json: missing picture: one\.png is neither in .*images"),
        (
            nothing_annotated,
            r"no annotated pictures in .* or below \(it holds 0 pictures, photos/\).*docs/datasets\.md",
        ),
        (only_boxes, r"none of 2 pictures has a usable mask; first: .*no mask: annotation 0 of one\.png has no"),
        (no_file_name, r"annotations\.json: broken JSON: `images`\[1\] has no `file_name`"),
        (names_do_not_match, r"no picture is usable; first: .*one\.png: no mask: nothing in .*masks has its name"),
    ],
)
def test_a_set_without_anything_usable_is_an_error(
    tmp_path: Path, writer: Callable[[Path, Sequence[Drawn]], None], message: str
) -> None:
    writer(tmp_path, scene())
    with pytest.raises(DataError, match=message):
        read_sets(tmp_path, "all")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "annotations.json").write_text("{}")
    with pytest.raises(DataError, match=r"annotations\.json is a file, give the folder"):
        read_sets(tmp_path / "annotations.json", "train")
    with pytest.raises(DataError, match=r"no folder .*nowhere"):
        read_sets(tmp_path / "nowhere", "train")


def test_single_broken_pictures_are_left_out_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drawn = scene(["good", "large", "gone", "garbage", "unreadable", "empty"])
    write_labelme(tmp_path, drawn)
    Image.new("RGB", (70, 50)).save(tmp_path / "large.png")
    (tmp_path / "gone.png").unlink()
    (tmp_path / "garbage.json").write_text("{")
    (tmp_path / "unreadable.png").write_bytes(b"no picture")
    write_labelme_file(tmp_path / "empty.json", "empty.png", drawn[5], [])
    with caplog.at_level(logging.WARNING):
        pictures = read_sets(tmp_path, "all")
    assert [picture.path.stem for picture in pictures] == ["good"]
    (record,) = caplog.records
    for part in ("1 x size mismatch", "is 70 x 50, its annotations are for 41 x 32", "1 x missing picture", "gone.png"):
        assert part in record.getMessage()
    assert "1 x broken JSON" in record.getMessage()
    assert "1 x broken picture" in record.getMessage()


def test_pictures_are_upright(tmp_path: Path) -> None:
    """EXIF orientation 6 turns the file's 40 x 30 to 30 x 40: annotations must be for what a viewer shows."""
    (each,) = scene(["one"])
    write_coco(tmp_path, [each])
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / "images" / "one.png"
    Image.open(path).save(path.with_suffix(".jpg"), exif=exif)
    path.unlink()
    document = coco_document([each])
    document["images"][0]["file_name"] = "one.jpg"
    (tmp_path / "annotations.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"is 30 x 40, its annotations are for 40 x 30 \(perhaps .* EXIF"):
        read_sets(tmp_path, "all")
    for key, value in (("width", 30), ("height", 40)):
        document["images"][0][key] = value
    for annotation in document["annotations"]:
        annotation["segmentation"] = [[2, 3, 8, 3, 8, 9, 2, 9]]
    (tmp_path / "annotations.json").write_text(json.dumps(document))
    (picture,) = read_sets(tmp_path, "all")
    assert picture.pixels().shape == (40, 30, 3)


def test_no_picture_in_a_split_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_coco(tmp_path, scene(), "annotations/instances_train.json")
    assert read_sets(tmp_path, "val") == []
    assert "no picture of split 'val'" in caplog.text
    assert "it has: train 2" in caplog.text


ODD_VALUES = [
    None, -1, 2**40, 1e300, float("nan"), "", "abc", "~~~", [], {}, [1], [[1]], [[[1, 2]]], [1, 2, 3, 4, 5, 6],
    {"a": 1}, {"size": [30, 40], "counts": "oooo"}, {"size": [30, 40], "counts": [-5, 5]},
]  # fmt: skip


def places(value: object) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON document."""
    keys: Any = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    own: Any = value
    return [place for key in list(keys) for place in [(own, key), *places(own[key])]]


@pytest.mark.parametrize(
    ("writer", "name"), [(write_coco, "annotations.json"), (write_sa1b, "a.json"), (write_labelme, "a.json")]
)
def test_one_odd_value_anywhere_never_ends_in_another_error(tmp_path: Path, writer: Writer, name: str) -> None:
    writer(tmp_path, scene(["a", "b"]))
    text = (tmp_path / name).read_text()
    random = np.random.default_rng(0)
    outcomes = set()
    for _ in range(250):
        document = json.loads(text)
        every = places(document)
        container, key = every[int(random.integers(len(every)))]
        container[key] = ODD_VALUES[int(random.integers(len(ODD_VALUES)))]
        (tmp_path / name).write_text(json.dumps(document))
        try:
            outcomes.add(len(read_sets(tmp_path, "all")))
        except DataError:
            outcomes.add(0)
    assert outcomes <= {0, 1, 2}
    assert {1, 2} <= outcomes


def test_what_is_wrong_with_a_picture_goes_from_one_process_to_another() -> None:
    error = AnnotationError("no mask", Path("a.jpg"), "nobody drew one")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (AnnotationError, str(error))
    assert (again.kind, again.file, again.detail) == (error.kind, error.file, error.detail)
