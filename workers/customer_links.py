"""The mail with the link that lets a customer in to a help centre."""

from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels import registry
from helpdesk import i18n
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.portal import HelpCentre, PortalLink

HTML = Markup(
    '<div dir="{direction}" style="font:16px/1.5 system-ui,sans-serif;max-width:520px"><p>{before}</p>'
    '<p><a href="{link}" style="display:inline-block;padding:10px 18px;border-radius:8px;background:{colour};'
    'color:{ink};text-decoration:none;font-weight:600">{press}</a></p><p>{after}</p>'
    '<p style="color:#666;font-size:13px">{link}</p></div>'
)
"""Mail programs know no style sheets, so this one carries its own."""


@dataclass(frozen=True)
class CustomerLetter:
    to: str
    subject: str
    text: str
    html: str | None
    through: Inbox | None
    from_name: str


async def written(session: AsyncSession, desk: Desk, row: PortalLink) -> CustomerLetter | None:
    """None where the link is over: a mail that comes too late would only confuse."""
    full = await session.get_one(
        PortalLink,
        row.id,
        options=[joinedload(PortalLink.centre), joinedload(PortalLink.identity)],
        populate_existing=True,
    )
    if full.used_at or full.expires_at <= now() or not full.centre.active or not full.centre.signs_in:
        return None
    i18n.speak(full.language)
    centre = full.centre
    link = f"{centre.url(desk.settings.url)}/sign-in/{full.token(desk.keys)}"
    before = gettext("Somebody, probably you, wants to sign in to %(name)s with this address.") % {
        "name": centre.name
    }
    after = gettext(
        "The link is good for 15 minutes, once, and only in the browser in which you asked for it. If it was not you, "
        "delete this mail; nothing happens."
    )
    html = HTML.format(
        direction=i18n.direction(full.language),
        before=before,
        after=after,
        link=link,
        press=gettext("Sign in"),
        colour=centre.colour,
        ink="#ffffff" if centre.accent.ink == "white" else "#000000",
    )
    return CustomerLetter(
        full.identity.value,
        gettext("Sign in to %(name)s") % {"name": centre.name},
        f"{before}\n\n{link}\n\n{after}",
        str(html),
        await _mailbox(session, centre),
        centre.name,
    )


async def _mailbox(session: AsyncSession, centre: HelpCentre) -> Inbox | None:
    """The brand's own: what its form answers through, or the first of its inboxes that can write to an address."""
    form = (
        await session.get(Inbox, centre.contact_inbox_id, options=[joinedload(Inbox.answers_through)])
        if centre.contact_inbox_id
        else None
    )
    others = (
        await session.scalars(select(Inbox).where(Inbox.id.in_(centre.inbox_ids)).order_by(Inbox.id))
    ).all()
    for inbox in ([form.way_out] if form else []) + list(others):
        known = registry.all().get(inbox.channel)
        if inbox.active and known and known.capabilities.cc and "@" in inbox.address:
            return inbox
    return None
