"""The commands `segserve models …`: list, pull, verify, remove, bundle. docs/models.md describes them."""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from server.app import EMBEDDED_BUNDLES
from server.domain.bundle import BundleManifest
from server.domain.catalogue import CATALOGUE, KnownModel, closest, known_model
from server.domain.ports import LoadedBundle
from server.errors import BundleError, InstallError, SegserveError
from server.runtime.bundle_archive import SUFFIX, write_archive
from server.runtime.bundle_files import current_of, find_bundles, lies_as, verify_bundle
from server.runtime.download import Limits, Progress, accept, fetch, sha256_of
from server.runtime.install import InstallPlace
from server.settings import Settings

OK, FAILED = 0, 1
NEEDED = ("onnx", "onnxscript", "pycocotools", "safetensors", "torch", "transformers")
Convert = Callable[[KnownModel, Path, Path], None]


def add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    models = commands.add_parser("models", help="install, check and remove models").add_subparsers(
        required=True, metavar="command"
    )
    listing = models.add_parser("list", help="installed models, and known ones that can be pulled")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=list_models)
    pull = models.add_parser("pull", help="fetch a published model, or take it from a file, and make it servable")
    pull.add_argument("name", nargs="?", help="as `models list` has it; not needed with a bundle file")
    pull.add_argument("--from", dest="source", type=Path, metavar="FILE", help="checkpoint or bundle file, no network")
    pull.add_argument("--force", action="store_true", help="also if it is installed")
    pull.add_argument("--keep", action="store_true", help="keep the downloaded checkpoint")
    pull.set_defaults(run=pull_model)
    verify = models.add_parser("verify", help="hash every file of the installed models")
    verify.add_argument("name", nargs="?", help="one model; all without")
    verify.set_defaults(run=verify_models)
    remove = models.add_parser("remove", help="delete an installed model")
    remove.add_argument("name")
    remove.add_argument("--yes", action="store_true", help="without asking")
    remove.set_defaults(run=remove_model)
    bundle = models.add_parser("bundle", help="write a model as one file, to carry to another machine")
    bundle.add_argument("name")
    bundle.add_argument("--out", type=Path, metavar="FILE", help=f"<id>-<revision>{SUFFIX} without")
    bundle.set_defaults(run=bundle_model)


def list_models(settings: Settings, options: argparse.Namespace) -> int:
    """The default is marked by its name, which need not be installed yet."""
    found, problems = every_bundle(settings)
    current = current_of(found)
    rows = [row_of(bundle.manifest) for _, bundle in sorted(current.items())]
    rows += [row_of_known(model) for model in CATALOGUE if model.id not in current]
    rows = [row | {"default": row["id"] == settings.model} for row in rows]
    rows.sort(key=lambda row: not row["default"])
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            mark = "*" if row["default"] else " "
            there = row["revision"] or "not installed"
            size = f"{int(str(row['bytes'])) / 1e6:7.1f} MB"
            print(f"{mark} {row['id']:24} {there:16} {size}  {row['speed']:20} {row['license']:14.14} {row['title']}")
        if any(row["revision"] is None for row in rows):
            print("\nsegserve models pull NAME installs one; sizes of these are of the download.")
    for place, problem in problems.items():
        print(f"! {place}: {problem.message} [{problem.code}]", file=sys.stderr)
    return FAILED if problems else OK


def row_of(manifest: BundleManifest) -> dict[str, object]:
    speed = manifest.speed
    return {
        "id": manifest.id, "revision": manifest.revision, "kind": manifest.kind, "title": manifest.title,
        "license": manifest.license, "bytes": sum(entry.bytes for entry in manifest.files.values()),
        "speed": f"encode {speed.encode_ms / 1e3:.1f} s" if speed else "not measured",
    }  # fmt: skip


def row_of_known(model: KnownModel) -> dict[str, object]:
    return {
        "id": model.id, "revision": None, "kind": model.kind, "title": model.title, "license": model.license,
        "bytes": model.bytes, "speed": model.speed,
    }  # fmt: skip


def pull_model(
    settings: Settings, options: argparse.Namespace, convert: Convert | None = None, limits: Limits | None = None
) -> int:
    """`convert` (model, checkpoint, bundle's directory) and `limits` are there to be replaced in tests."""
    place = InstallPlace(settings.installed_bundles)
    with place.writing():
        return pull_into(place, settings, options, convert, limits)


def pull_into(
    place: InstallPlace, settings: Settings, options: argparse.Namespace, convert: Convert | None, limits: Limits | None
) -> int:
    if options.source is not None and not options.source.is_file():
        raise InstallError(f"{options.source} is not a file.", "source_missing")
    if options.source is not None and options.source.suffix == SUFFIX:
        return said_installed(place, place.unpack(options.source, options.name))
    model = wanted(options.name)
    there = place.installed().get(model.id)
    if there is not None and not options.force:
        print(f"{model.id} {there.manifest.revision} is installed already; --force makes it anew.")
        return OK
    if convert is None:
        need_workshop()
    with place.lock(model.id):
        checkpoint = checkpoint_of(place, model, settings, options.source, limits)
        place.need_room(0, checkpoint.stat().st_size)
        build = convert or run_workshop
        manifest = place.install(model.id, lambda made: build(model, checkpoint, made))
        if options.source is None and not options.keep:
            checkpoint.unlink()
    return said_installed(place, manifest)


def wanted(name: str | None) -> KnownModel:
    """Raises InstallError unknown_model."""
    names = [model.id for model in CATALOGUE]
    if name is None:
        raise InstallError(f"Say which model: {', '.join(names)}.", "unknown_model")
    model = known_model(name)
    if model is None:
        guess = closest(name, names)
        hint = f"did you mean {guess!r}?" if guess else f"there is {', '.join(names)}."
        raise InstallError(f"No model {name[:80]!r} is known: {hint}", "unknown_model")
    return model


def need_workshop() -> None:
    """Before anything is fetched. Raises InstallError workshop_missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        message = (
            f"Converting a checkpoint needs {', '.join(missing)}, the extra `export`: in Segserve's checkout "
            "pip install -c constraints.txt -e '.[export]' (docs/models.md). A bundle file made elsewhere (segserve "
            "models bundle) needs nothing of that."
        )
        raise InstallError(message, "workshop_missing")


def checkpoint_of(
    place: InstallPlace, model: KnownModel, settings: Settings, source: Path | None, limits: Limits | None
) -> Path:
    """The published file, its hash right: from `source`, from an earlier download, or fetched."""
    if source is not None:
        found = sha256_of(source)
        if found != model.sha256:
            message = f"{source} is not {model.file}: its SHA-256 is {found}, it should be {model.sha256}."
            raise InstallError(message, "checksum_mismatch")
        return source
    target = place.downloads / model.file
    if target.is_file():
        accept(target, target, model.sha256)
        return target
    part = target.with_name(target.name + ".part")
    there = part.stat().st_size if part.is_file() else 0
    place.need_room(max(model.bytes - there, 0), model.bytes)
    mirror = settings.model_mirror
    url = f"{mirror.rstrip('/')}/{model.file}" if mirror else model.url
    print(f"{model.title}: {url}")
    if there:
        print(f"going on after {there / 1e6:,.0f} MB")
    fetch(url, target, model.sha256, progress=progress_bar(sys.stderr), limits=limits)
    return target


def run_workshop(model: KnownModel, checkpoint: Path, made: Path) -> None:
    """`python -m model_export export` in a process of its own; what it says is passed on. Raises InstallError
    conversion_failed."""
    command = [
        sys.executable, "-m", "model_export", "export", "--model", model.id, "--checkpoint", str(checkpoint),
        "--out", str(made),
    ]  # fmt: skip
    print("converting; a large model takes minutes")
    said = ""
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.strip():
                said = line.strip()
            print(f"  {line.rstrip()}", file=sys.stderr)
    if process.returncode != 0:
        reason = said[:500] or f"the converter ended with {process.returncode}"
        raise InstallError(f"{model.file} could not be converted: {reason}", "conversion_failed")


def said_installed(place: InstallPlace, manifest: BundleManifest) -> int:
    print(f"{manifest.id} {manifest.revision} is installed in {place.directory / manifest.id}")
    print("A running server serves it after a restart.")
    return OK


def progress_bar(out: IO[str]) -> Progress:
    """A bar that is drawn over on a terminal; elsewhere a line for each tenth, or each 100 MB of an unknown length."""
    began, first, shown = time.monotonic(), -1, -1

    def show(there: int, total: int | None) -> None:
        nonlocal first, shown
        first = there if first < 0 else first
        seconds, done = time.monotonic() - began, total is not None and there >= total
        step = int(seconds * 10) if out.isatty() else there * 10 // max(total, 1) if total else there // 10**8
        if step == shown and not done:
            return
        shown = step
        rate = (there - first) / max(seconds, 1e-3)
        share = f"{100 * there / total:3.0f} % of {total / 1e6:,.0f} MB" if total else f"{there / 1e6:,.0f} MB"
        left = f", {(total - there) / rate:,.0f} s left" if total and rate > 0 and not done else ""
        line = f"{share}, {rate / 1e6:.1f} MB/s{left}"
        out.write(f"\r{line:<60}" + ("\n" if done else "") if out.isatty() else f"{line}\n")
        out.flush()

    return show


def verify_models(settings: Settings, options: argparse.Namespace) -> int:
    """Every installed and embedded bundle, or one by its id."""
    found, problems = every_bundle(settings)
    bundles = [*itertools.chain(*found)]
    if options.name is not None:
        bundles = [bundle for bundle in bundles if bundle.manifest.id == options.name]
        holders = (settings.installed_bundles, EMBEDDED_BUNDLES)
        problems = {where: problem for where, problem in problems.items() if lies_as(where, options.name, holders)}
        if not bundles and not problems:
            raise not_here(options.name, settings)
    damaged = len(problems)
    for where, problem in problems.items():
        print(f"DAMAGED  {where}: {problem.message} [{problem.code}]")
    for bundle in bundles:
        name = f"{bundle.manifest.id} {bundle.manifest.revision}"
        try:
            verify_bundle(bundle)
            print(f"ok       {name}: {len(bundle.manifest.files)} files")
        except SegserveError as error:
            damaged += 1
            print(f"DAMAGED  {name}: {error.message} [{error.code}]")
    return FAILED if damaged else OK


def every_bundle(settings: Settings) -> tuple[list[list[LoadedBundle]], dict[str, BundleError]]:
    """As `find_bundles`, of the installed ones and of the embedded ones."""
    scans = [find_bundles(directory) for directory in (settings.installed_bundles, EMBEDDED_BUNDLES)]
    return [found for found, _ in scans], {place: problem for _, wrong in scans for place, problem in wrong.items()}


def not_here(name: str, settings: Settings) -> InstallError:
    names = sorted(current_of(every_bundle(settings)[0]))
    guess = closest(name, names)
    hint = f"did you mean {guess!r}?" if guess else f"there is {', '.join(names)}."
    return InstallError(f"No model {name[:80]!r} is installed: {hint}", "not_installed")


def remove_model(settings: Settings, options: argparse.Namespace) -> int:
    place = InstallPlace(settings.installed_bundles)
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", options.name) or not (place.directory / options.name).is_dir():
        if (EMBEDDED_BUNDLES / options.name).is_dir():
            raise InstallError(f"{options.name} is part of Segserve and cannot be removed.", "embedded")
        raise not_here(options.name, settings)
    if not options.yes:
        answer = input(f"Remove {place.directory / options.name}? [y/N] ") if sys.stdin.isatty() else ""
        if answer.strip().lower() not in ("y", "yes"):
            print("kept; --yes removes without asking")
            return FAILED
    with place.writing():
        place.remove(options.name)
    print(f"{options.name} is removed")
    return OK


def bundle_model(settings: Settings, options: argparse.Namespace) -> int:
    bundle = current_of(every_bundle(settings)[0]).get(options.name)
    if bundle is None:
        raise not_here(options.name, settings)
    verify_bundle(bundle)
    out = options.out or Path(f"{bundle.manifest.id}-{bundle.manifest.revision}{SUFFIX}")
    if out.suffix != SUFFIX:
        raise InstallError(f"{out} must end in {SUFFIX}, by which pull --from knows a bundle file.", "archive_name")
    try:
        write_archive(bundle, out)
    except OSError as error:
        raise InstallError(f"{out} cannot be written: {error}.", "place_unwritable") from error
    print(f"{out}: {out.stat().st_size / 1e6:,.1f} MB; on the other machine: segserve models pull --from {out.name}")
    return OK
