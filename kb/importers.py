"""Articles from elsewhere. A folder of Markdown files with front matter, for now."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from helpdesk.errors import Invalid
from kb.articles import Article, Audience

FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """One file: the lines between the two `---` as name → value, and the text below."""

    path: Path
    fields: dict[str, str] = field(default_factory=dict)
    body: str = ""


def markdown_folder(folder: Path) -> Iterator[Article]:
    """A draft per `*.md` file, in the order of their names. Fields: title (else the first heading), slug (else
    the file's name), locale, audience. Raises Invalid naming the file and what is wrong in it."""
    for path in sorted(folder.rglob("*.md")):
        yield article_of(page(path))


def page(path: Path) -> Page:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: this file is not UTF-8 ({error.reason} at byte {error.start}).") from None
    matter = FRONT_MATTER.match(text)
    if not matter:
        return Page(path, {}, text.strip())
    fields = {}
    for number, line in enumerate(matter.group(1).splitlines(), 2):
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            raise Invalid(f"{path}:{number}: a line of the front matter must read `name: value`.")
        fields[name.strip().lower()] = value.strip().strip("'\"")
    return Page(path, fields, text[matter.end() :].strip())


def article_of(page: Page) -> Article:
    heading = re.match(r"#\s+(.+)\n?", page.body)
    title = page.fields.get("title") or (heading.group(1).strip() if heading else "")
    if not title:
        raise Invalid(f"{page.path}: give the article a `title:` or a first line that begins with `# `.")
    audience = page.fields.get("audience") or Audience.public
    if audience not in list(Audience):
        raise Invalid(f"{page.path}: audience must be one of {', '.join(Audience)}, not {audience!r}.")
    body = page.body
    if heading and heading.group(1).strip() == title:
        body = body[heading.end() :].strip()
    return Article.write(
        title,
        body,
        slug=page.fields.get("slug") or page.path.stem,
        locale=page.fields.get("locale", "en"),
        audience=Audience(audience),
    )
