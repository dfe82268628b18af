"""Exports of other products, as their APIs give them: lists of articles beside lists of what these stand in.

Zendesk Guide: https://developer.zendesk.com/api-reference/help_center/help-center-api/articles/
Intercom: https://developers.intercom.com/docs/references/rest-api/api.intercom.io/articles
Freshdesk Solutions: https://developers.freshdesk.com/api/#solution-article
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kb.articles import Audience


class Found(msgspec.Struct, frozen=True):
    """Its text is HTML still."""

    id: str
    title: str
    html: str
    locale: str
    audience: Audience
    published: bool
    shelves: tuple[str, ...]


def found(files: Mapping[str, Any]) -> list[Found]:
    """In JSON files of one export, by their names; nothing where none of them is an export's."""
    every = list(files.values())
    return [*_zendesk(every), *_intercom(every), *_freshdesk(every)]


def _rows(every: list[Any], name: str) -> list[dict[str, Any]]:
    """Under this name, or in a file's plain list whose rows are told apart by `of`."""
    lists = [one[name] for one in every if isinstance(one, dict) and isinstance(one.get(name), list)]
    return [row for some in lists for row in some if isinstance(row, dict) and "id" in row]


def _zendesk(every: list[Any]) -> Iterator[Found]:
    categories = {row["id"]: _text(row, "name") for row in _rows(every, "categories")}
    sections = {row["id"]: row for row in _rows(every, "sections")}
    for row in _rows(every, "articles"):
        if "section_id" not in row:
            continue
        section = sections.get(row["section_id"], {})
        names = (categories.get(section.get("category_id"), ""), _text(section, "name"))
        yield Found(
            id=f"{row['id']}/{_text(row, 'locale')}",
            title=_text(row, "title") or _text(row, "name"),
            html=_text(row, "body"),
            locale=_text(row, "locale") or "en",
            # who may read is a segment: more than everybody, so no stranger reads it here either
            audience=Audience.public if row.get("user_segment_id") is None else Audience.internal,
            published=not row.get("draft", False),
            shelves=tuple(filter(None, names)),
        )


def _intercom(every: list[Any]) -> Iterator[Found]:
    rows = [row for row in _rows(every, "data") if "type" in row]
    collections = {str(row["id"]): row for row in rows if row["type"] == "collection"}
    for row in rows:
        if row["type"] != "article":
            continue
        shelves = tuple(_above(collections, str(row.get("parent_id") or "")))
        usual = _text(row, "default_locale") or "en"
        translated = row.get("translated_content")
        texts = {
            name: text
            for name, text in (translated if isinstance(translated, dict) else {}).items()
            if isinstance(text, dict) and text.get("title")
        }
        for locale, text in ({usual: row} | texts).items():
            yield Found(
                id=f"{row['id']}/{locale}",
                title=_text(text, "title"),
                html=_text(text, "body"),
                locale=locale,
                audience=Audience.public,
                published=text.get("state", row.get("state")) == "published",
                shelves=shelves,
            )


def _above(collections: Mapping[str, dict[str, Any]], number: str) -> list[str]:
    names: list[str] = []
    while number in collections and len(names) < 10:  # a ring has no top
        names.insert(0, _text(collections[number], "name"))
        number = str(collections[number].get("parent_id") or "")
    return [name for name in names if name]


VISIBLE = {1: Audience.public, 2: Audience.customers}
"""Folders that only agents or named companies see stay with colleagues: companies are not the same ones here."""


def _freshdesk(every: list[Any]) -> Iterator[Found]:
    rows = [
        row for one in every if isinstance(one, list) for row in one if isinstance(row, dict) and "id" in row
    ]
    folders = {row["id"]: row for row in rows if "visibility" in row}
    categories = {row["id"]: _text(row, "name") for row in rows if "name" in row and row["id"] not in folders}
    for row in rows:
        if "folder_id" not in row or "description" not in row:
            continue
        folder = folders.get(row["folder_id"], {})
        names = (categories.get(row.get("category_id"), ""), _text(folder, "name"))
        yield Found(
            id=str(row["id"]),
            title=_text(row, "title"),
            html=_text(row, "description"),
            locale="en",
            audience=VISIBLE.get(folder.get("visibility", 0), Audience.internal),
            published=row.get("status") == 2,
            shelves=tuple(filter(None, names)),
        )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
