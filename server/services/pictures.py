"""Decoded pictures that interactive models looked at last, so that the next click starts at the crop."""

from __future__ import annotations

from collections import OrderedDict

from server.domain.crops import Pyramid

_WITH_LEVELS = 4 / 3  # a picture and all its halvings


class PictureCache:
    """Bounded in bytes, least recently used first out; used on the event loop only."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Pyramid] = OrderedDict()

    def get(self, image_id: str) -> Pyramid | None:
        found = self._entries.get(image_id)
        if found is not None:
            self._entries.move_to_end(image_id)
        return found

    def put(self, image_id: str, picture: Pyramid) -> None:
        self.forget(image_id)
        if _cost(picture) > self._max_bytes:
            return
        self._entries[image_id] = picture
        self._bytes += _cost(picture)
        while self._bytes > self._max_bytes:
            self.forget(next(iter(self._entries)))

    def forget(self, image_id: str) -> None:
        picture = self._entries.pop(image_id, None)
        if picture is not None:
            self._bytes -= _cost(picture)


def _cost(picture: Pyramid) -> int:
    return int(picture.image.nbytes * _WITH_LEVELS)
