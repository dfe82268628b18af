"""What a rule did, run by run, and taking it back: one run, or all of them since an instant."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import Invalid
from helpdesk.i18n import _
from helpdesk.people import Agent
from helpdesk.rules import Rule, RuleRun, shelf, undoing
from web.auth import permits
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.rules import runs
from web.rules.editing import Editor
from web.settings.frame import DONE, ThisSettings, done

MAY = permits(Action.manage_rules)
ROUNDS = 5
"""Hundreds of runs that one press takes back: the rest is one more press away."""
DONE |= {
    "rule-undone": _("Taken back, but for what somebody has changed since."),
    "rule-undone-more": _("A part is taken back; there is more. Press once more."),
}


class Nothing(Fields):
    """A button without fields of its own."""


class SinceForm(Fields):
    since: str = ""


class NoInstant(Invalid):
    message = _("Say since when: a day and a time.")


class Runs(Controller):
    path = "/settings/rules/{rule_id:int}"

    @get("/runs", opt=MAY)
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        rule_id: FromPath[int],
        before: FromQuery[int | None] = None,
    ) -> Html:
        rule = await shelf.one(session, rule_id)
        editor = await Editor.load(session, agent)
        found = await runs.told(
            session, agent, editor.narrator, RuleRun.rule_id == rule.id, runs.did_something(), before=before
        )
        zone = ZoneInfo(agent.time_zone)
        return await settings(
            "settings/rules/runs.html",
            rule=rule,
            sentence=editor.sentence(rule),
            runs=found,
            more=found[-1].run.id if len(found) == runs.PAGE else None,
            reversible=undoing.can_be_undone,
            since=(now() - timedelta(hours=1)).astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
            earliest=(now() - undoing.UNDO_FOR).astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        )

    @post("/runs/{run_id:int}/undo", opt=MAY, status_code=200)
    async def undo(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        rule_id: FromPath[int],
        run_id: FromPath[int],
    ) -> Response[Any]:
        await read(request, Nothing)
        run = await runs.one(session, agent, run_id, rule_id=rule_id)
        await undoing.undo(session, run, by=agent)
        if not page.is_partial:
            return done(request, f"/settings/rules/{rule_id}/runs", "rule-undone")
        editor = await Editor.load(session, agent)
        (ran,) = await runs.told(session, agent, editor.narrator, RuleRun.id == run.id)
        return page("settings/rules/_run.html", ran=ran, reversible=undoing.can_be_undone)

    @get("/undo", opt=MAY)
    async def ask(
        self,
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        rule_id: FromPath[int],
        since: FromQuery[str] = "",
    ) -> Html:
        """How many runs it would be, before any of them is taken back."""
        rule = await shelf.one(session, rule_id)
        at = _instant(since, agent)
        found, tickets = await runs.count_since(session, rule, at)
        return await settings(
            "settings/rules/undo.html", rule=rule, at=at, since=since, found=found, tickets=tickets
        )

    @post("/undo", opt=MAY)
    async def undo_since(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, rule_id: FromPath[int]
    ) -> Response[Any]:
        given = await read(request, SinceForm)
        rule = await shelf.one(session, rule_id)
        more = await _undone(session, agent, rule, _instant(given.since, agent))
        at = f"/settings/rules/{rule_id}"
        if more:
            return done(request, f"{at}/undo?{urlencode({'since': given.since})}", "rule-undone-more")
        return done(request, f"{at}/runs", "rule-undone")


async def _undone(session: AsyncSession, agent: Agent, rule: Rule, since: datetime) -> bool:
    """Whether there are more: each hundred is kept before the next, so that no ticket is held for long."""
    for _round in range(ROUNDS):
        if not (await undoing.undo_since(session, rule, since, by=agent)).more:
            return False
        await session.commit()
    return True


def _instant(typed: str, agent: Agent) -> datetime:
    """As an input for days and times sends it, where the agent lives. Raises NoInstant."""
    try:
        found = datetime.fromisoformat(typed.strip()[:40])
    except ValueError:
        raise NoInstant from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(agent.time_zone))
