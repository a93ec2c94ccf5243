"""The store's key space. One place builds keys, and nothing that a client sends gets into one unchecked."""

from __future__ import annotations

import re
import secrets

from server.errors import RequestError

PREFIX = "segserve:v1:"
IMAGE_PREFIX = f"{PREFIX}image:"
LOGITS_PREFIX = f"{PREFIX}logits:"
SESSION_PREFIX = f"{PREFIX}session:"
PROBE_KEY = f"{PREFIX}probe"

_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_REVISION = re.compile(r"[0-9a-f]{16}")
_LOGITS_REF = re.compile(r"[0-9a-f]{32}")


def check_image_id(image_id: str) -> str:
    """The id itself, or RequestError `image_id_invalid`."""
    if not _IMAGE_ID.fullmatch(image_id):
        raise RequestError(
            "An image id is 64 lower-case hexadecimal digits, as POST /v1/images answers it.", code="image_id_invalid"
        )
    return image_id


def image_key(image_id: str) -> str:
    return f"{IMAGE_PREFIX}{check_image_id(image_id)}"


def source_key(image_id: str) -> str:
    return f"{PREFIX}source:{check_image_id(image_id)}"


def embedding_key(preprocessing_version: int, revision: str, image_id: str) -> str:
    if not _REVISION.fullmatch(revision):
        raise ValueError(f"not a bundle revision: {revision!r}")
    return f"{PREFIX}embedding:{preprocessing_version}:{revision}:{check_image_id(image_id)}"


def new_session_id() -> str:
    """128 random bits as 32 hex digits: who knows it may use it."""
    return secrets.token_hex(16)


def is_session_id(session_id: str) -> bool:
    return _LOGITS_REF.fullmatch(session_id) is not None


def session_key(session_id: str) -> str:
    if not is_session_id(session_id):
        raise ValueError("not a session id")
    return f"{SESSION_PREFIX}{session_id}"


def past_session_key(session_id: str) -> str:
    """Outlives the session, so that one that ended can be told from one that never was."""
    return f"{PREFIX}past-session:{session_id}" if is_session_id(session_id) else session_key(session_id)


def new_logits_ref() -> str:
    """128 random bits as 32 hex digits: cannot be guessed, says nothing about the image."""
    return secrets.token_hex(16)


def is_logits_ref(ref: str) -> bool:
    return _LOGITS_REF.fullmatch(ref) is not None


def logits_key(ref: str) -> str:
    if not is_logits_ref(ref):
        raise ValueError("not a logits reference")
    return f"{LOGITS_PREFIX}{ref}"
