"""The page's annotation files, read by each format's own reader."""

import base64
import io
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pycocotools.coco import COCO

from scripts.build_page import find_node, install_modules

ROOT = Path(__file__).parents[2]
HEIGHT, WIDTH = 201, 320
LABELS = ["ring", 'two "parts" <&>', "边"]

Mask = NDArray[np.bool_]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    node = find_node()
    if node is None:
        pytest.skip("no Node.js here; `make setup` brings one")
    install_modules(ROOT)
    made = tmp_path_factory.mktemp("formats")
    vitest = ROOT / "web" / "node_modules" / "vitest" / "vitest.mjs"
    command = [str(node.executable), str(vitest), "run", "tests/format-files.test.ts"]
    environment = {**os.environ, "SEGSERVE_FORMATS": str(made)}
    subprocess.run(command, cwd=ROOT / "web", env=environment, check=True, capture_output=True, timeout=120)
    return made


@pytest.fixture(scope="module")
def masks(folder: Path) -> list[Mask]:
    """The three masks that were written: with a hole, of two parts, touching the border; bool [height, width]."""
    return [np.fromfile(folder / f"mask-{n}.raw", np.uint8).reshape(HEIGHT, WIDTH) == 1 for n in range(3)]


def iou(one: Mask, other: Mask) -> float:
    return float(np.logical_and(one, other).sum() / np.logical_or(one, other).sum())


@pytest.mark.parametrize(("name", "least"), [("coco", 1.0), ("coco_polygons", 0.98)])
def test_pycocotools_reads_coco(folder: Path, masks: Sequence[Mask], name: str, least: float) -> None:
    coco = COCO(folder / f"{name}-coco.json")
    annotations = coco.loadAnns(coco.getAnnIds())
    assert [coco.loadCats(one["category_id"])[0]["name"] for one in annotations] == LABELS
    for one, mask in zip(annotations, masks, strict=True):
        assert iou(coco.annToMask(one) == 1, mask) >= least
        assert one["area"] == mask.sum()
        rows, columns = np.nonzero(mask)
        assert one["bbox"] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == ["a b.jpg", "empty.jpg"]


def test_pillow_reads_the_indexed_pngs_of_voc(folder: Path, masks: Sequence[Mask]) -> None:
    for kind in ("Class", "Object"):
        image = Image.open(folder / f"voc-Segmentation{kind}_a b.png")
        assert image.mode == "P"
        palette = image.getpalette()
        assert palette is not None
        assert palette[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]
        values = np.array(image)
        for number, mask in enumerate(masks, 1):
            assert (values == number).tolist() == mask.tolist()
    assert not np.array(Image.open(folder / "voc-SegmentationObject_empty.png")).any()


def test_xml_reads_the_boxes_of_voc(folder: Path, masks: Sequence[Mask]) -> None:
    objects = ElementTree.parse(folder / "voc-Annotations_a b.xml").findall("object")
    assert [one.findtext("name") for one in objects] == LABELS
    for one, mask in zip(objects, masks, strict=True):
        rows, columns = np.nonzero(mask)
        corners = [int(one.findtext(f"bndbox/{corner}") or 0) for corner in ("xmin", "ymin", "xmax", "ymax")]
        assert corners == [columns.min() + 1, rows.min() + 1, columns.max() + 1, rows.max() + 1]


def test_label_maps_and_single_masks(folder: Path, masks: Sequence[Mask]) -> None:
    values = np.array(Image.open(folder / "label_map-a b-labels.png"))
    legend = json.loads((folder / "label_map-a b-labels.json").read_text(encoding="utf-8"))["objects"]
    assert [one["category"] for one in legend] == LABELS
    for one, mask in zip(legend, masks, strict=True):
        assert (values == one["value"]).tolist() == mask.tolist()
    single = np.array(Image.open(folder / "masks-a b_001-ring.png"))
    assert (single == 255).tolist() == masks[0].tolist()
    assert set(np.unique(single)) == {0, 255}


def test_labelme_by_its_documented_shapes(folder: Path, masks: Sequence[Mask]) -> None:
    file = json.loads((folder / "labelme-a b.json").read_text(encoding="utf-8"))
    assert (file["imagePath"], file["imageHeight"], file["imageWidth"]) == ("a b.jpg", HEIGHT, WIDTH)
    ring, *polygons = file["shapes"]
    (left, top), (right, bottom) = ring["points"]  # the first and the last pixel
    inside = np.array(Image.open(io.BytesIO(base64.b64decode(ring["mask"])))) > 0
    whole = np.zeros((HEIGHT, WIDTH), bool)
    whole[top : bottom + 1, left : right + 1] = inside
    assert whole.tolist() == masks[0].tolist()
    assert [shape["shape_type"] for shape in polygons] == ["polygon"] * 3
    first, second, third = polygons
    assert first["group_id"] == second["group_id"] is not None
    assert third["group_id"] is None
    assert iou(drawn([first["points"], second["points"]]), masks[1]) >= 0.97


def test_yolo_by_ultralytics_rule(folder: Path, masks: Sequence[Mask]) -> None:
    lines = (folder / "yolo-labels_a b.txt").read_text(encoding="utf-8").splitlines()
    names = (folder / "yolo-data.yaml").read_text(encoding="utf-8").splitlines()[-3:]
    assert [json.loads(line.split(": ", 1)[1]) for line in names] == LABELS
    assert [int(line.split()[0]) for line in lines] == [0, 1, 2]
    for line, mask in zip(lines[1:], masks[1:], strict=True):
        points = np.array(line.split()[1:], float).reshape(-1, 2)
        assert points.min() >= 0
        assert points.max() <= 1
        assert iou(drawn([(points * (WIDTH, HEIGHT)).tolist()]), mask) >= 0.95
    assert (folder / "yolo-labels_empty.txt").read_text(encoding="utf-8") == ""


def test_geojson_by_its_specification(folder: Path, masks: Sequence[Mask]) -> None:
    """RFC 7946 but for the reference system: rings closed, holes after the ring that they lie in."""
    collection = json.loads((folder / "geojson-a b.geojson").read_text())
    assert (collection["type"], collection["width"], collection["height"]) == ("FeatureCollection", WIDTH, HEIGHT)
    assert [feature["properties"]["category"] for feature in collection["features"]] == LABELS
    for feature, mask in zip(collection["features"], masks, strict=True):
        assert feature["geometry"]["type"] == "MultiPolygon"
        parts = feature["geometry"]["coordinates"]
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for part in parts for ring in part)
        assert iou(drawn([ring for part in parts for ring in part]), mask) >= 0.97
    assert [len(feature["geometry"]["coordinates"]) for feature in collection["features"]] == [1, 2, 1]
    assert len(collection["features"][0]["geometry"]["coordinates"][0]) == 2
    assert json.loads((folder / "geojson-empty.geojson").read_text())["features"] == []


def test_svg_paths_by_xml(folder: Path, masks: Sequence[Mask]) -> None:
    svg = "{http://www.w3.org/2000/svg}"
    root = ElementTree.parse(folder / "svg-a b.svg").getroot()
    assert (root.tag, root.get("viewBox")) == (f"{svg}svg", f"0 0 {WIDTH} {HEIGHT}")
    paths = root.findall(f"{svg}path")
    assert [path.findtext(f"{svg}title") for path in paths] == LABELS
    for path, mask in zip(paths, masks, strict=True):
        assert path.get("fill-rule") == "evenodd"
        d = path.get("d") or ""
        assert re.fullmatch(r"(M[-\d. ]+(L[-\d. ]+)+Z)+", d)
        rings = [[[float(n) for n in at.split()] for at in re.split("[ML]", one)[1:]] for one in d.split("Z")[:-1]]
        assert iou(drawn(rings), mask) >= 0.97


def drawn(rings: Sequence[Sequence[Sequence[float]]]) -> Mask:
    """Rings filled by Pillow by the even-odd rule; its pixels' centres lie on whole numbers; bool [height, width]."""
    filled = np.zeros((HEIGHT, WIDTH), bool)
    for ring in rings:
        image = Image.new("1", (WIDTH, HEIGHT))
        ImageDraw.Draw(image).polygon([(x - 0.5, y - 0.5) for x, y in ring], fill=1)
        filled ^= np.array(image)
    return filled
