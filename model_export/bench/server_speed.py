"""The whole server over HTTP: start, upload, predict, many clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from model_export.bench.drawn import jpeg, photo_like, variant
from model_export.bench.record import Figure, Findings, Target, figure
from model_export.bench.serving import Answer, Served, serve
from model_export.bench.setting import Setting
from model_export.bench.timing import Summary, summarise

TITLE = "Server"
READY = Target("<", 2)
UPLOAD = Target("<", 250)
WIRE = Target("<=", 512)
PREDICT = Target("<", 15)
THROUGHPUT = Target(">", 60)
ENCODES = Target("=", 1)
LARGE = (4000, 3000)
SMALL = (640, 480)
CLIENTS = 8
SIMULTANEOUS = 100
Timings = dict[str, float]
T = TypeVar("T")


def run(setting: Setting) -> Findings:
    figures = [start_to_ready(setting)]
    details: dict[str, Any] = {}
    with serve(setting.bundle) as served:
        for measure in (uploads, predictions, throughput, single_flight):
            found, more = measure(setting, served)
            figures += found
            details |= more
    return Findings(figures, _notes(details), details)


def _notes(details: dict[str, Any]) -> list[str]:
    megabytes = np.mean(details["upload_file_bytes"]) / 1e6
    return [
        "Client and server share the machine; every request goes over loopback HTTP with a connection kept open.",
        f"Uploads are drawn JPEGs of {megabytes:.1f} MB on average, each with other pixels: nothing is known of them.",
        "Upload to embedding ends when the last byte of the embedding has arrived.",
        f"An upload's median milliseconds by span of Server-Timing: {_spans(details['upload_spans_ms'])}.",
        *(f"A predict call's, {case}: {_spans(spans)}." for case, spans in details["predict_spans_ms"].items()),
    ]


def _spans(medians: Timings) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in medians.items())


def start_to_ready(setting: Setting) -> Figure:
    """Files are in the page cache: the first start is not counted."""
    starts = []
    for _ in range(setting.pick(6, 2)):
        with serve(setting.bundle) as served:
            starts.append(served.ready_seconds)
    return figure("Start to ready", "s", summarise(starts[1:], warmup=1), READY)


def uploads(setting: Setting, served: Served) -> tuple[list[Figure], dict[str, Any]]:
    warmup = setting.pick(3, 1)
    base = photo_like(*LARGE)
    whole, posted, sizes = [], [], []
    answers: list[Answer] = []
    wire = 0
    with served.client() as client:
        for index in range(warmup + setting.pick(20, 2)):
            picture = variant(base, index)
            upload = client.upload(picture)
            if upload.json()["cached"]:
                raise RuntimeError("a new picture was answered from the cache")
            embedding = client.get(upload.json()["embedding_url"])
            wire = len(embedding.body)
            if index < warmup:
                continue
            sizes.append(len(picture))
            answers.append(upload)
            posted.append(upload.seconds * 1000)
            whole.append((upload.seconds + embedding.seconds) * 1000)
    megapixels = LARGE[0] * LARGE[1] / 1e6
    return [
        figure(f"Upload to embedding, {megapixels:.0f}-megapixel JPEG", "ms", summarise(whole, warmup), UPLOAD),
        figure(f"Upload alone, {megapixels:.0f}-megapixel JPEG", "ms", summarise(posted, warmup)),
        Figure("Embedding on the wire", "KiB", wire / 1024, target=WIRE),
    ], {"upload_file_bytes": sizes, "upload_spans_ms": median_spans(answers)}


def predictions(setting: Setting, served: Served) -> tuple[list[Figure], dict[str, Any]]:
    figures: list[Figure] = []
    spans: dict[str, Timings] = {}
    for width, height in (SMALL, LARGE):
        case = f"{width} x {height}"
        summary, answers = _predict_one(setting, served, width, height)
        figures.append(figure(f"Predict on a cached image, {case}", "ms", summary, PREDICT))
        spans[case] = median_spans(answers)
    return figures, {"predict_spans_ms": spans}


def _predict_one(setting: Setting, served: Served, width: int, height: int) -> tuple[Summary, list[Answer]]:
    warmup = setting.pick(10, 1)
    places = clicked(width, height, warmup + setting.pick(100, 3))
    with served.client() as client:
        image_id = client.upload(jpeg(photo_like(width, height, seed=7))).json()["id"]
        answers = [client.predict(image_id, place) for place in places][warmup:]
    return summarise([answer.seconds * 1000 for answer in answers], warmup), answers


def throughput(setting: Setting, served: Served) -> tuple[list[Figure], dict[str, Any]]:
    """Eight clients, each with a connection of its own and one request at a time, on one cached picture."""
    width, height = SMALL
    with served.client() as client:
        image_id = client.upload(jpeg(photo_like(width, height, seed=8))).json()["id"]

    def client_of(index: int, count: int) -> list[float]:
        with served.client() as client:
            places = clicked(width, height, count, seed=index)
            return [client.predict(image_id, place).seconds * 1000 for place in places]

    rounds = []
    latencies: list[float] = []
    each = setting.pick(60, 2)
    for number in range(setting.pick(6, 2)):
        started = time.perf_counter()
        taken = together(client_of, CLIENTS, each)
        if number:  # the first round warms up
            rounds.append(CLIENTS * each / (time.perf_counter() - started))
            latencies += [value for values in taken for value in values]
    return [
        Figure(
            f"Predict with {CLIENTS} clients, {width} x {height}",
            "requests/s",
            float(np.median(rounds)),
            runs=len(rounds),
            warmup=1,
            target=THROUGHPUT,
        ),
        figure(f"Latency with {CLIENTS} clients", "ms", summarise(latencies)),
    ], {"throughput_rounds": rounds}


def single_flight(setting: Setting, served: Served) -> tuple[list[Figure], dict[str, Any]]:
    """A hundred uploads of one new picture at once."""
    count = setting.pick(SIMULTANEOUS, 10)
    picture = jpeg(photo_like(1280, 960, seed=9))
    with served.client() as client:
        before = client.metric("segserve_encoded_images_total")
        gate = threading.Barrier(count)

        def upload(_: int, __: int) -> Answer:
            with served.client() as own:
                gate.wait()
                return own.upload(picture)

        started = time.perf_counter()
        answers = together(upload, count, 1)
        seconds = time.perf_counter() - started
        encodes = int(client.metric("segserve_encoded_images_total") - before)
    statuses = sorted({answer.status for answer in answers})
    return [
        Figure(f"Encodes for {count} simultaneous uploads of one picture", "encodes", encodes, target=ENCODES),
        Figure(f"{count} simultaneous uploads, all answered after", "s", seconds),
    ], {"simultaneous_statuses": statuses}


def together(work: Callable[[int, int], T], clients: int, count: int) -> list[T]:
    """`work(index, count)` in a thread each; raises what one of them raised."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(work, range(clients), [count] * clients))


def clicked(width: int, height: int, count: int, seed: int = 0) -> list[tuple[float, float]]:
    places = np.random.default_rng(seed).uniform((0, 0), (width, height), (count, 2))
    return [(float(x), float(y)) for x, y in places]


def median_spans(answers: Sequence[Answer]) -> Timings:
    """Median milliseconds of each span, in the order in which the server names them."""
    names = list(dict.fromkeys(name for answer in answers for name in answer.timing))
    return {name: float(np.median([answer.timing.get(name, 0.0) for answer in answers])) for name in names}
