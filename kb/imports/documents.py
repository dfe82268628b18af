"""An article as a file says it, whatever it was written in."""

import hashlib

import msgspec

from kb.articles import Audience


class Picture(msgspec.Struct, frozen=True):
    """One that stands in a document's text, its bytes on the desk already."""

    src: str
    """As the text names it."""
    key: str
    name: str
    content_type: str
    size: int


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """`id` is what names it where it comes from; the same one is the same article the next time."""

    id: str
    title: str
    body: str
    """Markdown."""
    locale: str = "en"
    slug: str = ""
    """Its address, where the file says one."""
    audience: Audience = Audience.public
    published: bool = False
    shelves: tuple[str, ...] = ()
    """A collection, and categories within it, by name."""
    pictures: tuple[Picture, ...] = ()

    @property
    def digest(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class Trouble(msgspec.Struct, frozen=True):
    """What could not be read, and why."""

    name: str
    because: str


class Read(msgspec.Struct, frozen=True):
    documents: tuple[Document, ...] = ()
    troubles: tuple[Trouble, ...] = ()
