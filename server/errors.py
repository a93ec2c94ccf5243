"""Every error that Segserve raises on purpose, drawn as one tree.

    SegserveError
    ├── RequestError                the caller can mend it (4xx)
    │   ├── ImageError              the picture that was sent
    │   ├── PromptError             points, boxes, masks, formats
    │   └── NotFoundError           an id, a model or a file that is not here
    ├── UnavailableError            the service cannot do it now (503); `retry_after` says when
    ├── InstallError                a model could not be installed; of the command line alone, never an answer
    └── ServerFault                 ours to mend (500)
        └── BundleError             a model bundle that is damaged, tampered with or too new

Each error carries a stable `code` (documented in docs/errors.md, mapped to a status in one table in
`server.api.errors`) and a sentence that says what to do. `details` holds JSON values for programs.
This module imports nothing of Segserve.
"""

from __future__ import annotations

from typing import Any, ClassVar


class SegserveError(Exception):
    """Root of the tree. `code` is stable across releases; `message` is one sentence for a person."""

    default_code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.details = details


class RequestError(SegserveError):
    default_code = "invalid_request"


class ImageError(RequestError):
    default_code = "image_invalid"


class PromptError(RequestError):
    default_code = "prompt_invalid"


class NotFoundError(RequestError):
    default_code = "not_found"


class UnavailableError(SegserveError):
    """`retry_after` is in seconds and becomes the Retry-After header."""

    default_code = "overloaded"

    def __init__(self, message: str, *, code: str | None = None, retry_after: float = 1.0, **details: Any) -> None:
        super().__init__(message, code=code, **details)
        self.retry_after = retry_after


class InstallError(SegserveError):
    """`segserve models` could not do it; docs/models.md lists the codes."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, code=code)


class ServerFault(SegserveError):
    default_code = "internal_error"


class BundleError(ServerFault):
    default_code = "bundle_invalid"
