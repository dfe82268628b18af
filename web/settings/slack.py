"""How Slack is connected, in steps; and the channels in which other people are customers than usual."""

import json
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.contract import ChannelError
from channels.slack import CHANNEL, lines, triage
from channels.slack.calling import Calls
from channels.slack.manifest import manifest
from channels.slack.naming import named
from channels.slack.settings import SlackSettings
from helpdesk import aside, options
from helpdesk.access import Action
from helpdesk.calendars import Calendar
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import Text, _, speaking
from helpdesk.inboxes import Inbox
from helpdesk.people import Team
from helpdesk.slack import Customers, SlackChannel, SlackTeam
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done

HOME = "/settings/slack"
MAY = permits(Action.manage_inboxes)
DONE |= {
    "slack-channel": _("Saved. It counts for what is written there from now on."),
    "slack-again": _("It is tried again. What does not work this time either comes back here."),
    "slack-dropped": _("Dropped."),
}
WHO: dict[Customers, Text] = {
    Customers.outsiders: _("People of other workspaces, and guests"),
    Customers.everyone: _("Everybody there"),
    Customers.nobody: _("Nobody: the desk does not listen there"),
}

HEARS: dict[str, Text] = {
    "new": _("new tickets"),
    "answered": _("answers of customers"),
    "assigned": _("who has them"),
    "settled": _("what is resolved"),
    "warned": _("promises that are due"),
}
FLAGS = ("cards", *HEARS)


class ChannelForm(Fields):
    channel: Annotated[str, Meta(pattern=r"^[CGD][A-Z0-9]{5,20}$")]
    customers: Customers


class TeamForm(Fields):
    team: Annotated[int, Meta(gt=0)]
    channel: Annotated[str, Meta(pattern=r"^([CG][A-Z0-9]{5,20})?$")] = ""
    """Empty: the team hears nothing in Slack."""
    cards: bool = False
    new: bool = False
    assigned: bool = False
    answered: bool = False
    settled: bool = False
    warned: bool = False
    calendar: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    """In whose hours it hears; nought: at any time."""


class AsideForm(Fields):
    what: Literal["again", "drop"]


class Connecting(Controller):
    path = HOME

    @get(opt=MAY)
    async def begin(self, session: Session, desk: CurrentDesk, settings: ThisSettings) -> Html:
        """Those that are connected, and how one more is: an app that needs no public address."""
        chosen = await options.load(session)
        connected = await session.scalars(
            select(Inbox).where(Inbox.channel == CHANNEL.name).order_by(Inbox.name, Inbox.id)
        )
        return await settings(
            "settings/inboxes/slack.html",
            inbox=None,
            connected=connected.all(),
            ways=_ways(desk, chosen.desk_name, None, chosen.language),
            channels=[],
            who=WHO,
        )

    @get("/{inbox_id:int}", opt=MAY)
    async def show(
        self,
        session: Session,
        desk: CurrentDesk,
        settings: ThisSettings,
        inbox_id: FromPath[int],
        team: Annotated[int, QueryParameter(ge=0, le=2**63 - 1)] = 0,
    ) -> Html:
        """`team`: whose lines are about to be changed."""
        inbox = await _found(session, inbox_id)
        channels = await session.scalars(
            select(SlackChannel).where(SlackChannel.inbox_id == inbox.id).order_by(SlackChannel.channel_id)
        )
        return await settings(
            "settings/inboxes/slack.html",
            inbox=inbox,
            ways=_ways(desk, inbox.name, inbox, (await options.load(session)).language),
            channels=list(channels),
            who=WHO,
            **await _teams(session, inbox, team),
            aside=await _aside(session, inbox),
            elsewhere=_elsewhere(desk, inbox),
            cards=await _cards(session, desk, inbox),
        )

    @post("/{inbox_id:int}/channels", opt=MAY)
    async def except_channel(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, inbox_id: FromPath[int]
    ) -> Response[Any]:
        """Outsiders are the usual: a channel that is set to them is no exception any more."""
        inbox = await _found(session, inbox_id)
        form = await read(request, ChannelForm)
        row = await session.scalar(
            select(SlackChannel).where(
                SlackChannel.inbox_id == inbox.id, SlackChannel.channel_id == form.channel
            )
        )
        if form.customers is Customers.outsiders:
            if row:
                await session.delete(row)
        elif row:
            row.customers = form.customers
        else:
            session.add(SlackChannel(inbox_id=inbox.id, channel_id=form.channel, customers=form.customers))
        session.add(
            Event(
                Kind.inbox_edited,
                by=agent,
                about=inbox,
                fields=["channels"],
                channel=form.channel,
                now=form.customers,
            )
        )
        return done(request, f"{HOME}/{inbox_id}", "slack-channel")

    @post("/{inbox_id:int}/teams", opt=MAY)
    async def tell_team(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        desk: CurrentDesk,
        agent: CurrentAgent,
        inbox_id: FromPath[int],
    ) -> Response[Any]:
        """One channel for a team; without one it has no cards and hears nothing any more."""
        inbox = await _found(session, inbox_id)
        form = await read(request, TeamForm)
        if form.team >= 2**63 or await session.get(Team, form.team) is None:
            raise NotFound
        row = await session.scalar(
            select(SlackTeam).where(SlackTeam.inbox_id == inbox.id, SlackTeam.team_id == form.team)
        )
        if form.calendar and await session.get(Calendar, form.calendar) is None:
            raise NotFound
        if form.channel:
            await _require_inside(desk, inbox, form.channel)
            if row is None:
                session.add(row := SlackTeam(inbox_id=inbox.id, team_id=form.team))
            row.channel_id, row.trouble, row.calendar_id = form.channel, "", form.calendar or None
            for name in FLAGS:
                setattr(row, name, getattr(form, name))
        elif row:
            await session.delete(row)
        session.add(
            Event(
                Kind.inbox_edited,
                by=agent,
                about=inbox,
                fields=["teams"],
                team=form.team,
                channel=form.channel,
            )
        )
        return done(request, f"{HOME}/{inbox_id}")

    @get("/{inbox_id:int}/aside", opt=MAY)
    async def left(self, session: Session, page: ThisPage, inbox_id: FromPath[int]) -> Html:
        """What could not be dealt with, as it is by now."""
        inbox = await _found(session, inbox_id)
        return page("settings/inboxes/_aside.html", inbox=inbox, aside=await _aside(session, inbox))

    @post("/{inbox_id:int}/aside/{kept_id:int}", opt=MAY)
    async def settle(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        inbox_id: FromPath[int],
        kept_id: FromPath[int],
    ) -> Response[Any]:
        """Something that could not be dealt with."""
        inbox = await _found(session, inbox_id)
        form = await read(request, AsideForm)
        if kept_id >= 2**63:
            raise NotFound
        request.app.state.signboard.forget()
        if form.what == "again":
            await aside.try_again(session, inbox.id, kept_id)
            return done(request, f"{HOME}/{inbox_id}", "slack-again")
        await aside.drop(session, inbox.id, kept_id, by=agent)
        return done(request, f"{HOME}/{inbox_id}", "slack-dropped")


async def _aside(session: AsyncSession, inbox: Inbox) -> list[tuple[aside.Aside, str, str]]:
    """With what each was, and whose."""
    return [(one, *named(one.raw)) for one in await aside.listed(session, inbox.id)]


async def _teams(session: AsyncSession, inbox: Inbox, chosen: int) -> dict[str, Any]:
    """What the page says of teams; `chosen` is one that has a channel already."""
    told = await _told(session, inbox)
    return {
        "teams": list(await session.scalars(select(Team).order_by(Team.name))),
        "calendars": list(await session.scalars(select(Calendar).order_by(Calendar.name))),
        "told": told,
        "changed": next((row for row, _name in told if row.team_id == chosen), None),
        "hears": HEARS,
    }


async def _told(session: AsyncSession, inbox: Inbox) -> list[tuple[SlackTeam, str]]:
    found = await session.execute(
        select(SlackTeam, Team.name)
        .join(Team, Team.id == SlackTeam.team_id)
        .where(SlackTeam.inbox_id == inbox.id)
        .order_by(Team.name)
    )
    return [(row, name) for row, name in found]


async def _require_inside(desk: Desk, inbox: Inbox, channel: str) -> None:
    """A line holds what customers wrote. Raises Invalid where others would read it, or the app can't see there."""
    settings = msgspec.convert(desk.keys.unseal(inbox.sealed_settings), SlackSettings)
    try:
        if not await lines.is_inside(Calls(desk.outbound, settings), channel):
            raise Invalid(lines.shared())
    except ChannelError as error:
        raise Invalid(str(error)) from None


async def _cards(session: AsyncSession, desk: Desk, inbox: Inbox) -> tuple[str, str]:
    """The inbox's own channel, and why no cards stand there."""
    stored = desk.keys.unseal(inbox.sealed_settings)
    channel = str(stored.get("triage_channel") or "") if isinstance(stored, dict) else ""
    return channel, await triage.trouble(session, inbox.id, channel) if channel else ""


def _elsewhere(desk: Desk, inbox: Inbox) -> str:
    """Where its Slack is looked at, where that is none of Slack's own but one on this machine, as the demo's."""
    stored = desk.keys.unseal(inbox.sealed_settings)
    url = urlsplit(str(stored.get("api_url") or "")) if isinstance(stored, dict) else urlsplit("")
    return f"http://{url.netloc}/" if url.scheme == "http" and url.hostname == "127.0.0.1" else ""


def _ways(desk: Desk, name: str, inbox: Inbox | None, language: str) -> list[dict[str, str]]:
    """The manifests to choose from, as they are pasted; the second needs an address that Slack can reach."""
    with speaking(language):
        found = [{"way": "socket", "manifest": _shown(manifest(name or "Helpdesk")), "url": ""}]
        if inbox:
            url = f"{desk.settings.url}/hooks/{inbox.public_id}"
            found.append({"way": "events", "manifest": _shown(manifest(name, url=url)), "url": url})
    return found


def _shown(made: dict[str, Any]) -> str:
    return json.dumps(made, indent=2, ensure_ascii=False)


async def _found(session: AsyncSession, inbox_id: int) -> Inbox:
    inbox = await session.get(Inbox, inbox_id)
    if inbox is None or inbox.channel != CHANNEL.name:
        raise NotFound
    return inbox
