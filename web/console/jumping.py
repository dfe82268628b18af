"""One field for two ways: straight to a ticket by its number, or to the articles that answer words."""

from urllib.parse import quote

from litestar import get
from litestar.params import FromQuery
from litestar.response import Redirect

from helpdesk.access import Action
from web.auth import permits


@get("/search", opt=permits(Action.read), sync_to_thread=False)
def jump(q: FromQuery[str] = "") -> Redirect:
    digits = q.strip().lstrip("#")
    if digits.isascii() and digits.isdigit() and len(digits) < 19:
        return Redirect(f"/tickets/{int(digits)}", status_code=303)
    return Redirect(f"/knowledge?q={quote(q.strip())}", status_code=303)
