"""What the routes of sessions share: reading a request, and a session as JSON."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from pydantic_core import to_json

from server.api.context import Context
from server.api.guard import deadline
from server.api.links import rfc3339
from server.api.session_schemas import SessionChange, SessionRequest
from server.api.uploads import Parsed, picture_in, read_json
from server.services.encodings import check_format
from server.services.session_steps import superseded_clicks
from server.services.sessions import Shown
from server.services.timing import span


async def read_request(request: Request, context: Context, schema: type[Parsed]) -> Parsed:
    with context.budget.lease() as lease, span("receive"):
        return await read_json(request, schema, context.limits, lease)


def session_response(context: Context, shown: Shown, *, reading: bool = False, status: int = 200) -> Response:
    """`reading`: without the lease."""
    session = shown.session
    fields: dict[str, Any] = {
        "id": session.id,
        "image": {"id": session.image_id, "width": session.width, "height": session.height},
        "model": session.model,
        "revision": context.models.registry.manifest(session.model).revision,
        "version": session.version,
        "lease": None if reading else session.lease,
        "lease_expires_at": rfc3339(session.lease_expires_at),
        "expires_at": rfc3339(session.expires_at),
        "point_coords": [[step.x, step.y] for step in session.made],
        "point_labels": [int(step.positive) for step in session.made],
        "superseded_clicks": superseded_clicks(session),
        "can_undo": session.position > 0,
        "can_redo": session.position + 1 < len(session.steps),
    }
    content = b'%b,"mask":%b}' % (to_json(fields)[:-1], shown.mask)
    headers = {"Cache-Control": "no-store"}
    if status == 201:
        headers["Location"] = f"/v1/sessions/{session.id}"
    return Response(content, status, headers, media_type="application/json")


async def open_session(context: Context, asked: SessionRequest) -> Shown:
    async with context.models.use(context.sessions.model_id(asked.model)) as model:
        _ = model.stages
        data = await picture_in(asked.image)
        if data is None:
            record = await context.embed.record(asked.image.id or "")
        else:
            record = (await context.embed.upload(data, model.manifest.id)).record
        return await context.sessions.create(
            record,
            model,
            mask=asked.mask,
            accepted=asked.mask_accepted,
            flip=asked.flip,
            mask_format=asked.format,
        )


async def move(request: Request, session_id: str, context: Context, by: int) -> Response:
    """Undo (-1) or redo (1)."""
    async with deadline(context.limits.request_timeout):
        asked = await read_request(request, context, SessionChange)
        check_format(asked.format)
        shown = await context.sessions.move(session_id, asked.lease, by, asked.version, mask_format=asked.format)
        return session_response(context, shown)
