"""Addresses and times as they are written in answers."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode


def image_url(image_id: str) -> str:
    return f"/v1/images/{image_id}"


def embedding_url(image_id: str, model_id: str) -> str:
    return f"/v1/images/{image_id}/embedding?{urlencode({'model': model_id})}"


def model_file_url(model_id: str, revision: str, name: str) -> str:
    return f"/v1/models/{model_id}/{revision}/{name}"


def rfc3339(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
