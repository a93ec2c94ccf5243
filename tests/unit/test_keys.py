"""Keys are built from checked parts only."""

from __future__ import annotations

import pytest

from server.errors import RequestError
from server.storage import keys
from tests.stores import IMAGE_ID


def test_the_key_space() -> None:
    assert keys.image_key(IMAGE_ID) == f"segserve:v1:image:{IMAGE_ID}"
    assert keys.source_key(IMAGE_ID) == f"segserve:v1:source:{IMAGE_ID}"
    assert keys.embedding_key(1, "0" * 16, IMAGE_ID) == f"segserve:v1:embedding:1:{'0' * 16}:{IMAGE_ID}"
    assert keys.logits_key("ab" * 16) == f"segserve:v1:logits:{'ab' * 16}"


@pytest.mark.parametrize(
    "image_id", ["", "abc", IMAGE_ID.upper(), IMAGE_ID + "0", IMAGE_ID[:-1] + "\n", "../" + IMAGE_ID]
)
def test_a_malformed_image_id_never_gets_into_a_key(image_id: str) -> None:
    for build in (keys.image_key, keys.source_key, lambda bad: keys.embedding_key(1, "0" * 16, bad)):
        with pytest.raises(RequestError) as caught:
            build(image_id)
        assert caught.value.code == "image_id_invalid"


def test_other_parts_are_checked_too() -> None:
    with pytest.raises(ValueError, match="revision"):
        keys.embedding_key(1, "latest", IMAGE_ID)
    with pytest.raises(ValueError, match="logits"):
        keys.logits_key("1")


def test_logits_references_are_long_and_never_the_same() -> None:
    refs = {keys.new_logits_ref() for _ in range(1000)}
    assert len(refs) == 1000
    assert all(keys.is_logits_ref(ref) for ref in refs)
