"""Runs the evaluation over many pictures, in this process or in several, and says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeAlias

import cv2

from model_export.data.picture import Picture
from model_export.evaluate.loop import Protocol, evaluate_picture
from model_export.evaluate.predictor import Predictor
from model_export.evaluate.results import ObjectResult

# What loads a model; pickled, so that every process loads its own.
Loader: TypeAlias = Callable[[], Predictor]
Progress: TypeAlias = Callable[[int, int, float], None]
ByModel: TypeAlias = dict[str, list[ObjectResult]]


class Worker:
    """The models of one process and what they are asked."""

    current: Worker | None = None

    def __init__(self, loaders: Mapping[str, Loader], protocol: Protocol) -> None:
        self.predictors = {name: load() for name, load in loaders.items()}
        self.protocol = protocol

    def evaluate(self, picture: Picture) -> ByModel:
        return evaluate_picture(self.predictors, picture, self.protocol)


def start_worker(loaders: Mapping[str, Loader], protocol: Protocol) -> None:
    cv2.setNumThreads(1)
    Worker.current = Worker(loaders, protocol)


def evaluate_in_worker(picture: Picture) -> ByModel:
    if Worker.current is None:
        raise RuntimeError("start_worker was not called in this process")
    return Worker.current.evaluate(picture)


def evaluate(
    loaders: Mapping[str, Loader],
    pictures: Sequence[Picture],
    protocol: Protocol,
    *,
    workers: int = 1,
    progress: Progress = lambda done, total, seconds_left: None,
) -> ByModel:
    """Every model on the same objects; the same results in the same order whatever the number of processes, but for
    the times. Raises ValueError for a picture that cannot be read and when a process dies."""
    results: ByModel = {name: [] for name in loaders}
    started = time.monotonic()
    for done, found in enumerate(_each_picture(loaders, pictures, protocol, workers), 1):
        for name, objects in found.items():
            results[name] += objects
        progress(done, len(pictures), (time.monotonic() - started) / done * (len(pictures) - done))
    return results


def _each_picture(
    loaders: Mapping[str, Loader], pictures: Sequence[Picture], protocol: Protocol, workers: int
) -> Iterator[ByModel]:
    if workers == 1:
        worker = Worker(loaders, protocol)
        yield from map(worker.evaluate, pictures)
        return
    # Spawned, not forked: ONNX Runtime's and OpenCV's threads do not survive a fork.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), start_worker, (dict(loaders), protocol))
    try:
        yield from pool.map(evaluate_in_worker, pictures)
    except BrokenProcessPool as error:
        raise ValueError("a process died, perhaps for want of memory: try fewer --workers") from error
    finally:
        pool.shutdown(cancel_futures=True)
