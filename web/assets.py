"""Style, script, font and icon files under one address that changes whenever any of them does.

`/assets/<hash>/…` may be kept for ever; relative addresses inside style sheets and modules stay true. The
style sheet is joined from its parts and texts are packed once, when the desk starts: there is no build step.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from helpdesk.access import Action
from helpdesk.errors import Misconfigured, NotFound
from web.auth import permits

STATIC = Path(__file__).parent / "static"
IMPORT = re.compile(r'@import url\("([^"]+)"\);\n?')
PACKED = {".css", ".js", ".svg", ".txt"}
TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
ALONE = {"js/app.js", "js/live-worker.js", "js/rate-now.js", "js/help.js"}
"""Scripts of their own, that the console does not fetch along with its entry."""
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    content: bytes
    packed: bytes | None
    media_type: str


class Assets:
    def __init__(self, root: Path = STATIC) -> None:
        if not (root / "vendor/htmx.esm.min.js").exists():
            raise Misconfigured(
                f"The console's front-end packages are missing ({root / 'vendor'}). Install the desk again: "
                "`bin/setup` brings them."
            )
        files = {
            path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()
        }
        self.files = {name: asset(path) for name, path in files.items() if not path.name.startswith(".")}
        digest = hashlib.sha256()
        for name, file in self.files.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(file.content).digest())
        self.version = digest.hexdigest()[:16]

    def url(self, name: str) -> str:
        if name not in self.files:
            raise LookupError(f"There is no asset {name!r} under {STATIC}.")
        return f"/assets/{self.version}/{name}"

    @property
    def modules(self) -> list[str]:
        """Addresses of all scripts of ours but the entry, to be fetched along with it."""
        return [
            self.url(n)
            for n in self.files
            if n.endswith(".js") and not n.startswith("widget/") and n not in ALONE
        ]


def asset(path: Path) -> Asset:
    content = joined(path).encode() if path.name in {"index.css", "help.css"} else path.read_bytes()
    media_type = TYPES.get(path.suffix) or guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(content, 9, mtime=0) if path.suffix in PACKED else None
    return Asset(content, packed, media_type)


def joined(path: Path) -> str:
    """A style sheet with its imports in place. Only files beside it hold relative addresses, so all stay true."""
    return IMPORT.sub(lambda match: (path.parent / match[1]).read_text(), path.read_text())


@get("/assets/{version:str}/{name:path}", opt=permits(Action.public), include_in_schema=False)
async def assets(
    request: Request[Any, Any, Any], version: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """An old version is answered with today's file, uncached: a page open during an update stays usable."""
    known: Assets = request.app.state.assets
    if (found := known.files.get(name.lstrip("/"))) is None:
        raise NotFound
    headers = {
        "cache-control": FOR_EVER if version == known.version else "no-store",
        "vary": "accept-encoding",
    }
    content = found.content
    if found.packed and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = found.packed, "gzip"
    return Response(content, status_code=HTTP_200_OK, media_type=found.media_type, headers=headers)
