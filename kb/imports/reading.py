"""What a file holds: one article, an export, or a zip of any number of them."""

import io
import json
import re
import zipfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext
from helpdesk.texts import clean, written
from kb.articles import LONGEST_TITLE, Audience
from kb.imports import vendors
from kb.imports.converting import CONVERTED, Given, Made, converted
from kb.imports.documents import Document, Read, Trouble
from kb.imports.pictures import Gallery
from kb.writing import LONGEST, BadLocale, locale_of

LARGEST = 50 << 20  # bytes of a file
MOST = 2_000  # articles of one import
MOST_BYTES = 200 << 20  # of a zip, unpacked
MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
READABLE = (".md", ".markdown", ".json", *CONVERTED)
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


class TooLarge(Invalid):
    message = _("This file is too large: 50 MB at most, 200 MB unpacked, with 2,000 articles at most.")


class Unreadable(Invalid):
    message = _("Choose a file that ends in .zip, .md, .html, .docx, .pdf or .json.")


@dataclass(frozen=True)
class File:
    name: str
    content: bytes

    @property
    def kind(self) -> str:
        return PurePosixPath(self.name).suffix.lower()


Tell = Callable[[int, int], Awaitable[None]]


def check(name: str, content: bytes) -> None:
    """What can be said before anything is read. Raises TooLarge, Unreadable."""
    if len(content) > LARGEST:
        raise TooLarge
    if PurePosixPath(name).suffix.lower() not in (".zip", *READABLE):
        raise Unreadable


async def read(name: str, content: bytes, gallery: Gallery | None = None, tell: Tell | None = None) -> Read:
    """Every article in it, in the order of their names, with the pictures that `gallery` finds. Raises TooLarge,
    Unreadable; what is wrong with one file of several is told as a Trouble."""
    check(name, content)
    files = (
        list(_unpacked(content))
        if zipfile.is_zipfile(io.BytesIO(content)) and _is_zip(name)
        else [File(name, content)]
    )
    if gallery:
        gallery.beside = {file.name: file.content for file in files if file.kind in PICTURES}
    files = sorted((file for file in files if file.kind in READABLE), key=lambda file: file.name)
    if not files:
        raise Unreadable
    found, troubles = await _read(files, gallery, tell)
    if len(found) > MOST:
        raise TooLarge
    return Read(*told_apart(found, troubles))


def _is_zip(name: str) -> bool:
    """A .docx is a zip, too."""
    return not name.lower().endswith(".docx")


def _unpacked(content: bytes) -> Iterable[File]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            wanted = [
                info
                for info in archive.infolist()
                if PurePosixPath(info.filename).suffix.lower() in (*READABLE, *PICTURES)
                and not info.is_dir()
                and not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(info.filename).parts)
            ]
            left = MOST_BYTES
            if len(wanted) > 3 * MOST:
                raise TooLarge
            for info in wanted:
                with archive.open(info) as packed:  # what it says of its size is nothing to rely on
                    unpacked = packed.read(left + 1)
                left -= len(unpacked)
                if left < 0:
                    raise TooLarge
                yield File(clean(info.filename), unpacked)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise Invalid(
            gettext("This zip is damaged, locked with a password, or packed in a way that is not read.")
        ) from None


async def _read(
    files: list[File], gallery: Gallery | None, tell: Tell | None
) -> tuple[list[Document], list[Trouble]]:
    documents: list[Document] = []
    troubles: list[Trouble] = []
    done = 0

    async def keep(name: str, document: Document, inside: Sequence[bytes] = ()) -> None:
        missing = ""
        if gallery:
            document, missing = await gallery.hung(document, name, inside)
        documents.append(document)
        if missing:
            troubles.append(Trouble(name, missing))

    texts = [file for file in files if file.kind in (".md", ".markdown")]
    given, told = _given(files)
    troubles += told
    if len(given) > MOST:
        raise TooLarge
    total = len(texts) + len(given)
    for file in texts:
        try:
            await keep(file.name, markdown(file.name, file.content))
        except Invalid as error:
            troubles.append(Trouble(file.name, str(error)))
        done += 1
        if tell:
            await tell(done, total)
    answers = converted([one for _, _, one in given])
    for name, one, _page in given:
        made = await anext(answers)
        try:
            if made.trouble:
                raise Invalid(made.trouble)
            document = _of_vendor(one, made.text) if one else _of_page(name, made)
            await keep(name, document, made.pictures)
        except Invalid as error:
            troubles.append(Trouble(name, str(error)))
        done += 1
        if tell:
            await tell(done, total)
    await answers.aclose()
    return documents, troubles


def _given(files: list[File]) -> tuple[list[tuple[str, vendors.Found | None, Given]], list[Trouble]]:
    """What is to be converted: pages, and articles of other products' exports."""
    troubles: list[Trouble] = []
    exports = {}
    for file in files:
        if file.kind == ".json":
            try:
                exports[file.name] = json.loads(file.content)
            except (ValueError, RecursionError):
                troubles.append(Trouble(file.name, gettext("This is not JSON.")))
    found = vendors.found(exports)
    if exports and not found:
        troubles += [
            Trouble(name, gettext("No articles of Zendesk, Intercom or Freshdesk are in it."))
            for name in exports
        ]
    pages = [(file.name, None, Given(file.kind, file.content)) for file in files if file.kind in CONVERTED]
    return [*pages, *((one.id, one, Given(".html", one.html.encode())) for one in found)], troubles


def _of_vendor(one: vendors.Found, text: str) -> Document:
    return checked(
        Document(
            id=one.id,
            title=one.title,
            body=text,
            locale=one.locale,
            audience=one.audience,
            published=one.published,
            shelves=one.shelves,
        )
    )


def _of_page(name: str, made: Made) -> Document:
    path = PurePosixPath(name)
    return checked(
        Document(
            id=name,
            title=made.title or path.stem.replace("-", " ").replace("_", " "),
            body=made.text,
            shelves=_folders(path),
        )
    )


def markdown(name: str, content: bytes) -> Document:
    """With front matter or without. Raises Invalid."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise Invalid(gettext("This file is not UTF-8.")) from None
    fields, body = _parted(text)
    heading = re.match(r"#[ \t]+(.+?)[ \t#]*(?:\n|\Z)", body)
    title = fields.get("title") or (heading[1] if heading else "")
    if heading and heading[1].strip() == title.strip():
        body = body[heading.end() :]
    path = PurePosixPath(name)
    audience = fields.get("audience") or Audience.public.value
    if audience == Audience.companies:  # whose people these are, no file says
        audience = Audience.internal.value
    if audience not in set(Audience):
        raise Invalid(gettext("The audience must be public, customers or internal."))
    shelves = tuple(part.strip() for part in fields.get("category", "").split("/") if part.strip())
    return checked(
        Document(
            id=fields.get("id") or name,
            title=title or path.stem,
            body=body,
            locale=fields.get("locale") or "en",
            slug=fields.get("slug", ""),
            audience=Audience(audience),
            published=fields.get("state") == "published",
            shelves=shelves or _folders(path),
        )
    )


def _parted(text: str) -> tuple[dict[str, str], str]:
    """The lines between the two `---` as name → value, and the text below. A value in quotes is JSON."""
    matter = MATTER.match(text)
    if not matter:
        return {}, text.strip()
    fields = {}
    for line in matter[1].splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            continue  # a list, or a value of several lines: nothing of ours
        fields[name.strip().lower()] = _value(value.strip())
    return fields, text[matter.end() :].strip()


def _value(text: str) -> str:
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            pass
    return text.strip("'\"")


def _folders(path: PurePosixPath) -> tuple[str, ...]:
    return tuple(part.replace("-", " ") for part in path.parent.parts if part not in ("/", ".", ".."))


def checked(document: Document) -> Document:
    """As it can be kept. Raises Invalid."""
    title = " ".join(clean(document.title).split())[:LONGEST_TITLE]
    body = written(document.body).strip()
    if not title or not body:
        raise Invalid(gettext("It has no title, or no text."))
    if len(body) > LONGEST:
        raise Invalid(gettext("It is too long: 200,000 characters at most."))
    try:
        locale = locale_of(document.locale)
    except BadLocale as error:
        raise Invalid(str(error)) from None
    shelves = tuple(" ".join(clean(name).split())[:80] for name in document.shelves[:4])
    return msgspec.structs.replace(
        document,
        id=clean(document.id)[:500],
        title=title,
        body=body,
        locale=locale,
        slug=clean(document.slug)[:80],
        shelves=tuple(filter(None, shelves)),
    )


def told_apart(
    documents: list[Document], troubles: list[Trouble]
) -> tuple[tuple[Document, ...], tuple[Trouble, ...]]:
    """Two of one name are one article, and nobody knows which."""
    kept: dict[str, Document] = {}
    for document in documents:
        if document.id in kept:
            troubles.append(Trouble(document.id, gettext("Another one before it has the same id.")))
        else:
            kept[document.id] = document
    return tuple(kept.values()), tuple(troubles)
