"""Sessions: the loop's state between two requests, held by one client at a time (a lease), served by any replica."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from pydantic_core import to_json

from server.errors import NotFoundError, RequestError
from server.services.clicks import ClickService, Leaving, answer_fields, loop_of, parse_clicks
from server.services.embed import EmbedService
from server.services.models import ModelPool
from server.services.served import ServedModel
from server.services.session_steps import Job, empty_step, first_step, run_clicks, state_of
from server.services.timing import add_span, span
from server.storage.images import ImageRecord
from server.storage.keys import new_session_id
from server.storage.sessions import Session, SessionStore

Result = TypeVar("Result")

PREFERRED = "segserve-clicks"
_TRIES = 4
_RESUME = "To go on, POST /v1/sessions with the picture and your last mask, as `mask`."
Change = Callable[[Session], Awaitable[Session]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A session and the JSON object of the mask that it shows. The mask is written out before the session is stored:
    an answer that cannot be made changes nothing."""

    session: Session
    mask: bytes


@dataclass(frozen=True, slots=True)
class SessionLimits:
    max_steps: int
    max_points: int
    lease_seconds: float


class SessionObserver(Protocol):
    """Hears about sessions, for metrics. Called on the event loop."""

    def session_opened(self, model: str) -> None: ...

    def session_stepped(self, model: str, kind: str, count: int) -> None: ...

    def decoded(self, model: str, seconds: float) -> None: ...


class SessionService:
    def __init__(
        self,
        *,
        store: SessionStore,
        models: ModelPool,
        embed: EmbedService,
        clicks: ClickService,
        observer: SessionObserver,
        limits: SessionLimits,
    ) -> None:
        self._store = store
        self._models = models
        self._embed = embed
        self._clicks = clicks
        self._observer = observer
        self._limits = limits
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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
        self, record: ImageRecord, model: ServedModel, *, mask: Any, accepted: bool, flip: bool, mask_format: str
    ) -> Shown:
        _ = model.stages
        if mask is None:
            start, given = empty_step(record), False
        else:
            start, given = await self._clicks.run(first_step, (record, model.manifest.mask_threshold, mask, accepted))
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
        described = await self._describe(session, mask_format)
        with span("cache"):
            added = await _bounded(self._store.add(session))
        self._observer.session_opened(added.model)
        return Shown(added, described)

    async def read(self, session_id: str, mask_format: str) -> Shown:
        """Raises as `get`."""
        session = await self.get(session_id)
        return Shown(session, await self._describe(session, mask_format))

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

    async def click(
        self, session_id: str, lease: str | None, coords: Any, labels: Any, version: int | None, *, mask_format: str
    ) -> Shown:
        """Each click a step of its own."""

        async def change(session: Session) -> Session:
            async with self._models.use(session.model) as model:
                return await self._clicked(session, model, coords, labels)

        shown = await self._update(session_id, lease, version, change, mask_format)
        self._observer.session_stepped(shown.session.model, "click", len(labels))
        return shown

    async def _clicked(self, session: Session, model: ServedModel, coords: Any, labels: Any) -> Session:
        record = await self._embed.record(session.image_id)
        clicks = parse_clicks(record, coords, labels, max_points=self._limits.max_points)
        if session.position + len(clicks) > self._limits.max_steps:
            message = f"A session has at most {self._limits.max_steps} clicks. {_RESUME}"
            raise RequestError(message, code="session_full", limit=self._limits.max_steps)
        self._clicks.check_passes(record, len(clicks), "Send them in several calls.")
        job = Job(session, await self._embed.picture(record), loop_of(model, flip=session.flip), clicks)
        with span("predict"):
            steps, seconds = await self._clicks.run(run_clicks, job)
        add_span("decoder", seconds)
        self._observer.decoded(session.model, seconds)
        kept = session.steps[: session.position + 1]
        return replace(session, steps=(*kept, *steps), position=session.position + len(steps))

    async def move(
        self, session_id: str, lease: str | None, by: int, version: int | None, *, mask_format: str
    ) -> Shown:
        """`by` -1 undoes a click, 1 redoes one. Raises `nothing_to_undo` or `nothing_to_redo`."""

        async def change(session: Session) -> Session:
            position = session.position + by
            if position < 0:
                raise RequestError("The session shows what it began with.", code="nothing_to_undo")
            if position >= len(session.steps):
                raise RequestError("The last click is shown already.", code="nothing_to_redo")
            return replace(session, position=position)

        shown = await self._update(session_id, lease, version, change, mask_format)
        self._observer.session_stepped(shown.session.model, "undo" if by < 0 else "redo", 1)
        return shown

    async def take(self, session_id: str, *, take_over: bool, mask_format: str) -> Shown:
        """A new lease; the old one is lost. While somebody holds the session only by `take_over`, else
        `session_leased`."""
        for _ in range(_TRIES):
            seen = await self.get(session_id)
            if seen.lease_expires_at > self._store.now() and not take_over:
                raise self._leased(seen)
            described = await self._describe(seen, mask_format)
            written = await self._write(seen, replace(seen, lease=secrets.token_hex(16)))
            if written is not None:
                return Shown(written, described)
        raise _conflict(seen)

    async def delete(self, session_id: str, lease: str | None) -> None:
        session = await self.get(session_id)
        if session.lease_expires_at > self._store.now():
            self._check_lease(session, lease)
        await self._store.delete(session_id)

    async def _describe(self, session: Session, mask_format: str) -> bytes:
        """In a worker thread."""
        manifest = self._models.registry.manifest(session.model)

        def work(shown: Session, _: Leaving) -> bytes:
            return to_json(answer_fields(state_of(shown), manifest, mask_format))

        with span("encode_mask"):
            return await self._clicks.run(work, session)

    async def _update(
        self, session_id: str, lease: str | None, version: int | None, change: Change, mask_format: str
    ) -> Shown:
        """Read, change, write; anew when another replica wrote in between and the caller did not insist on a version.
        Changes by this one take turns, so that none is worked out in vain."""
        async with self._turns.setdefault(session_id, asyncio.Lock()):
            for _ in range(_TRIES):
                seen = await self.get(session_id)
                self._check_lease(seen, lease)
                if version is not None and version != seen.version:
                    raise _conflict(seen)
                changed = await change(seen)
                described = await self._describe(changed, mask_format)
                written = await self._write(seen, changed)
                if written is not None:
                    return Shown(written, described)
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
