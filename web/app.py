"""The web application: routes, gate, headers, pages, and the live stream, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import MethodNotAllowedException, NotFoundException

from helpdesk.board.picture import Boards
from helpdesk.desk import Desk
from kb.feedback import Views
from web import health, hooks, public_forms
from web.api import routes as api
from web.api.rates import Rates
from web.assets import Assets, assets
from web.assistant.ticket import AtTicket
from web.auth import check_permissions, guard, is_https
from web.bodies import Bodies
from web.chat.open_lines import Lines
from web.chat.routes import CHAT
from web.console import (
    accounts,
    attachments,
    board,
    changes,
    first_day,
    keeping,
    notices,
    originals,
    outbox,
    partaking,
    preferences,
    previews,
    promises,
    reading_controls,
    replies,
    rule_runs,
    saved,
    searching,
    signing_in,
    silence,
    sorting,
    suggestions,
    tickets,
    visitors,
    wording,
)
from web.console.composing import COMPOSING
from web.dependencies import DEPENDENCIES, Closing
from web.failures import HANDLERS
from web.heads import Heads
from web.knowledge.counting import written_down
from web.knowledge.routes import KNOWLEDGE
from web.live import Live, live
from web.lookup import Lookup
from web.pages import Pages
from web.people.routes import PEOPLE
from web.portal.hosts import AtOwnHost, without_page
from web.portal.remembered import Remembered
from web.portal.routes import PORTAL
from web.ratings.routes import RATINGS
from web.reports.routes import REPORTS
from web.security import Headers
from web.settings import frame
from web.settings import routes as settings
from web.signboard import Signboard

ROUTES: list[Any] = [
    assets,
    health.live,
    health.ready,
    live,
    signing_in.form,
    signing_in.sign_in,
    signing_in.sign_out,
    accounts.Forgotten,
    accounts.Invitations,
    accounts.Confirmation,
    first_day.Welcome,
    first_day.FirstDay,
    first_day.DeskOptions,
    notices.Notices,
    preferences.theme,
    tickets.home,
    board.Board,
    tickets.Tickets,
    replies.Replies,
    replies.Deliveries,
    previews.Previews,
    suggestions.Suggestions,
    *wording.ROUTES,
    AtTicket,
    changes.Notes,
    changes.Assignments,
    changes.Teams,
    changes.Priorities,
    changes.Resolutions,
    *sorting.ROUTES,
    *keeping.ROUTES,
    *silence.ROUTES,
    *partaking.ROUTES,
    originals.original,
    promises.promises,
    promises.Policies,
    reading_controls.Readings,
    rule_runs.RuleRuns,
    attachments.attachment,
    *visitors.ROUTES,
    saved.Views,
    searching.search,
    searching.offers,
    *KNOWLEDGE,
    outbox.outbox,
    hooks.Hooks,
    public_forms.Forms,
    *CHAT,
    *PORTAL,
    *RATINGS,
    *REPORTS,
    *COMPOSING,
    *PEOPLE,
    *settings.ROUTES,
]


LARGEST_FORM = 256 * 1024
"""Bytes of a form without files: ten megabytes of empty fields keep the whole desk busy for eight seconds."""


def create_app(desk: Desk) -> Litestar:
    """The caller opens the desk and closes it after the application has ended."""
    return furnished(routed(https=is_https(desk)), desk)


def routed(*, https: bool) -> Litestar:
    """Routes, templates and assets, which are every desk's; what they need of this one, `furnished` brings."""
    assets = Assets()
    app = Litestar(
        [*ROUTES, api.routes()],
        dependencies=DEPENDENCIES | {"settings": Provide(frame.settings_page)},
        guards=[guard],
        middleware=[Closing],
        before_send=[Headers(https=https)],
        exception_handlers=HANDLERS
        | dict.fromkeys((NotFoundException, MethodNotAllowedException), without_page),
        lifespan=[_lines],
        openapi_config=None,
        request_max_body_size=LARGEST_FORM,
        logging_config=None,
        state=State({"assets": assets, "pages": Pages(assets)}),
    )
    check_permissions(app)
    app.asgi_handler = Heads(AtOwnHost(app.asgi_handler))
    return app


def furnished(app: Litestar, desk: Desk) -> Litestar:
    """An application serves one desk at a time; after it has ended, it may be furnished for another."""
    signboard = Signboard(desk)
    live, chats = Live(desk, on_options=signboard.forget), Lines(desk)
    live.hearers.append(chats)
    app.state = State(
        {
            "desk": desk,
            "assets": app.state.assets,
            "pages": app.state.pages,
            "live": live,
            "chat_lines": chats,
            "lookup": Lookup(desk),
            "article_views": Views(),
            "remembered": Remembered(),
            "boards": Boards(),
            "signboard": signboard,
            "rates": Rates(),
            "bodies": Bodies(),
            "csrf_key": _csrf_key(desk.settings.sign_key),
        }
    )
    return app


@asynccontextmanager
async def _lines(app: Litestar) -> AsyncIterator[None]:
    async with (
        app.state.live,
        app.state.chat_lines.kept_present(),
        written_down(app.state.desk, app.state.article_views),
    ):
        yield


def _csrf_key(secret: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"helpdesk csrf").derive(secret)
