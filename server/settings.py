"""Every setting of the server, read once from the environment (prefix `SEGSERVE_`) by `cli` and `app`.

docs/configuration.md has a heading for each; a test holds the two together.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.domain.limits import HARD_MAX_POINTS, HARD_MAX_PROMPTS, available_cores, available_memory

MIB = 1024 * 1024


class Settings(BaseSettings):
    """Bytes are bytes, times are seconds. Unknown `SEGSERVE_` variables are reported by `segserve check`."""

    model_config = SettingsConfigDict(env_prefix="SEGSERVE_", frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on. 0.0.0.0 opens it to the network.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on. 0 lets the system choose one.")
    bundle_dir: Path | None = Field(
        None,
        description="Directory with further model bundles, as `<id>/<revision>/` or `<id>/`. Unset: "
        "`segserve/bundles` in the user's data directory, where `segserve models pull` puts them.",
    )
    model_mirror: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Address that `segserve models pull` fetches checkpoints from instead of their authors'; their "
        "file names are appended to it.",
    )
    model: str = Field("segserve-lite", min_length=1, max_length=64, description="Id of the default model.")
    redis_url: SecretStr | None = Field(
        None, description="redis:// or rediss:// URL of the shared store. Unset: memory of this process."
    )
    redis_timeout: float = Field(
        0.5, gt=0, le=30, description="Seconds before a call to Redis counts as failed and memory answers instead."
    )
    cache_bytes: int = Field(
        512 * MIB, ge=MIB, description="Bound of the in-process store: pictures, embeddings, logits. Oldest go first."
    )
    decoded_bytes: int = Field(
        128 * MIB,
        ge=0,
        description="Bound of the cache of dequantised embeddings that predict reads from. 0 turns it off.",
    )
    picture_bytes: int = Field(
        256 * MIB,
        ge=0,
        description="Bound of the cache of decoded pictures that interactive models look at. 0 turns it off.",
    )
    model_memory: int = Field(
        0,
        ge=0,
        description="Bytes that models may take together; the longest unused leave memory for others. 0: half of this "
        "machine's, or its container's.",
    )
    warm_models: str = Field(
        "", max_length=4096, description="Ids of models to load at start after the default one, separated by commas."
    )
    cpu_encoder: Literal["float32", "int8"] = Field(
        "float32",
        description="Which encoder ONNX Runtime runs. int8 where a bundle has one: faster and smaller, masks change a "
        "little.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="Where the encoder runs. auto takes CUDA when torch sees a GPU, else ONNX Runtime on the CPU.",
    )
    threads: int = Field(0, ge=0, le=256, description="Threads of one encoder or decoder run. 0: one per CPU core.")
    workers: int = Field(
        0, ge=0, le=256, description="Threads for image decoding, and again as many for masks. 0: one per CPU core."
    )
    work_queue_size: int = Field(
        512, ge=1, le=100_000, description="Jobs that may wait for a worker thread. One more is refused with 503."
    )
    queue_size: int = Field(
        128, ge=1, le=100_000, description="Pictures that may wait for the encoder. One more is refused with 503."
    )
    batch_size: int = Field(4, ge=1, le=256, description="Most pictures that the encoder takes in one run.")
    batch_wait: float = Field(
        0.0, ge=0, le=1, description="Seconds that a free encoder waits for company before it runs a small batch."
    )
    max_upload_bytes: int = Field(64 * MIB, ge=1024, le=4096 * MIB, description="Largest image file that is accepted.")
    max_json_bytes: int = Field(
        16 * MIB, ge=1024, le=1024 * MIB, description="Largest JSON body, base64 pictures included."
    )
    max_buffered_bytes: int = Field(
        512 * MIB, ge=1024, description="Bytes of request bodies held at once, all callers together. Then 503."
    )
    max_pixels: int = Field(
        120_000_000,
        ge=1,
        le=2_000_000_000,
        description="Most pixels (width x height) of a picture; checked before decoding.",
    )
    max_prompts: int = Field(256, ge=1, le=HARD_MAX_PROMPTS, description="Most prompts in one predict call.")
    max_points: int = Field(128, ge=1, le=HARD_MAX_POINTS, description="Most points in one prompt.")
    max_mask_pixels: int = Field(
        300_000_000,
        ge=1,
        description="Most mask pixels in one predict call: prompts x masks x width x height.",
    )
    image_ttl: float = Field(
        86_400, gt=0, le=31_536_000, description="Seconds that a picture and its embeddings are kept."
    )
    record_ttl: float = Field(
        604_800,
        gt=0,
        le=31_536_000,
        description="Seconds that an id is remembered, so that an expired picture answers 410 and not 404.",
    )
    logits_ttl: float = Field(900, gt=0, le=31_536_000, description="Seconds that logits stay available by logits_ref.")
    session_ttl: float = Field(
        1800, gt=0, le=604_800, description="Seconds without a click, undo or redo after which a session ends."
    )
    session_lease: float = Field(
        60, gt=0, le=86_400, description="Seconds that a session is kept for the one who clicked last."
    )
    session_steps: int = Field(200, ge=1, le=HARD_MAX_POINTS, description="Most clicks of one session.")
    request_timeout: float = Field(300, gt=0, le=3600, description="Seconds for reading and answering one request.")
    shutdown_timeout: int = Field(
        20, ge=0, le=3600, description="Seconds that running requests get to finish after a stop signal."
    )
    static_dir: Path | None = Field(
        None, description="Directory of the built page. Unset: the page inside the package."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line shown.")

    @field_validator("port", mode="before")
    @classmethod
    def _not_kubernetes(cls, value: object) -> object:
        """A Kubernetes Service named segserve gives its pods SEGSERVE_PORT=tcp://10.0.0.1:8000, which is not ours."""
        return cls.model_fields["port"].default if isinstance(value, str) and value.startswith("tcp://") else value

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        try:
            _ = None if value is None else urlsplit(value.get_secret_value()).port
        except ValueError:  # without the cause, which quotes the URL
            raise ValueError("cannot be read; it looks like redis://host:6379/0") from None
        return value

    @model_validator(mode="after")
    def _records_outlive_data(self) -> Settings:
        if self.record_ttl <= self.image_ttl:
            raise ValueError("SEGSERVE_RECORD_TTL must be longer than SEGSERVE_IMAGE_TTL")
        return self

    @property
    def installed_bundles(self) -> Path:
        """Where pulled bundles lie; it need not exist."""
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return self.bundle_dir or Path(data) / "segserve" / "bundles"

    @property
    def warm_model_ids(self) -> list[str]:
        return [name for part in self.warm_models.split(",") if (name := part.strip())]

    @property
    def effective_model_memory(self) -> int:
        return self.model_memory or available_memory() // 2

    @property
    def effective_threads(self) -> int:
        return self.threads or available_cores()

    @property
    def effective_workers(self) -> int:
        return self.workers or available_cores()


def unknown_variables(environ: dict[str, str]) -> list[str]:
    """`SEGSERVE_` variables that no setting reads, most often a misspelling."""
    known = {f"SEGSERVE_{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in environ if name.upper().startswith("SEGSERVE_") and name.upper() not in known)
