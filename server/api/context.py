"""What the routes work with, put together by `create_app` and reached through the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from server.api.bodies import BufferBudget
from server.api.static import StaticPage
from server.api.telemetry import Telemetry
from server.services.clicks import ClickService
from server.services.embed import EmbedService
from server.services.models import ModelPool
from server.services.segment import SegmentService
from server.services.sessions import SessionService
from server.services.workers import Workers
from server.storage.images import ImageStore


@dataclass(frozen=True, slots=True)
class HttpLimits:
    max_upload_bytes: int
    max_json_bytes: int
    request_timeout: float


@dataclass(slots=True)
class Readiness:
    """Set by the lifespan. `failure` says why the default model did not load."""

    ready: bool = False
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    telemetry: Telemetry
    budget: BufferBudget
    limits: HttpLimits
    models: ModelPool
    images: ImageStore
    embed: EmbedService
    segment: SegmentService
    clicks: ClickService
    sessions: SessionService
    pools: dict[str, Workers]
    page: StaticPage
    warm_models: list[str]
    readiness: Readiness = field(default_factory=Readiness)


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


ContextDep = Annotated[Context, Depends(context_of)]
