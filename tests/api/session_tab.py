"""A client of /v1/sessions, for the tests."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.conftest import Service
from tests.api.test_clicks import MODEL, mask_of, uploaded


class Tab:
    """One client of a session, with the lease that it was given."""

    def __init__(self, service: Service, answer: dict[str, Any]) -> None:
        self.http, self.answer, self.lease = service.http, answer, answer["lease"]

    async def send(self, action: str, **body: Any) -> httpx.Response:
        response = await self.http.post(f"/v1/sessions/{self.answer['id']}/{action}", json={"lease": self.lease} | body)
        if response.status_code == 200:
            self.answer = response.json()
        return response

    async def do(self, action: str, **body: Any) -> Any:
        response = await self.send(action, **body)
        assert response.status_code == 200, response.text
        return self.mask

    @property
    def mask(self) -> Any:
        return mask_of({"masks": [self.answer["mask"]]})

    async def read(self) -> dict[str, Any]:
        response = await self.http.get(f"/v1/sessions/{self.answer['id']}")
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body


async def opened(service: Service, **body: Any) -> Tab:
    image = await uploaded(service)
    response = await service.http.post("/v1/sessions", json={"image": {"id": image}, "model": MODEL} | body)
    assert response.status_code == 201, response.text
    answer = response.json()
    assert response.headers["location"] == f"/v1/sessions/{answer['id']}"
    return Tab(service, answer)
