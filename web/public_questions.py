"""What a public form asks for besides the message: fields of the ticket that were chosen for it, and files."""

import base64
from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from sqlalchemy.ext.asyncio import AsyncSession

from channels.api import reading
from channels.api.settings import ApiSettings
from helpdesk import fields
from helpdesk.errors import Invalid
from helpdesk.fields import BadValue, CustomField, FieldKind, Subject
from helpdesk.i18n import gettext
from helpdesk.values import Value
from web import forms

PREFIX = "field."
FILES = "files"
LONGEST_NAME = 255


@dataclass
class Answers:
    """What somebody filled in besides the message, as they typed it, and what is wrong with it by input."""

    values: dict[str, Value] = field(default_factory=dict)
    typed: dict[str, list[str]] = field(default_factory=dict)
    files: tuple[reading.File, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)


async def asked(session: AsyncSession, settings: ApiSettings) -> list[CustomField]:
    """In their order; one that is no longer offered is not asked for either."""
    keys = settings.form_fields.split()
    return [each for each in await fields.load(session, Subject.ticket) if each.key in keys] if keys else []


async def answers(request: Request[Any, Any, Any], asks: list[CustomField], settings: ApiSettings) -> Answers:
    form = await request.form()
    found = Answers()
    for each in asks:
        name = PREFIX + each.key
        found.typed[each.key] = given = [text for text in form.getall(name, []) if isinstance(text, str)]
        several = each.kind is FieldKind.choices
        try:
            value = each.read([text for text in given if text] if several else "".join(given[-1:]))
        except BadValue as error:
            found.problems[name] = str(error)
            continue
        if value is not None:
            found.values[each.key] = value
        elif each.required:
            found.problems[name] = gettext("Please fill this in.")
    try:
        found.files = await _files(request, settings)
    except Invalid as error:
        found.problems[FILES] = str(error)
    return found


async def _files(request: Request[Any, Any, Any], settings: ApiSettings) -> tuple[reading.File, ...]:
    """Raises Invalid in words."""
    given = await forms.files(request, FILES)
    if given and not settings.form_files:
        raise Invalid(gettext("This form takes no files."))
    if len(given) > reading.MOST_FILES:
        words = gettext("These are more than {most} files. Send fewer, or put them into one.")
        raise Invalid(words.format(most=reading.MOST_FILES))
    return tuple(
        reading.File(
            name=_without_folders(file.name)[-LONGEST_NAME:],
            content_type=file.content_type[:127],
            content=base64.b64encode(file.content).decode(),
        )
        for file in given
    )


def _without_folders(name: str) -> str:
    """Browsers send none; whoever does means to have it written somewhere else."""
    return name.replace("\\", "/").rpartition("/")[2] or gettext("File")
