"""/v1/sessions: click by click, with undo, kept by the server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from server.api.context import ContextDep
from server.api.guard import deadline, until_disconnect
from server.api.openapi import BODY, BUSY, CLICKS, FORMATS, PICTURE, json_body, problems
from server.api.session_answers import move, open_session, read_request, session_response
from server.api.session_schemas import SessionAnswer, SessionClicks, SessionLease, SessionRequest
from server.api.uploads import read_json
from server.services.encodings import check_format
from server.services.timing import span

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

_GONE = ("session_not_found", "session_expired", "model_not_found", *FORMATS, *BUSY)
_HELD = ("session_leased", "session_lease_lost", "session_conflict")
Format = Annotated[str, Query(alias="format", max_length=64, description="Mask encoding, as in predict.")]
Lease = Annotated[str | None, Query(max_length=128, description="The lease; needed while the session is held.")]


@router.post(
    "",
    summary="Open a session on a picture, from nothing or from a mask",
    status_code=201,
    response_model=SessionAnswer,
    openapi_extra=json_body("SessionRequest"),
    responses=problems(*BODY, *PICTURE, *CLICKS, *BUSY, "session_full"),
)
async def create(request: Request, context: ContextDep) -> Response:
    async with deadline(context.limits.request_timeout):
        with context.budget.lease() as lease:  # held while the picture and the mask of the body are
            with span("receive"):
                asked = await read_json(request, SessionRequest, context.limits, lease)
            check_format(asked.format)
            shown = await until_disconnect(request, open_session(context, asked))
        return session_response(context, shown, status=201)


@router.get("/{session_id}", summary="The mask as it stands", response_model=SessionAnswer, responses=problems(*_GONE))
async def result(session_id: str, context: ContextDep, mask_format: Format = "coco_rle") -> Response:
    check_format(mask_format)
    async with deadline(context.limits.request_timeout):
        return session_response(context, await context.sessions.read(session_id, mask_format), reading=True)


@router.post(
    "/{session_id}/clicks",
    summary="Click",
    response_model=SessionAnswer,
    openapi_extra=json_body("SessionClicks"),
    responses=problems(*BODY, *PICTURE, *CLICKS, *_GONE, *_HELD, "session_full", "too_many_prompts"),
)
async def click(request: Request, session_id: str, context: ContextDep) -> Response:
    async with deadline(context.limits.request_timeout):
        asked = await read_request(request, context, SessionClicks)
        check_format(asked.format)
        clicking = context.sessions.click(
            session_id, asked.lease, asked.point_coords, asked.point_labels, asked.version, mask_format=asked.format
        )
        return session_response(context, await until_disconnect(request, clicking))


@router.post(
    "/{session_id}/undo",
    summary="Take the last click back: the mask before it, exactly",
    response_model=SessionAnswer,
    openapi_extra=json_body("SessionChange"),
    responses=problems(*BODY, *_GONE, *_HELD, "nothing_to_undo"),
)
async def undo(request: Request, session_id: str, context: ContextDep) -> Response:
    return await move(request, session_id, context, -1)


@router.post(
    "/{session_id}/redo",
    summary="Make the click again that was taken back",
    response_model=SessionAnswer,
    openapi_extra=json_body("SessionChange"),
    responses=problems(*BODY, *_GONE, *_HELD, "nothing_to_redo"),
)
async def redo(request: Request, session_id: str, context: ContextDep) -> Response:
    return await move(request, session_id, context, 1)


@router.post(
    "/{session_id}/lease",
    summary="Take the session: when nobody holds it, or over from whoever does",
    response_model=SessionAnswer,
    openapi_extra=json_body("SessionLease"),
    responses=problems(*BODY, *_GONE, *_HELD),
)
async def lease(request: Request, session_id: str, context: ContextDep) -> Response:
    async with deadline(context.limits.request_timeout):
        asked = await read_request(request, context, SessionLease)
        check_format(asked.format)
        shown = await context.sessions.take(session_id, take_over=asked.take_over, mask_format=asked.format)
        return session_response(context, shown)


@router.delete(
    "/{session_id}",
    summary="End a session",
    status_code=204,
    response_class=Response,
    responses=problems(*_GONE, *_HELD),
)
async def delete(session_id: str, context: ContextDep, lease: Lease = None) -> Response:
    await context.sessions.delete(session_id, lease)
    return Response(status_code=204)
