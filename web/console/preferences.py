"""What one browser remembers: light or dark."""

from typing import Any, Literal

from litestar import Request, Response, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from helpdesk.access import Action
from web.auth import is_https, permits
from web.dependencies import CurrentDesk
from web.forms import Fields, read

YEAR = 31_536_000


class ThemeForm(Fields):
    theme: Literal["system", "light", "dark"]


@post("/preferences/theme", opt=permits(Action.signed_in))
async def theme(request: Request[Any, Any, Any], desk: CurrentDesk) -> Response[Any]:
    chosen = (await read(request, ThemeForm)).theme
    cookie = Cookie(
        key="theme",
        value=chosen,
        path="/",
        max_age=YEAR,
        samesite="lax",
        secure=is_https(desk),
        httponly=True,
    )
    return Redirect("/tickets", status_code=303, cookies=[cookie])
