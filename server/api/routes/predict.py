"""/v1/predict: masks for prompts."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from server.api.context import Context, ContextDep
from server.api.guard import deadline, until_disconnect
from server.api.openapi import BODY, BUSY, CLICKS, PICTURE, PREDICT_BODY, problems
from server.api.schemas import PredictAnswer, PredictOptions
from server.api.uploads import PredictCall, read_predict
from server.services.segment import MaskInput, RawPrompt
from server.services.served import ServedModel
from server.services.timing import span

router = APIRouter(prefix="/v1", tags=["predict"])

_PROBLEMS = (
    *(*BODY, *PICTURE, *CLICKS, *BUSY),
    "prompts_required",
    "prompt_empty",
    "too_many_prompts",
    "box_invalid",
    "box_unsupported",
    "mask_input_invalid",
    "logits_ref_not_found",
)


@router.post(
    "/predict",
    summary="Masks of a picture for points, boxes and earlier masks",
    response_model=PredictAnswer,
    openapi_extra=PREDICT_BODY,
    responses=problems(*_PROBLEMS),
)
async def predict(request: Request, context: ContextDep) -> Response:
    async with deadline(context.limits.request_timeout):
        with context.budget.lease() as lease:
            with span("receive"):
                call = await read_predict(request, context.limits, lease)
            content = await until_disconnect(request, _predict(context, call))
    return Response(content, headers={"Cache-Control": "no-store"}, media_type="application/json")


async def _predict(context: Context, call: PredictCall) -> bytes:
    async with context.models.use(call.options.model) as model:
        return await _predict_with(context, call, model)


async def _predict_with(context: Context, call: PredictCall, model: ServedModel) -> bytes:
    options = call.options
    prompts = _raw_prompts(options)
    context.segment.check(prompts, options.format)
    if options.flip:
        _ = model.stages
    if call.data is not None:
        image = await context.embed.upload(call.data, options.model)
        record, container = image.record, image.container
    else:
        container = None
        record = await context.embed.record(call.image_id or "")
    if model.is_promptable:
        answered = await context.segment.predict(
            record,
            model,
            prompts,
            mask_format=options.format,
            multimask=options.multimask_output,
            container=container,
        )
        results = [b'{"masks":[%b]}' % b",".join(masks) for masks in answered]
    else:
        results = await context.clicks.predict(record, model, prompts, mask_format=options.format, flip=options.flip)
    head = to_json(
        {
            "image": {"id": record.id, "width": record.width, "height": record.height},
            "model": model.manifest.id,
            "revision": model.manifest.revision,
        }
    )
    return b'%b,"results":[%b]}' % (head[:-1], b",".join(results))


def _raw_prompts(options: PredictOptions) -> list[RawPrompt]:
    return [
        RawPrompt(
            prompt.point_coords,
            prompt.point_labels,
            prompt.box,
            None
            if prompt.mask_input is None
            else MaskInput(prompt.mask_input.ref, prompt.mask_input.logits, prompt.mask_input.shape),
            prompt.mask,
            prompt.mask_accepted,
        )
        for prompt in options.prompts
    ]
