"""The one table from error code to HTTP status and title. docs/errors.md has a heading for each; a test sees to it."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    status: int
    title: str


PROBLEMS: dict[str, Problem] = {
    # The request as a whole.
    "invalid_request": Problem(422, "The request does not have the expected shape"),
    "invalid_json": Problem(400, "The body is not valid JSON"),
    "invalid_multipart": Problem(400, "The body is not valid multipart form data"),
    "payload_too_large": Problem(413, "The body is too large"),
    "unsupported_media_type": Problem(415, "The content type is not accepted here"),
    "route_not_found": Problem(404, "There is nothing at this address"),
    "method_not_allowed": Problem(405, "This address does not take this method"),
    "not_found": Problem(404, "Not found"),
    # The picture.
    "image_required": Problem(422, "A picture is missing"),
    "image_empty": Problem(422, "The picture has no bytes or no pixels"),
    "image_unsupported": Problem(415, "The bytes are not a picture of a supported format"),
    "image_truncated": Problem(422, "The picture is cut off or damaged"),
    "image_invalid": Problem(422, "The picture cannot be read"),
    "image_too_many_pixels": Problem(413, "The picture has too many pixels"),
    "image_id_invalid": Problem(422, "The image id is malformed"),
    "image_not_found": Problem(404, "No picture with this id is known"),
    "image_expired": Problem(410, "The picture is no longer kept"),
    # Embeddings and models.
    "embedding_revision_mismatch": Problem(409, "The data belong to another revision of the model"),
    "embedding_invalid": Problem(422, "The embedding is damaged"),
    "model_not_found": Problem(404, "No model of this name is served"),
    "model_kind_mismatch": Problem(422, "The model is of another kind"),
    "file_not_found": Problem(404, "The model has no such file"),
    "range_not_satisfiable": Problem(416, "The file does not have the range asked for"),
    # Prompts.
    "prompts_required": Problem(422, "At least one prompt is needed"),
    "prompt_empty": Problem(422, "A prompt says nothing"),
    "prompt_invalid": Problem(422, "A prompt cannot be used"),
    "too_many_prompts": Problem(422, "Too many prompts in one call"),
    "too_many_points": Problem(422, "Too many points in one prompt"),
    "point_outside_image": Problem(422, "A point lies outside the picture"),
    "point_labels_mismatch": Problem(422, "Points and labels differ in number"),
    "point_label_invalid": Problem(422, "A point label is neither 0 nor 1"),
    "box_invalid": Problem(422, "A box is not [x1, y1, x2, y2] inside the picture"),
    "number_not_finite": Problem(422, "A number is NaN or infinite"),
    "mask_input_invalid": Problem(422, "The mask input does not fit the model"),
    "mask_invalid": Problem(422, "The mask cannot be read"),
    "mask_size_mismatch": Problem(422, "The mask is not of the picture's size"),
    "clicks_required": Problem(422, "An interactive model needs a click"),
    "box_unsupported": Problem(422, "An interactive model takes no boxes"),
    "logits_ref_not_found": Problem(410, "The logits are no longer kept"),
    "format_unsupported": Problem(422, "The mask format is not known"),
    "outline_too_long": Problem(422, "The mask has too many corners for polygons"),
    # Sessions.
    "session_not_found": Problem(404, "No session with this id is known"),
    "session_expired": Problem(410, "The session has ended"),
    "session_leased": Problem(409, "Somebody else holds the session"),
    "session_lease_lost": Problem(409, "Somebody else took the session over"),
    "session_conflict": Problem(409, "The session has changed meanwhile"),
    "session_full": Problem(409, "The session has reached its bound"),
    "nothing_to_undo": Problem(409, "There is nothing to undo"),
    "nothing_to_redo": Problem(409, "There is nothing to redo"),
    # Not now.
    "queue_full": Problem(503, "The server is busy"),
    "overloaded": Problem(503, "The server is busy"),
    "shutting_down": Problem(503, "The server is shutting down"),
    "timeout": Problem(503, "The server did not finish in time"),
    "model_too_large": Problem(503, "The model does not fit in memory"),
    "models_busy": Problem(503, "No memory is free for the model now"),
    "backend_unavailable": Problem(503, "The inference back end is not available"),
    "not_ready": Problem(503, "The server is starting"),
    # Ours to mend.
    "internal_error": Problem(500, "The server failed"),
    "bundle_invalid": Problem(500, "A model bundle cannot be used"),
    "bundle_missing": Problem(500, "No model bundle was found"),
    "bundle_too_new": Problem(500, "A model bundle needs a newer Segserve"),
    "bundle_file_missing": Problem(500, "A model bundle lacks a file"),
    "bundle_hash_mismatch": Problem(500, "A model bundle is not what its manifest says"),
    "bundle_graph_invalid": Problem(500, "A graph of a model bundle does not load"),
    "bundle_graph_mismatch": Problem(500, "A graph of a model bundle is not what its manifest says"),
    "bundle_kind_mismatch": Problem(500, "A model bundle was asked for a part of another kind"),
    "bundle_golden_mismatch": Problem(500, "A model bundle does not give its golden answers"),
}


def problem_of(code: str) -> Problem:
    """The table's row; a code that is missing from it is our fault, hence a 500."""
    return PROBLEMS.get(code, PROBLEMS["internal_error"])
