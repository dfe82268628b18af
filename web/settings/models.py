"""Language models: which servers the desk may ask, which of them serves what, and what it costs."""

import asyncio
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from msgspec.structs import replace
from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.keeping import configuration
from ai.evaluation.refusing import refuse_worse
from ai.evaluation.rows import Kind as Measured
from ai.evaluation.written import named
from ai.providers import TRIAL, Connection, Kind, Paused, Purpose, Served, figures, tried
from ai.providers.calls import Call, spent
from ai.providers.connections import KINDS, MOST
from ai.providers.purposes import CHOSEN, NAMES, WORDS
from ai.writing import ModelFailed, written
from helpdesk.access import Action
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Event
from helpdesk.events import Kind as Happening
from helpdesk.fields import FieldKind, Subject, load
from helpdesk.i18n import _, gettext
from kb.serving import answering
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, confirmed, done
from web.settings.model_usage import drawn

HOME = "/settings/models"
MAY = permits(Action.manage_desk)
PATIENCE = 60.0  # seconds for the answer to a harmless question
HIDE = "hide:"
"""Begins the names of the switches for custom fields."""
DONE |= {
    "model-on": _("It is in use again."),
    "model-off": _("It is paused. What it served goes on without a language model."),
    "model-purposes": _("Saved. It counts from now on."),
}
Amount = Annotated[str, Meta(max_length=20)]


class ConnectionForm(Fields, kw_only=True):
    name: Annotated[str, Meta(max_length=80)]
    kind: Kind = Kind.openai
    base_url: Annotated[str, Meta(max_length=2_000)] = ""
    model: Annotated[str, Meta(max_length=300)]
    key: Annotated[str, Meta(max_length=2_000)] = ""
    forget_key: bool = False
    mask_names: bool = False
    keep_texts: bool = False
    context: Annotated[int, Meta(ge=512, le=10_000_000)] = 8_192
    input_price: Amount = ""
    output_price: Amount = ""
    daily_tokens: Amount = ""
    daily_money: Amount = ""
    overrule: bool = False
    """Of a change by which the drafts that were measured would be worse."""


class ChoiceForm(Fields):
    overrule: bool = False


class RemovalForm(Fields):
    confirmation: str = ""


class TrialFailed(Conflict):
    """A question that was not answered: the words say why."""


class TooSlow(TrialFailed):
    message = _("It has not answered within a minute. Whoever waits for its words would wait as long.")


class TooManyConnections(Conflict):
    message = _("There are 20 language models already; remove one that is not used.")


class Models(Controller):
    path = HOME

    @get(opt=MAY)
    async def index(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        connections = (await session.scalars(select(Connection).order_by(Connection.name))).all()
        served = dict((await session.execute(select(Served.purpose, Served.connection_id))).tuples().all())
        days, used = await figures.used(session)
        return await settings(
            "settings/models/index.html",
            connections=connections,
            served=served,
            spent=await figures.spent_today(session),
            purposes=[(one, NAMES[one], WORDS[one]) for one in CHOSEN],
            usage=drawn(days, used, agent.locale),
        )

    @get("/new", opt=MAY)
    async def new(self, session: Session, settings: ThisSettings) -> Html:
        return await settings(
            "settings/models/new.html",
            kinds=list(KINDS.items()),
            connection=None,
            custom=await _custom(session),
        )

    @post(opt=MAY)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        given = await read(request, ConnectionForm, besides=(HIDE,))
        if (await session.scalar(select(func.count()).select_from(Connection)) or 0) >= MOST:
            raise TooManyConnections
        connection = Connection()
        _fill(connection, given, desk)
        connection.mask_fields = await _hidden(request, session)
        session.add(connection)
        await session.flush()
        session.add(Event(Happening.model_connected, by=agent, about=connection))
        return done(request, f"{HOME}/{connection.id}", "added")

    @post("/purposes", opt=MAY)
    async def choose(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        """A field of its name for each purpose, empty for none."""
        overruled = (await read(request, ChoiceForm, besides=CHOSEN)).overrule
        form, known = await request.form(), set(await session.scalars(select(Connection.id)))
        changed: list[str] = []
        before = dict((await session.execute(select(Served.purpose, Served.connection_id))).tuples().all())
        for purpose in CHOSEN:
            given = str(form.get(purpose, ""))
            chosen = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None
            if given and chosen not in known:
                raise Invalid(gettext("This language model was removed. Choose another one."))
            if chosen != before.get(purpose):
                was = await session.get(Connection, before.get(purpose, 0))
                now = await session.get(Connection, chosen or 0)
                if purpose is Purpose.draft and was and now:
                    await _refuse_worse(session, named(was), named(now), overruled=overruled)
                changed.append(purpose)
                await _serve(session, purpose, chosen)
        if changed:
            more: dict[str, Any] = {"overruled": True} if overruled else {}
            session.add(Event(Happening.models_chosen, by=agent, purposes=changed, **more))
        return done(request, HOME, "model-purposes")


class OneModel(Controller):
    path = f"{HOME}/{{connection_id:int}}"

    @get(opt=MAY)
    async def show(self, session: Session, settings: ThisSettings, connection_id: FromPath[int]) -> Html:
        connection = await _loaded(session, connection_id)
        served = await session.scalars(select(Served.purpose).where(Served.connection_id == connection.id))
        today = await spent(session, connection)
        return await settings(
            "settings/models/show.html",
            connection=connection,
            kinds=list(KINDS.items()),
            custom=await _custom(session),
            serves=[NAMES[purpose] for purpose in served],
            drafts=bool(await session.scalar(drafting(connection))),
            today=today,
            is_spent=today.exceeds(connection),
        )

    @post(opt=MAY)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        connection_id: FromPath[int],
    ) -> Response[Any]:
        connection = await _loaded(session, connection_id, lock=True)
        given = await read(request, ConnectionForm, besides=(HIDE,))
        was = named(connection)
        _fill(connection, given, desk)
        if await session.scalar(drafting(connection)):
            await _refuse_worse(session, was, named(connection), overruled=given.overrule)
        connection.mask_fields = await _hidden(request, session)
        more: dict[str, Any] = {"overruled": True} if given.overrule else {}
        session.add(Event(Happening.model_changed, by=agent, about=connection, **more))
        return done(request, f"{HOME}/{connection_id}")

    @post("/tests", opt=MAY, status_code=200)
    async def test(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        connection_id: FromPath[int],
    ) -> Html:
        """A harmless question, now; no transaction is open while the model thinks. A model on this machine is
        asked in the models' process, as soon as it has time."""
        connection = await _loaded(session, connection_id)
        if connection.kind is Kind.local:
            session.add(Event(Happening.model_trial_wanted, by=agent, about=connection))
            return page("settings/models/_trial.html", answer="", call=None)
        if (model := tried(session, desk.settings, connection)) is None:
            raise Paused
        await session.commit()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await written(model, TRIAL)
        except ModelFailed as error:
            raise TrialFailed(gettext("It does not work yet. %(why)s") % {"why": error}) from None
        except TimeoutError:
            raise TooSlow from None
        call = await session.scalar(
            select(Call)
            .where(Call.connection_id == connection_id, Call.purpose.is_(None))
            .order_by(Call.id.desc())
            .limit(1)
        )
        return page("settings/models/_trial.html", answer=answer, call=call)

    @post("/state", opt=MAY)
    async def switch(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        connection_id: FromPath[int],
    ) -> Response[Any]:
        """On where it was paused, paused where it was on."""
        connection = await _loaded(session, connection_id, lock=True)
        connection.active = not connection.active
        session.add(Event(Happening.model_changed, by=agent, about=connection, active=connection.active))
        return done(request, f"{HOME}/{connection_id}", "model-on" if connection.active else "model-off")

    @post("/removal", opt=MAY)
    async def remove(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        connection_id: FromPath[int],
    ) -> Response[Any]:
        connection = await _loaded(session, connection_id, lock=True)
        confirmed((await read(request, RemovalForm)).confirmation, connection.name)
        session.add(Event(Happening.model_removed, by=agent, about=connection))
        await session.flush()
        await session.delete(connection)
        return done(request, HOME, "removed")


def drafting(connection: Connection) -> Select[int]:
    """Whether it serves drafts."""
    return select(Served.connection_id).where(
        Served.connection_id == connection.id, Served.purpose == Purpose.draft
    )


def _fill(connection: Connection, given: ConnectionForm, desk: Desk) -> None:
    name, model, url = " ".join(given.name.split()), given.model.strip(), given.base_url.strip().rstrip("/")
    if not name:
        raise Invalid(gettext("Give it a name, so that colleagues know which it is."))
    if not model:
        raise Invalid(gettext("Say which model: as its server calls it, or its folder."))
    if given.kind not in KINDS:
        raise Invalid
    if given.kind is Kind.openai:
        url = url.removesuffix("/chat/completions")
        desk.outbound.policy.check(url)
    else:
        url = ""
    moved = connection.kind is not None and (connection.kind, connection.base_url) != (given.kind, url)
    connection.name, connection.kind, connection.model, connection.base_url = name, given.kind, model, url
    if given.key.strip() or given.forget_key or moved:  # a key is for the server that it was given for
        connection.seal_key(desk.keys, given.key.strip())
    connection.mask_names, connection.keep_texts = given.mask_names, given.keep_texts
    connection.context = given.context
    connection.input_price = _amount(given.input_price) or Decimal(0)
    connection.output_price = _amount(given.output_price) or Decimal(0)
    connection.daily_money = _amount(given.daily_money)
    tokens = _amount(given.daily_tokens)
    connection.daily_tokens = None if tokens is None else int(tokens)
    connection.trouble, connection.trouble_since = "", None


async def _custom(session: AsyncSession) -> list[tuple[str, str]]:
    """Fields whose values could be told from other words, by the name that a connection keeps."""
    subjects = {
        Subject.ticket: gettext("Ticket"),
        Subject.contact: gettext("Customer"),
        Subject.company: gettext("Company"),
    }
    return [
        (f"{subject}.{field.key}", f"{words}: {field.name}")
        for subject, words in subjects.items()
        for field in await load(session, subject)
        if field.kind is not FieldKind.boolean
    ]


async def _hidden(request: Request[Any, Any, Any], session: AsyncSession) -> list[str]:
    form = await request.form()
    return [key for key, _words in await _custom(session) if form.get(f"{HIDE}{key}") == "true"]


def _amount(text: str) -> Decimal | None:
    """As people type it, with a comma or a point; None where nothing was typed."""
    typed = text.strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    if not typed:
        return None
    try:
        amount = Decimal(typed)
    except InvalidOperation:
        raise Invalid(gettext("“%(text)s” is no number.") % {"text": text[:20]}) from None
    if not amount.is_finite() or not 0 <= amount < 10**8:
        raise Invalid(gettext("Prices and budgets lie between 0 and 100,000,000."))
    return amount


async def _refuse_worse(
    session: AsyncSession, was: dict[str, str], now: dict[str, str], *, overruled: bool
) -> None:
    """Where drafts by both were measured, the worse one is refused. Raises Worse."""
    if was == now:
        return
    in_force = await configuration(session, await answering(session) or "")
    before, after = (replace(in_force, more=more) for more in (was, now))
    await refuse_worse(session, before, after, kind=Measured.drafts, overruled=overruled)


async def _serve(session: AsyncSession, purpose: Purpose, connection_id: int | None) -> None:
    if connection_id is None:
        await session.execute(delete(Served).where(Served.purpose == purpose))
        return
    row = insert(Served).values(purpose=purpose, connection_id=connection_id)
    await session.execute(
        row.on_conflict_do_update(index_elements=["purpose"], set_={"connection_id": connection_id})
    )


async def _loaded(session: AsyncSession, connection_id: int, *, lock: bool = False) -> Connection:
    query = select(Connection).where(Connection.id == connection_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    if connection_id >= 2**63 or (found := await session.scalar(query)) is None:
        raise NotFound
    return found
