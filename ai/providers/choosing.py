"""The model that serves a purpose at this moment, or why none does."""

from collections.abc import Callable
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from ai.providers import hiding, local
from ai.providers.calls import spent
from ai.providers.connections import Connection, Kind, serving
from ai.providers.metered import MeteredModel
from ai.providers.openai import OpenAIModel
from ai.providers.purposes import Purpose
from ai.providers.scripted import script
from helpdesk.database import Sessions, sessions
from helpdesk.i18n import Text, _
from helpdesk.keys import Keys
from helpdesk.outbound import Policy
from helpdesk.ports import LanguageModel, Prompt
from helpdesk.settings import Settings

TRIAL = Prompt(
    system="You are being tried out by the people who set you up. Answer in one short sentence.",
    user="Please greet a support desk.",
    max_tokens=200,
)


class Standing(StrEnum):
    ready = "ready"
    none = "none"
    paused = "paused"
    spent = "spent"


STANDINGS: dict[Standing, Text] = {
    Standing.ready: _("Ready"),
    Standing.none: _("No language model is chosen for this."),
    Standing.paused: _("The language model that is chosen for this is paused."),
    Standing.spent: _("Today's budget of the language model that is chosen for this is used up."),
}


async def language_model(
    session: AsyncSession, settings: Settings, purpose: Purpose, *, ticket_id: int | None = None
) -> LanguageModel | None:
    """The model that serves a purpose; None where none was chosen, it is paused, or its budget is used up.

    `ticket_id` is the ticket that it is asked about: for the log, and for people's names, which do not leave.
    The model keeps no hold on `session`; end its transaction before a long answer. A model on this machine serves
    only jobs of the models' process; elsewhere there is None.
    """
    connection, stands = await _chosen(session, purpose)
    if connection is None or stands is not Standing.ready:
        return None
    return await model_of(session, settings, connection, purpose, ticket_id=ticket_id)


async def model_of(
    session: AsyncSession,
    settings: Settings,
    connection: Connection,
    purpose: Purpose,
    *,
    ticket_id: int | None = None,
) -> LanguageModel | None:
    """This connection's, chosen for it or not; None where this process can't run it."""
    if (make := _maker(connection, settings)) is None:
        return None
    model = metered(connection, make, _beside(session), purpose=purpose, ticket_id=ticket_id)
    model.people = connection.mask_names
    if ticket_id and connection.mask_names:
        model.names = await hiding.names(session, ticket_id)
    if ticket_id and connection.mask_fields:
        model.values = await hiding.values(session, ticket_id, connection.mask_fields)
    return model


async def standing(session: AsyncSession, purpose: Purpose) -> Standing:
    """Why a purpose has a model now, or has none; `STANDINGS` says it in words."""
    return (await _chosen(session, purpose))[1]


def tried(session: AsyncSession, settings: Settings, connection: Connection) -> MeteredModel | None:
    """For one harmless question; None where this process can't run it. `connection` is committed."""
    make = _maker(connection, settings)
    return make and metered(connection, make, _beside(session))


def metered(
    connection: Connection,
    make: Callable[[], LanguageModel],
    beside: Sessions,
    *,
    purpose: Purpose | None = None,
    ticket_id: int | None = None,
) -> MeteredModel:
    return MeteredModel(
        name=connection.model,
        make=make,
        connection_id=connection.id,
        purpose=purpose,
        sessions=beside,
        ticket_id=ticket_id,
    )


async def _chosen(session: AsyncSession, purpose: Purpose) -> tuple[Connection | None, Standing]:
    connection = await serving(session, purpose)
    if connection is None:
        return None, Standing.none
    if not connection.active:
        return connection, Standing.paused
    if (await spent(session, connection)).exceeds(connection):
        return connection, Standing.spent
    return connection, Standing.ready


def _maker(connection: Connection, settings: Settings) -> Callable[[], LanguageModel] | None:
    base_url, model = connection.base_url, connection.model
    match connection.kind:
        case Kind.openai:
            policy, key = Policy.of(settings.allow_hosts), connection.key(Keys(settings.sign_key))
            return lambda: OpenAIModel(base_url, model, policy, key)
        case Kind.local:
            return (lambda: local.LocalModel(model)) if local.is_allowed() else None
        case Kind.scripted:
            return lambda: script(model)


def _beside(session: AsyncSession) -> Sessions:
    """Transactions of their own on the same database."""
    return sessions(session.bind)  # type: ignore[arg-type]
