"""The frame around every page of the settings, and how a form says that it was taken."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.params import SkipValidation
from litestar.response import Redirect

from helpdesk.access import Action
from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html, Page
from web.settings import menu
from web.settings.menu_words import ALSO

Render = Callable[..., Awaitable[Html]]
ThisSettings = SkipValidation[Render]
"""`await settings("settings/teams.html", teams=teams)`: a page within the frame, queues and menu loaded."""

DONE: dict[str, Text] = {
    "saved": _("Saved."),
    "added": _("Added."),
    "removed": _("Removed."),
    "restored": _("Restored."),
    "sent": _("Sent."),
    "published": _("Published. It is found within two seconds."),
    "thanks": _("Thank you."),
    "looking": _("The desk is looking. It takes a minute or two; what it finds appears here."),
    "writing": _(
        "The article is being written. You may leave; it stands here and among the drafts when it is done."
    ),
    "put_away": _("Put away. It comes back when it has grown to twice its size."),
}
"""What a page says after a form was taken; the address carries the key, never words."""


async def settings_page(session: Session, agent: CurrentAgent, page: ThisPage) -> Render:
    async def render(name: str, /, *, status: int = 200, **given: Any) -> Html:
        shell = given.pop("shell", None) or await Shell.load(session, agent)
        path = page.request.url.path
        said = DONE.get(page.request.query_params.get("done", ""))
        context = {
            "menu": list(menu.sections(agent)),
            "opened": menu.opened(path),
            "said": said,
            "also": ALSO,
        }
        return page(name, status=status, shell=shell, **context, **given)

    return render


def done(request: Request[Any, Any, Any], path: str, key: str = "saved") -> Response[Any]:
    """The answer to a form that was taken: the page at `path`, saying so.

    A form sent by htmx keeps what was typed when it is refused, and is left by this when it is taken.
    """
    if key not in DONE:
        raise LookupError(f"{key!r} has no words in DONE.")
    target = f"{path}{'&' if urlsplit(path).query else '?'}done={key}"
    if Page(request.app.state.pages, request).is_partial:
        return Response("", status_code=204, headers={"hx-redirect": target})
    return Redirect(target, status_code=303)


@get("/settings", opt=permits(Action.signed_in))
async def index(settings: ThisSettings) -> Html:
    return await settings("settings/index.html")


class NotConfirmed(Invalid):
    message = _("What you typed is not the name. Nothing was changed.")


def confirmed(given: str, phrase: str) -> None:
    """What `forms.danger(…, phrase=…)` asks for; raises NotConfirmed."""
    if given.strip().casefold() != phrase.strip().casefold():
        raise NotConfirmed
