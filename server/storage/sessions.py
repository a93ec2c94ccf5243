"""Sessions of clicking, on any BlobStore: every step's mask is kept, so that undo and redo are exact.

A session is one value: a random tag, a newline, JSON. The tag changes with each write, and a write succeeds only where
the tag is still the one that was read; so two writers never mix, whichever replica serves them.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

from server.domain.ports import BlobStore
from server.storage import keys

MOST_BYTES = 8 << 20
_TAG_BYTES = 32


@dataclass(frozen=True, slots=True)
class SessionStep:
    """`counts`: the mask as COCO's run-length string. The first step has no click: the session began with it."""

    counts: str
    x: float = 0.0
    y: float = 0.0
    positive: bool = True
    predicted_iou: float = 0.0
    stability: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """`steps[position]` is shown; those after it can be redone. `given`: it began with a mask that somebody had
    accepted. Times are Unix seconds. `tag`: of the stored value that this was read from."""

    id: str
    image_id: str
    width: int
    height: int
    model: str
    given: bool
    flip: bool
    steps: tuple[SessionStep, ...]
    lease: str
    lease_expires_at: float
    expires_at: float
    position: int = 0
    version: int = 1
    tag: str = field(default="", compare=False)

    @property
    def shown(self) -> SessionStep:
        return self.steps[self.position]

    @property
    def made(self) -> tuple[SessionStep, ...]:
        """The steps whose clicks are in force."""
        return self.steps[1 : self.position + 1]


class SessionStore:
    """A session ends `ttl_seconds` after its last change; that it was is remembered for `record_ttl_seconds`. One of
    more than `most_bytes` is refused; the store under it must take as many."""

    def __init__(
        self,
        store: BlobStore,
        *,
        ttl_seconds: float,
        record_ttl_seconds: float,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._ttl = ttl_seconds
        self._record_ttl = max(record_ttl_seconds, 2 * ttl_seconds)
        self._most_bytes = most_bytes
        self.now = clock

    @property
    def next_expiry(self) -> float:
        return self.now() + self._ttl

    async def add(self, session: Session) -> Session:
        """Raises ValueError when it is over the bound."""
        tag, data = _pack(session, self._most_bytes)
        await self._store.set(keys.past_session_key(session.id), b"1", self._record_ttl)
        await self._store.set(keys.session_key(session.id), data, self._ttl)
        return replace(session, tag=tag)

    async def get(self, session_id: str) -> Session | None:
        """None when it has ended, was deleted or never was."""
        if not keys.is_session_id(session_id):
            return None
        data = await self._store.get(keys.session_key(session_id))
        session = None if data is None else _unpack(data)
        if session is None or session.id != session_id or session.expires_at <= self.now():
            return None
        return session

    async def was_here(self, session_id: str) -> bool:
        return keys.is_session_id(session_id) and await self._store.contains(keys.past_session_key(session_id))

    async def change(self, seen: Session, changed: Session) -> Session | None:
        """`changed` as stored, or None when somebody else wrote since `seen` was read. Raises ValueError when it is
        over the bound."""
        tag, data = _pack(changed, self._most_bytes)
        head = seen.tag.encode()
        written = await self._store.swap(keys.session_key(seen.id), head, data, self._ttl)
        return replace(changed, tag=tag) if written else None

    async def delete(self, session_id: str) -> None:
        await self._store.delete(keys.session_key(session_id), keys.past_session_key(session_id))


def _pack(session: Session, most_bytes: int) -> tuple[str, bytes]:
    tag = secrets.token_hex(_TAG_BYTES // 2)
    fields = asdict(session)
    del fields["tag"]
    data = f"{tag}\n{json.dumps(fields, separators=(',', ':'))}".encode()
    if len(data) > most_bytes:
        raise ValueError("the session is too large")
    return tag, data


def _unpack(data: bytes) -> Session | None:
    try:
        tag, _, text = data.partition(b"\n")
        fields = json.loads(text)
        steps = tuple(SessionStep(**step) for step in fields.pop("steps"))
        return Session(**fields, steps=steps, tag=tag.decode("ascii"))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
