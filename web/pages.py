"""Pages and fragments from the same templates, rendered inside the handler: an error in one rolls back too."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.enums import MediaType
from markupsafe import Markup

from channels import registry
from helpdesk import i18n
from helpdesk.access import Action, may
from helpdesk.people import Agent, Role
from web.assets import Assets
from web.auth import MOMENT, csrf_of, current_session, signed_in
from web.colours import colours
from web.knowledge import words as knowledge
from web.people import words as people
from web.ratings import words as ratings
from web.rendering import Templates
from web.words import FILTERS, GLOBALS

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("system", "light", "dark")
ONWARD = frozenset({"arrow-left", "chevron-right", "forward", "log-out", "send", "undo-2"})
"""Icons that point where reading goes, or back: right to left, they are turned."""
Html = Response[str]


class Pages:
    """All templates, parsed once."""

    def __init__(self, assets: Assets) -> None:
        self.environment = Templates(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(FILTERS | people.FILTERS | ratings.FILTERS)
        self.environment.globals.update(
            GLOBALS | knowledge.GLOBALS | {"marks": registry.marks},
            colours=colours,
            asset=assets.url,
            modules=assets.modules,
            icon=cache(icons(assets)),
        )

    def render(self, name: str, /, **context: Any) -> str:
        return self.environment.get_template(name).render(**context)


class Page:
    """Renders for one request: who asks, in which theme and language, with which token for forms."""

    def __init__(self, pages: Pages, request: Request[Any, Any, Any]) -> None:
        self.pages, self.request = pages, request

    def __call__(self, name: str, /, *, status: int = 200, **given: Any) -> Html:
        text = self.pages.render(name, **{**self.context(), **given})  # what a page brings counts
        # A part and a page have the same address, so no cache may take one for the other.
        return Response(text, status_code=status, media_type=MediaType.HTML, headers={"vary": "hx-request"})

    def ticket_number(self, number: object) -> str:
        """`#42`, with the prefix that this desk chose."""
        return f"{self.request.app.state.signboard.options.ticket_prefix}{number}"

    def typed_number(self, words: str) -> int | None:
        """The ticket that somebody means by `42`, `#42` or `HD-42`; None where it is no number."""
        prefix, typed = self.request.app.state.signboard.options.ticket_prefix, words.strip()
        if prefix and typed.lower().startswith(prefix.lower()) and typed != prefix:
            typed = typed[len(prefix) :]
        digits = typed.removeprefix("#").strip()
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None

    def context(self) -> dict[str, Any]:
        agent = signed_in(self.request)
        theme = self.request.cookies.get("theme", "system")
        signboard = self.request.app.state.signboard
        return {
            "agent": agent,
            "locale": agent.locale if agent else i18n.spoken(),
            "page_language": _language(agent),
            "direction": i18n.direction(i18n.spoken()),
            "csrf": csrf_of(self.request),
            "moment": self.request.scope["state"].get(MOMENT, ""),
            "theme": theme if theme in THEMES else "system",
            "may": lambda action: agent is not None and may(agent, Action(action)),
            "desk_name": signboard.name,
            "registers": signboard.registers,
            "directory": signboard.directory,
            "inboxes": signboard.inboxes,
            "first_day": signboard.options.first_day,
            "ticket_prefix": signboard.options.ticket_prefix,
            "unread": found.unread if (found := current_session(self.request)) else 0,
            "troubles": signboard.troubles if agent and agent.role is Role.admin else (),
        }

    @property
    def is_partial(self) -> bool:
        """htmx asks for a part; going back in history it asks for the whole page again."""
        headers = self.request.headers
        return "hx-request" in headers and "hx-history-restore-request" not in headers

    def asks_for(self, element_id: str) -> bool:
        return self.is_partial and self.request.headers.get("hx-target", "").endswith(f"#{element_id}")


def _language(agent: Agent | None) -> str:
    """Of a page's words, for what reads them aloud: `en-GB` for whom that is, `en` for who reads English for Arabic."""
    spoken = i18n.spoken()
    return agent.locale.replace("_", "-") if agent and agent.locale.split("_")[0] == spoken else spoken


def icons(assets: Assets) -> Any:
    sprite = assets.url("vendor/icons.svg")
    known = assets.files["vendor/icons.svg"].content.decode()

    def icon(name: str) -> Markup:
        if f'id="{name}"' not in known:
            raise LookupError(f"package.json does not list the icon {name!r}.")
        kind = "icon onward" if name in ONWARD else "icon"
        return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
            kind, sprite, name
        )

    return icon
