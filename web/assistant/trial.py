"""Trying the assistant out: a question, and everything that it would see and say. No ticket, and nobody is told."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromQuery
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import trying
from ai.assistant.rows import Mode, Policy
from ai.embedding import ModelNotReady
from ai.providers import Purpose, language_model
from helpdesk.access import Action
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from web.assistant.telling import told
from web.auth import permits
from web.dependencies import CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings

TRIES = permits(Action.manage_rules)


class TrialForm(Fields):
    subject: Annotated[str, Meta(max_length=500)] = ""
    text: Annotated[str, Meta(max_length=10_000)] = ""
    policy: Annotated[str, Meta(max_length=19)] = ""


@get("/settings/assistant/try", opt=TRIES)
async def form(session: Session, settings: ThisSettings, policy: FromQuery[int | None] = None) -> Html:
    return await settings(
        "settings/assistant/try.html",
        policies=await _choices(session),
        chosen=policy,
        result=None,
        trouble="",
    )


@post("/settings/assistant/try", opt=TRIES, status_code=200)
async def trial(
    request: Request[Any, Any, Any],
    session: Session,
    desk: CurrentDesk,
    page: ThisPage,
    settings: ThisSettings,
) -> Html:
    given = await read(request, TrialForm)
    if not given.text.strip():
        raise Invalid(gettext("Write what a customer could ask."))
    number = int(given.policy) if given.policy.isascii() and given.policy.isdigit() else 0
    policy = await session.get(Policy, number) if number else None
    policy = policy or Policy(inbox_id=0, topic="", mode=Mode.off, name="", tone="", language="", instructions="",
                              announcement="")  # fmt: skip
    context: dict[str, Any] = {"result": None, "trouble": "", "given": given}
    try:
        embedder = await request.app.state.lookup.embedder(session)
        model = await language_model(session, desk.settings, Purpose.assist)
        found = await trying.tried(session, embedder, policy, given.subject, given.text, model)
        context |= {"result": told(found.run, []), "words": found.words}
    except ModelNotReady as error:
        context["trouble"] = str(error)
    if page.is_partial:
        return page("settings/assistant/_tried.html", **context)
    choices = await _choices(session)
    return await settings("settings/assistant/try.html", policies=choices, chosen=number or None, **context)


async def _choices(session: AsyncSession) -> list[tuple[str, str]]:
    rows = await session.execute(
        select(Policy.id, Inbox.name)
        .join(Inbox, Inbox.id == Policy.inbox_id)
        .where(Policy.topic == "")
        .order_by(Inbox.name)
    )
    return [("", gettext("No particular inbox")), *((str(row.id), row.name) for row in rows)]
