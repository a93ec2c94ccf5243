"""Wire types of sessions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from server.api.schemas import (
    GivenMask,
    ImageReference,
    ImageSize,
    MaskAccepted,
    MaskAnswer,
    MaskFormat,
    ModelId,
    PointCoords,
    PointLabels,
    StrictRequest,
)

LeaseToken = Annotated[str, Field(max_length=128, description="The `lease` of the answer that opened or took it.")]
Version = Annotated[
    int, Field(ge=1, description="Refuse with session_conflict if the session is at another version by now.")
]


class SessionRequest(StrictRequest):
    image: ImageReference
    model: ModelId | None = Field(None, description="Default: the interactive model of this server.")
    mask: GivenMask = None
    mask_accepted: MaskAccepted = True
    flip: bool = Field(False, description="Average with the mirrored picture. Twice the time.")
    format: MaskFormat = "coco_rle"


class SessionChange(StrictRequest):
    lease: LeaseToken | None = None
    version: Version | None = None
    format: MaskFormat = "coco_rle"


class SessionClicks(SessionChange):
    point_coords: PointCoords = Field(description="[[x, y], …]: the new clicks, each a step of its own.")
    point_labels: PointLabels = Field(description="1 foreground, 0 background; one per point.")


class SessionLease(StrictRequest):
    take_over: bool = Field(False, description="Take it from whoever holds it now.")
    format: MaskFormat = "coco_rle"


SESSION_REQUESTS = (SessionRequest, SessionChange, SessionClicks, SessionLease)


class SessionAnswer(BaseModel):
    id: str
    image: ImageSize
    model: str
    revision: str
    version: int = Field(description="Rises with each change.")
    lease: str | None = Field(description="Send it with each change. null to whoever only reads.")
    lease_expires_at: str = Field(description="Until then nobody else gets the lease unasked. UTC, RFC 3339.")
    expires_at: str = Field(description="When the session ends if nothing changes. UTC, RFC 3339.")
    point_coords: list[list[float]] = Field(description="The clicks in force, in their order.")
    point_labels: list[int]
    superseded_clicks: list[int] = Field(description="Those that count for nothing: a later one is on their pixel.")
    can_undo: bool
    can_redo: bool
    mask: MaskAnswer
