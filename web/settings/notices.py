"""What I hear of, and how I sign."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import notifications, signatures
from helpdesk.access import Action
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.notifications import Reason, Way
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.pages import Html
from web.settings.frame import ThisSettings, done


class Notices(Controller):
    path = "/settings/me/notices"

    @get(opt=permits(Action.signed_in))
    async def show(self, agent: CurrentAgent, settings: ThisSettings) -> Html:
        rows = [
            (reason, notifications.because(reason), notifications.ways(agent, reason)) for reason in Reason
        ]
        return await settings("settings/me/notices.html", rows=rows, ways=list(Way))

    @post(opt=permits(Action.signed_in))
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        """One box for each reason and way, `assigned.mail`; a box that is not ticked is not sent."""
        ticked = {key for key in await request.form() if "." in key}
        known = {f"{reason}.{way}": (reason, way) for reason in Reason for way in Way}
        if ticked - known.keys():
            raise Invalid
        chosen: dict[Reason, set[Way]] = {}
        for key in ticked:
            reason, way = known[key]
            chosen.setdefault(reason, set()).add(way)
        notifications.choose(agent, chosen)
        await session.flush()
        return done(request, self.path)


class Signatures(Controller):
    path = "/settings/me/signatures"

    @get(opt=permits(Action.signed_in))
    async def show(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        own = await signatures.of(session, agent)
        inboxes = await _inboxes(session)
        return await settings("settings/me/signatures.html", own=own, inboxes=inboxes)

    @post(opt=permits(Action.signed_in))
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        """`signature` for everything, `inbox-7` for one inbox where `own-7` is ticked."""
        form = await request.form()
        given = {key: str(value).replace("\x00", "").replace("\r\n", "\n") for key, value in form.items()}
        if any(len(text) > signatures.LONGEST for text in given.values()):
            raise Invalid(gettext("A signature has at most %(n)s characters.") % {"n": signatures.LONGEST})
        agent.signature = given.get("signature", "").strip()
        for inbox in await _inboxes(session):
            text = given.get(f"inbox-{inbox.id}", "").strip() if f"own-{inbox.id}" in given else None
            await signatures.sign(session, agent, inbox.id, text)
        return done(request, self.path)


async def _inboxes(session: AsyncSession) -> list[Inbox]:
    return list(await session.scalars(select(Inbox).where(Inbox.active).order_by(Inbox.id)))
