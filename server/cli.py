"""The command `segserve`: serve, check, models. Settings come from the environment; see docs/configuration.md."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from server import __version__
from server.errors import SegserveError
from server.models_cli import add_models
from server.settings import Settings, unknown_variables

log = logging.getLogger("segserve.cli")

OK, FAILED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        settings = _settings(options)
    except ValidationError as error:
        for problem in error.errors():
            name = "".join(f"SEGSERVE_{part}: ".upper() for part in problem["loc"][:1])
            print(f"error: {name}{problem['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        return USAGE
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a pull tells of its requests itself
    try:
        result: int = options.run(settings, options)
    except SegserveError as error:
        print(f"error: {error.message} [{error.code}]", file=sys.stderr)
        return FAILED
    return result


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="segserve", description="Promptable image segmentation: a page and an API.")
    root.add_argument("--version", action="version", version=f"segserve {__version__}")
    commands = root.add_subparsers(required=True, metavar="command")

    serve = commands.add_parser("serve", help="run the server")
    serve.add_argument("--host", help="address to listen on; overrides SEGSERVE_HOST")
    serve.add_argument("--port", type=int, help="port to listen on; overrides SEGSERVE_PORT")
    serve.set_defaults(run=_serve)

    check = commands.add_parser("check", help="verify bundles, golden vectors, the store and the port, then exit")
    check.set_defaults(run=_check)

    add_models(commands)
    return root


def _settings(options: argparse.Namespace) -> Settings:
    given = {name: value for name in ("host", "port") if (value := getattr(options, name, None)) is not None}
    return Settings(**given)


def _serve(settings: Settings, _: argparse.Namespace) -> int:
    import uvicorn

    from server.api.protocol import BoundedHttp
    from server.app import create_app

    for name in unknown_variables(dict(os.environ)):
        log.warning("%s is not a setting; docs/configuration.md lists them", name)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=BoundedHttp,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=settings.shutdown_timeout,
    )
    server = uvicorn.Server(config)
    try:
        server.run()
    except KeyboardInterrupt:
        log.info("stopped")
    except SystemExit:  # uvicorn's way to say that it could not listen, which it has logged
        return FAILED
    return OK if server.started else FAILED


def _check(settings: Settings, _: argparse.Namespace) -> int:
    from server.checkup import run_checks

    failed = 0
    for result in run_checks(settings, dict(os.environ)):
        print(result)
        failed += result.failed
    print("all good" if not failed else f"{failed} problem{'s' if failed > 1 else ''}")
    return FAILED if failed else OK
