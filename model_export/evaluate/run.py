"""Runs the evaluation over many pictures, in this process or in several, and says how far it is."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from threading import current_thread, main_thread
from typing import TypeAlias

import cv2

from model_export.data.picture import Picture
from model_export.evaluate.loop import Protocol, UnreadablePictureError, evaluate_picture
from model_export.evaluate.predictor import Predictor
from model_export.evaluate.results import ObjectResult

# What loads a model; pickled, so that every process loads its own.
Loader: TypeAlias = Callable[[], Predictor]
Progress: TypeAlias = Callable[[int, int, float], None]
ByModel: TypeAlias = dict[str, list[ObjectResult]]


class Worker:
    """The models of one process and what they are asked."""

    current: Worker | None = None
    failure: Exception | None = None  # why there is none

    def __init__(self, loaders: Mapping[str, Loader], protocol: Protocol) -> None:
        self.predictors = {name: load() for name, load in loaders.items()}
        self.protocol = protocol

    def evaluate(self, picture: Picture) -> ByModel | UnreadablePictureError:
        try:
            return evaluate_picture(self.predictors, picture, self.protocol)
        except UnreadablePictureError as error:
            return error


def start_worker(loaders: Mapping[str, Loader], protocol: Protocol) -> None:
    cv2.setNumThreads(1)
    try:
        Worker.current = Worker(loaders, protocol)
    except Exception as error:  # told with the first picture: a pool only says that a process died
        Worker.failure = error


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Ctrl-C in a terminal reaches every process; it is for the first one to end the others, in silence."""
    if current_thread() is not main_thread():  # the others can neither be interrupted nor say what happens then
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def evaluate_in_worker(picture: Picture) -> ByModel | UnreadablePictureError:
    if Worker.current is None:
        raise Worker.failure or RuntimeError("start_worker was not called in this process")
    return Worker.current.evaluate(picture)


def refuse(error: UnreadablePictureError) -> None:
    raise error


def evaluate(
    loaders: Mapping[str, Loader],
    pictures: Sequence[Picture],
    protocol: Protocol,
    *,
    workers: int = 1,
    progress: Progress = lambda done, total, seconds_left: None,
    left_out: Callable[[UnreadablePictureError], None] = refuse,
) -> ByModel:
    """Every model on the same objects; the same results in the same order whatever the number of processes, but for
    the times. `left_out` hears of a picture that cannot be read and may go on by returning. Raises
    UnreadablePictureError where nobody listens, ValueError when a process dies."""
    results: ByModel = {name: [] for name in loaders}
    started = time.monotonic()
    for done, found in enumerate(_each_picture(loaders, pictures, protocol, workers), 1):
        if isinstance(found, UnreadablePictureError):
            left_out(found)
        else:
            for name, objects in found.items():
                results[name] += objects
        progress(done, len(pictures), (time.monotonic() - started) / done * (len(pictures) - done))
    return results


def _each_picture(
    loaders: Mapping[str, Loader], pictures: Sequence[Picture], protocol: Protocol, workers: int
) -> Iterator[ByModel | UnreadablePictureError]:
    if workers == 1:
        worker = Worker(loaders, protocol)
        yield from map(worker.evaluate, pictures)
        return
    # Spawned, not forked: ONNX Runtime's and OpenCV's threads do not survive a fork.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), start_worker, (dict(loaders), protocol))
    try:
        with interrupts_ignored():  # what processes started meanwhile inherit
            found = pool.map(evaluate_in_worker, pictures)
        yield from found
    except BrokenProcessPool as error:
        raise ValueError("a process died, perhaps for want of memory: try fewer --workers") from error
    finally:
        pool.shutdown(cancel_futures=True)
