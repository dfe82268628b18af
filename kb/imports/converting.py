"""Strangers' files made Markdown, in a process of its own: `python -m kb.imports.converting`.

Parsers of HTML, DOCX and PDF loop and swell on what was made to do that, so they run where nothing is lost with
them: no secrets, no database, so much memory and time for all files together. What is not read by then is
reported, not waited for.
"""

import asyncio
import base64
import io
import os
import resource
import struct
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urljoin

import msgspec

MEMORY = 768 << 20  # bytes of address space
SECONDS = 20  # of processor time for one file
PATIENCE = 40.0  # seconds by the clock for one file
LONGEST = 400_000  # characters of Markdown
MOST_PICTURES = 200  # inside one file
MOST_BYTES = 50 << 20  # of them
CONVERTED = (".html", ".htm", ".docx", ".pdf")


class Given(msgspec.Struct):
    kind: str
    content: bytes
    address: str = ""
    """Of a page: what its links are relative to."""


class Made(msgspec.Struct):
    title: str = ""
    text: str = ""
    trouble: str = ""
    locale: str = ""
    """Where a page says it."""
    pictures: list[bytes] = []
    """Those that came inside the file; the text names the first one `picture:0`."""


async def converted(files: Sequence[Given]) -> AsyncGenerator[Made, None]:
    """One answer for each file, in their order; a new process follows one that a file has killed."""
    process = None
    try:
        for given in files:
            if process is None or process.returncode is not None:
                process = await _started()
            made = await _one(process, given)
            if made.trouble == _KILLED:
                process.kill()
                await process.wait()
                process = None
            yield made
    finally:
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


_KILLED = "Reading it took too much time or memory."


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kb.imports.converting",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_plain(os.environ),
    )


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    """Nothing that the desk keeps to itself."""
    return {name: value for name, value in environ.items() if name in {"PATH", "PYTHONPATH", "LANG", "HOME"}}


async def _one(process: asyncio.subprocess.Process, given: Given) -> Made:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        async with asyncio.timeout(PATIENCE):
            body = msgspec.msgpack.encode(given)
            process.stdin.write(struct.pack(">I", len(body)) + body)
            await process.stdin.drain()
            (length,) = struct.unpack(">I", await process.stdout.readexactly(4))
            return msgspec.msgpack.decode(await process.stdout.readexactly(length), type=Made)
    except (TimeoutError, EOFError, OSError, msgspec.DecodeError):
        return Made(trouble=_KILLED)


def main() -> None:
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    while len(head := requests.read(4)) == 4:
        given = msgspec.msgpack.decode(requests.read(struct.unpack(">I", head)[0]), type=Given)
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        body = msgspec.msgpack.encode(make(given))
        answers.write(struct.pack(">I", len(body)) + body)
        answers.flush()


def make(given: Given) -> Made:
    try:
        readers = {".docx": _docx, ".pdf": _pdf}
        read = readers.get(given.kind)
        made = read(given.content) if read else _html(given.content, given.address)
    except MemoryError:
        return Made(trouble=_KILLED)
    except Exception as error:
        return Made(trouble=f"It cannot be read: {type(error).__name__}: {error}"[:300])
    if len(made.text) > LONGEST:
        return Made(trouble=f"It has more than {LONGEST:,} characters.")
    return made if made.text.strip() else Made(trouble="There is no text in it.")


LEFT_OUT = (
    "script, style, noscript, template, nav, header, footer, aside, form, iframe, svg, dialog, button, [hidden], "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog]"
)
SAFE = "/:%?=&#~+,;@!$*[]-_."  # what an address keeps; spaces and brackets would end it in Markdown


def _html(content: bytes, address: str = "") -> Made:
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    page = BeautifulSoup(content, "html.parser")
    title = page.title.get_text(" ", strip=True) if page.title else ""
    heading = page.find("h1")
    if heading is not None:
        title = heading.get_text(" ", strip=True) or title
        heading.decompose()
    whole = page.select_one("main, [role=main]") or page
    texts = whole.find_all("article")
    body = texts[0] if len(texts) == 1 else whole if whole is not page else page.body or page
    for part in body.select(LEFT_OUT):
        part.decompose()
    pictures = _pictures(body, address)
    for link in body.find_all("a", href=True) if address else ():
        link["href"] = _joined(address, str(link["href"]))
    text = MarkdownConverter(heading_style="ATX", bullets="-").convert_soup(body)
    locale = str(page.html.get("lang") or "") if page.html else ""
    return Made(title, _tidy(text), locale=locale[:20], pictures=pictures)


def _pictures(body: Any, address: str) -> list[bytes]:
    """Those inside the page taken out of it; the others named so that Markdown can."""
    found: list[bytes] = []
    for picture in body.find_all("img"):
        src = str(picture.get("src") or picture.get("data-src") or "").strip()
        if src.startswith("data:"):
            head, _comma, data = src.partition(",")
            full = len(found) >= MOST_PICTURES or sum(map(len, found)) + len(data) > MOST_BYTES
            if full or not head.endswith(";base64"):
                picture.decompose()
                continue
            try:
                found.append(base64.b64decode(data))
            except ValueError:
                picture.decompose()
                continue
            picture["src"] = f"picture:{len(found) - 1}"
        elif src:
            picture["src"] = _joined(address, src)
        else:
            picture.decompose()
    return found


def _joined(address: str, place: str) -> str:
    """As Markdown can name it."""
    with suppress(ValueError):  # what is no address stays what it is
        place = urljoin(address, place)
    return quote(place, safe=SAFE)


def _docx(content: bytes) -> Made:
    import mammoth

    return _html(mammoth.convert_to_html(io.BytesIO(content)).value.encode())


def _pdf(content: bytes) -> Made:
    from pdfminer.high_level import extract_text

    return Made("", _tidy(extract_text(io.BytesIO(content), maxpages=300)))


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.replace("\x0c", "\n").splitlines()]
    kept = [line for n, line in enumerate(lines) if line or (n and lines[n - 1])]
    return "\n".join(kept).strip()


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
