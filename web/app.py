"""The web application: routes, gate, headers, pages, and the live stream, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from helpdesk.desk import Desk
from web import health, hooks, public_forms
from web.api import routes as api
from web.api.rates import Rates
from web.assets import Assets, assets
from web.auth import check_permissions, guard, is_https
from web.bodies import Bodies
from web.console import (
    accounts,
    attachments,
    changes,
    first_day,
    keeping,
    knowledge,
    notices,
    originals,
    outbox,
    partaking,
    preferences,
    promises,
    replies,
    saved,
    searching,
    signing_in,
    sorting,
    suggestions,
    tickets,
)
from web.console.composing import COMPOSING
from web.dependencies import DEPENDENCIES, Closing
from web.failures import HANDLERS
from web.live import Live, live
from web.lookup import Lookup
from web.pages import Pages
from web.people.routes import PEOPLE
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
    tickets.Tickets,
    replies.Replies,
    replies.Deliveries,
    suggestions.Suggestions,
    changes.Notes,
    changes.Assignments,
    changes.Teams,
    changes.Priorities,
    changes.Resolutions,
    *sorting.ROUTES,
    *keeping.ROUTES,
    *partaking.ROUTES,
    originals.original,
    promises.promises,
    attachments.attachment,
    saved.Views,
    searching.search,
    searching.offers,
    knowledge.Knowledge,
    outbox.outbox,
    hooks.Hooks,
    public_forms.Forms,
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
    """The routes, which are every desk's; what they need of this one, `furnished` brings."""
    app = Litestar(
        [*ROUTES, api.routes()],
        dependencies=DEPENDENCIES | {"settings": Provide(frame.settings_page)},
        guards=[guard],
        middleware=[Closing],
        before_send=[Headers(https=https)],
        exception_handlers=HANDLERS,
        lifespan=[_lines],
        openapi_config=None,
        request_max_body_size=LARGEST_FORM,
        logging_config=None,
    )
    check_permissions(app)
    return app


def furnished(app: Litestar, desk: Desk) -> Litestar:
    """An application serves one desk at a time; after it has ended, it may be furnished for another."""
    found = Assets()
    signboard = Signboard(desk)
    app.state = State(
        {
            "desk": desk,
            "assets": found,
            "pages": Pages(found),
            "live": Live(desk, on_options=signboard.forget),
            "lookup": Lookup(desk),
            "signboard": signboard,
            "rates": Rates(),
            "bodies": Bodies(),
            "csrf_key": _csrf_key(desk.settings.sign_key),
        }
    )
    return app


@asynccontextmanager
async def _lines(app: Litestar) -> AsyncIterator[None]:
    async with app.state.live:
        yield


def _csrf_key(secret: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"helpdesk csrf").derive(secret)
