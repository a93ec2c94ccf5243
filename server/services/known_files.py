"""Files that came before: from a file's digest to its picture's id, so that the same file is not decoded twice."""

from __future__ import annotations

from collections import OrderedDict

_LIMIT = 4096


class KnownFiles:
    """The last 4096 files. Only a hint: whether the picture is still stored is asked of the store."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._ids: OrderedDict[bytes, str] = OrderedDict()

    def get(self, digest: bytes) -> str | None:
        image_id = self._ids.get(digest)
        if image_id is not None:
            self._ids.move_to_end(digest)
        return image_id

    def put(self, digest: bytes, image_id: str) -> None:
        self._ids[digest] = image_id
        self._ids.move_to_end(digest)
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)
