"""Sessions: the loop's state between two requests, held by one client at a time (a lease), served by any replica."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic_core import to_json

from server.domain.click_maps import Click, superseded
from server.domain.click_state import ClickState
from server.domain.crops import Pyramid
from server.domain.rle import Rle, compress
from server.errors import NotFoundError, RequestError
from server.runtime.click_loop import ClickLoop
from server.services.clicks import ClickService, Leaving, answer_fields, loop_of, parse_clicks
from server.services.embed import EmbedService
from server.services.given_masks import read_mask
from server.services.models import ModelPool
from server.services.segment import SegmentObserver
from server.services.served import ServedModel
from server.services.timing import add_span, span
from server.storage.images import ImageRecord
from server.storage.keys import new_session_id
from server.storage.sessions import Session, SessionStep, SessionStore

Result = TypeVar("Result")

PREFERRED = "segserve-clicks"
_TRIES = 4
_RESUME = "To go on, POST /v1/sessions with the picture and your last mask, as `mask`."
Change = Callable[[Session], Awaitable[Session]]


@dataclass(frozen=True, slots=True)
class SessionLimits:
    max_steps: int
    max_points: int
    lease_seconds: float


class SessionService:
    def __init__(
        self,
        *,
        store: SessionStore,
        models: ModelPool,
        embed: EmbedService,
        clicks: ClickService,
        observer: SegmentObserver,
        limits: SessionLimits,
    ) -> None:
        self._store = store
        self._models = models
        self._embed = embed
        self._clicks = clicks
        self._observer = observer
        self._limits = limits

    def model_id(self, wanted: str | None) -> str | None:
        """`wanted`, or the interactive model that a session has by default: the server's default if it is one,
        segserve-clicks, or the first by name. Raises `model_not_found` where there is none."""
        if wanted is not None:
            return wanted
        kinds = {manifest.id: manifest.kind for manifest in self._models.manifests()}
        known = sorted(model_id for model_id, kind in kinds.items() if kind == "interactive")
        if not known:
            raise NotFoundError("No interactive model is served here.", code="model_not_found", models=sorted(kinds))
        return next((name for name in (self._models.default_id, PREFERRED) if name in known), known[0])

    async def create(
        self, record: ImageRecord, model: ServedModel, *, mask: Any, accepted: bool, flip: bool
    ) -> Session:
        _ = model.stages
        if mask is None:
            start, given = _empty(record), False
        else:
            start, given = await self._clicks.run(_start, (record, model.manifest.mask_threshold, mask, accepted))
        session = Session(
            id=new_session_id(),
            image_id=record.id,
            width=record.width,
            height=record.height,
            model=model.manifest.id,
            given=given,
            flip=flip,
            steps=(start,),
            lease=secrets.token_hex(16),
            lease_expires_at=self._store.now() + self._limits.lease_seconds,
            expires_at=self._store.next_expiry,
        )
        with span("cache"):
            return await _bounded(self._store.add(session))

    async def get(self, session_id: str) -> Session:
        """Raises `session_not_found` or `session_expired`."""
        with span("cache"):
            session = await self._store.get(session_id)
            if session is not None:
                return session
            was_here = await self._store.was_here(session_id)
        if was_here:
            raise NotFoundError(f"This session has ended for want of clicks. {_RESUME}", code="session_expired")
        raise NotFoundError("No session with this id is known; POST /v1/sessions opens one.", code="session_not_found")

    async def click(self, session_id: str, lease: str | None, coords: Any, labels: Any, version: int | None) -> Session:
        """Each click a step of its own."""

        async def change(session: Session) -> Session:
            async with self._models.use(session.model) as model:
                return await self._clicked(session, model, coords, labels)

        return await self._update(session_id, lease, version, change)

    async def _clicked(self, session: Session, model: ServedModel, coords: Any, labels: Any) -> Session:
        record = await self._embed.record(session.image_id)
        clicks = parse_clicks(record, coords, labels, max_points=self._limits.max_points)
        if session.position + len(clicks) > self._limits.max_steps:
            message = f"A session has at most {self._limits.max_steps} clicks. {_RESUME}"
            raise RequestError(message, code="session_full", limit=self._limits.max_steps)
        job = _Job(session, await self._embed.picture(record), loop_of(model, flip=session.flip), clicks)
        with span("predict"):
            steps, seconds = await self._clicks.run(_run, job)
        add_span("decoder", seconds)
        self._observer.decoded(session.model, seconds)
        kept = session.steps[: session.position + 1]
        return replace(session, steps=(*kept, *steps), position=session.position + len(steps))

    async def move(self, session_id: str, lease: str | None, by: int, version: int | None) -> Session:
        """`by` -1 undoes a click, 1 redoes one. Raises `nothing_to_undo` or `nothing_to_redo`."""

        async def change(session: Session) -> Session:
            position = session.position + by
            if position < 0:
                raise RequestError("The session shows what it began with.", code="nothing_to_undo")
            if position >= len(session.steps):
                raise RequestError("The last click is shown already.", code="nothing_to_redo")
            return replace(session, position=position)

        return await self._update(session_id, lease, version, change)

    async def take(self, session_id: str, *, take_over: bool) -> Session:
        """A new lease; the old one is lost. While somebody holds the session only by `take_over`, else
        `session_leased`."""
        for _ in range(_TRIES):
            seen = await self.get(session_id)
            if seen.lease_expires_at > self._store.now() and not take_over:
                raise self._leased(seen)
            written = await self._write(seen, replace(seen, lease=secrets.token_hex(16)))
            if written is not None:
                return written
        raise _conflict(seen)

    async def delete(self, session_id: str, lease: str | None) -> None:
        session = await self.get(session_id)
        if session.lease_expires_at > self._store.now():
            self._check_lease(session, lease)
        await self._store.delete(session_id)

    async def describe(self, session: Session, mask_format: str) -> bytes:
        """JSON object of the shown step's mask, in a worker thread."""
        manifest = self._models.registry.manifest(session.model)

        def work(shown: Session, _: Leaving) -> bytes:
            return to_json(answer_fields(_state(shown), manifest, mask_format))

        with span("encode_mask"):
            return await self._clicks.run(work, session)

    async def _update(self, session_id: str, lease: str | None, version: int | None, change: Change) -> Session:
        """Read, change, write; anew when somebody wrote in between and the caller did not insist on a version."""
        for _ in range(_TRIES):
            seen = await self.get(session_id)
            self._check_lease(seen, lease)
            if version is not None and version != seen.version:
                raise _conflict(seen)
            written = await self._write(seen, await change(seen))
            if written is not None:
                return written
        raise _conflict(await self.get(session_id))

    async def _write(self, seen: Session, changed: Session) -> Session | None:
        ready = replace(
            changed,
            version=seen.version + 1,
            lease_expires_at=self._store.now() + self._limits.lease_seconds,
            expires_at=self._store.next_expiry,
        )
        with span("cache"):
            return await _bounded(self._store.change(seen, ready))

    def _check_lease(self, session: Session, lease: str | None) -> None:
        if lease is None:
            raise self._leased(session)
        if not secrets.compare_digest(lease.encode(), session.lease.encode()):
            raise RequestError(
                "Another tab or program took this session over, so this lease is worth nothing any more. To take it "
                'back: POST /v1/sessions/{id}/lease with {"take_over": true}.',
                code="session_lease_lost",
                version=session.version,
            )

    def _leased(self, session: Session) -> RequestError:
        left = session.lease_expires_at - self._store.now()
        held = f"for {max(1, round(left))} more seconds" if left > 0 else "no longer"
        return RequestError(
            f"Another tab or program holds this session {held}. Take it with POST /v1/sessions/{{id}}/lease, while "
            'it is held with {"take_over": true}, and send the lease with each change.',
            code="session_leased",
            held=left > 0,
        )


def _conflict(session: Session) -> RequestError:
    return RequestError(
        f"The session is at version {session.version} by now. Read it with GET and decide anew.",
        code="session_conflict",
        version=session.version,
    )


async def _bounded(writing: Awaitable[Result]) -> Result:
    try:
        return await writing
    except ValueError as error:
        message = f"The masks of this session have become too large to keep. {_RESUME}"
        raise RequestError(message, code="session_full") from error


@dataclass(frozen=True, slots=True)
class _Job:
    session: Session
    picture: Pyramid
    loop: ClickLoop
    clicks: Sequence[Click]


def _state(session: Session) -> ClickState:
    rle = Rle.from_coco({"size": [session.height, session.width], "counts": session.shown.counts})
    clicks = tuple(Click(step.x, step.y, step.positive) for step in session.made)
    return ClickState(rle.to_mask(), clicks, session.given, session.shown.predicted_iou, session.shown.stability)


def superseded_clicks(session: Session) -> list[int]:
    return superseded([Click(step.x, step.y, step.positive) for step in session.made])


def _empty(record: ImageRecord) -> SessionStep:
    rle = Rle.from_coco({"size": [record.height, record.width], "counts": [record.height * record.width]})
    return SessionStep(compress(rle.counts))


def _start(given: tuple[ImageRecord, float, Any, bool], leaving: Leaving) -> tuple[SessionStep, bool]:
    """Blocking. -> the first step, and whether what changes has to be merged into it."""
    record, threshold, mask, accepted = given
    leaving.check()
    found = read_mask(mask, record.width, record.height, threshold, {})
    return SessionStep(compress(Rle.from_mask(found).counts)), accepted and bool(found.any())


def _run(job: _Job, leaving: Leaving) -> tuple[list[SessionStep], float]:
    """Blocking. -> a step for each click, and seconds in the loop."""
    state, steps, seconds = _state(job.session), [], 0.0
    for click in job.clicks:
        leaving.check()
        began = time.perf_counter()
        state = job.loop.click(job.picture, state, click).state
        seconds += time.perf_counter() - began
        counts = compress(Rle.from_mask(state.mask).counts)
        steps.append(SessionStep(counts, click.x, click.y, click.positive, state.predicted_iou, state.stability))
    return steps, seconds
