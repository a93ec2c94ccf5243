"""uvicorn's HTTP/1.1 on httptools, with a bound that httptools lacks: its request lines, headers and trailers may be of
any length, and it gathers them in memory."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024


class BoundedHttp(HttpToolsProtocol):
    """Answers 400 to more than `MAX_HEAD_BYTES` that lead neither to a body nor to the end of a request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pending = 0

    def data_received(self, data: bytes) -> None:
        self._pending += len(data)
        super().data_received(data)
        if self._pending > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The request line or the headers are longer than {MAX_HEAD_BYTES} bytes.")

    def on_headers_complete(self) -> None:
        self._pending = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._pending = 0
        super().on_message_complete()
