"""Forms as closed schemas: a field that nobody asked for is refused, and so is a value of another kind."""

from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile

from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.messages import Upload

MOST_TOGETHER = 25 * 1024**2
"""What mail providers still take; bytes of all files of one reply."""
Form = TypeVar("Form", bound=msgspec.Struct)


class Fields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every form of the console brings."""

    csrf: str = ""


def typed_list(text: str) -> list[str]:
    """What was typed with commas or semicolons between."""
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


async def read(request: Request[Any, Any, Any], into: type[Form], *, besides: tuple[str, ...] = ()) -> Form:
    """Raises Invalid naming the field. Files are left out: `files(request)` has them.

    `besides` are beginnings of fields that a form has once for each row of something: whoever names them here
    reads them on their own.
    """
    form = await request.form()
    given = {
        key: form[key]
        for key in form
        if not isinstance(form[key], UploadFile) and not (besides and key.startswith(besides))
    }
    try:
        return msgspec.convert(given, into, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(
            gettext("This form was not filled in as it must be: %(why)s.") % {"why": error}
        ) from None


async def files(request: Request[Any, Any, Any], field: str = "files") -> list[Upload]:
    form = await request.form()
    uploads = [file for file in form.getall(field, []) if isinstance(file, UploadFile) and file.filename]
    found = [Upload(name=f.filename, content_type=f.content_type, content=await f.read()) for f in uploads]
    if sum(len(upload.content) for upload in found) > MOST_TOGETHER:
        raise Invalid(
            gettext("These files are more than 25 MB together; most mailboxes refuse that. Send fewer.")
        )
    return found
