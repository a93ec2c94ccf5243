"""Steps of a session: made from clicks in a worker thread, and read back as states of the loop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.domain.click_maps import Click, superseded
from server.domain.click_state import ClickState
from server.domain.crops import Pyramid
from server.domain.rle import Rle, compress
from server.runtime.click_loop import ClickLoop
from server.services.clicks import Leaving
from server.services.given_masks import read_mask
from server.storage.images import ImageRecord
from server.storage.sessions import Session, SessionStep


@dataclass(frozen=True, slots=True)
class Job:
    session: Session
    picture: Pyramid
    loop: ClickLoop
    clicks: Sequence[Click]


def state_of(session: Session) -> ClickState:
    rle = Rle.from_coco({"size": [session.height, session.width], "counts": session.shown.counts})
    clicks = tuple(Click(step.x, step.y, step.positive) for step in session.made)
    return ClickState(rle.to_mask(), clicks, session.given, session.shown.predicted_iou, session.shown.stability)


def superseded_clicks(session: Session) -> list[int]:
    return superseded([Click(step.x, step.y, step.positive) for step in session.made])


def empty_step(record: ImageRecord) -> SessionStep:
    rle = Rle.from_coco({"size": [record.height, record.width], "counts": [record.height * record.width]})
    return SessionStep(compress(rle.counts))


def first_step(given: tuple[ImageRecord, float, Any, bool], leaving: Leaving) -> tuple[SessionStep, bool]:
    """Blocking. -> the first step, and whether what changes has to be merged into it."""
    record, threshold, mask, accepted = given
    leaving.check()
    found = read_mask(mask, record.width, record.height, threshold, {})
    return SessionStep(compress(Rle.from_mask(found).counts)), accepted and bool(found.any())


def run_clicks(job: Job, leaving: Leaving) -> tuple[list[SessionStep], float]:
    """Blocking. -> a step for each click, and seconds in the loop."""
    state, steps, seconds = state_of(job.session), [], 0.0
    for click in job.clicks:
        leaving.check()
        began = time.perf_counter()
        state = job.loop.click(job.picture, state, click).state
        seconds += time.perf_counter() - began
        counts = compress(Rle.from_mask(state.mask).counts)
        steps.append(SessionStep(counts, click.x, click.y, click.positive, state.predicted_iou, state.stability))
    return steps, seconds
