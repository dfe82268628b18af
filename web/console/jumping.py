"""Straight to a ticket by its number."""

from litestar import get
from litestar.params import FromQuery
from litestar.response import Redirect

from helpdesk.access import Action
from helpdesk.errors import Invalid
from helpdesk.i18n import _
from web.auth import permits


class NoNumber(Invalid):
    message = _("That is no ticket number. Type the digits after the #, such as 4812.")


@get("/search", opt=permits(Action.read), sync_to_thread=False)
def jump(q: FromQuery[str] = "") -> Redirect:
    digits = q.strip().lstrip("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise NoNumber
    return Redirect(f"/tickets/{int(digits)}", status_code=303)
