"""Dequantised embeddings that predict used last, so that a second prompt on a picture starts at the decoder."""

from __future__ import annotations

from collections import OrderedDict

from server.domain.ports import Float32


class DecodedCache:
    """Bounded in bytes, least recently used first out. Keys are (image id, revision); used on the event loop only."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[tuple[str, str], dict[str, Float32]] = OrderedDict()

    def get(self, image_id: str, revision: str) -> dict[str, Float32] | None:
        tensors = self._entries.get((image_id, revision))
        if tensors is not None:
            self._entries.move_to_end((image_id, revision))
        return tensors

    def put(self, image_id: str, revision: str, tensors: dict[str, Float32]) -> None:
        self._drop((image_id, revision))
        cost = _bytes_of(tensors)
        if cost > self._max_bytes:
            return
        self._entries[image_id, revision] = tensors
        self._bytes += cost
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def forget(self, image_id: str) -> None:
        for key in [key for key in self._entries if key[0] == image_id]:
            self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        tensors = self._entries.pop(key, None)
        if tensors is not None:
            self._bytes -= _bytes_of(tensors)


def _bytes_of(tensors: dict[str, Float32]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())
