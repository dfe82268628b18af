"""Where the demo's customers come to: a help centre at /help, whose questions come to a form that answers from the
company's mailbox, and a chat that the assistant answers."""

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.rows import Mode, Policy
from channels.api.settings import ApiSettings
from channels.chat.settings import ChatSettings
from helpdesk.cli.demo import content
from helpdesk.desk import Desk
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.portal import Described, centres
from kb.names import slugify


async def show(desk: Desk, session: AsyncSession, company: content.Company) -> None:
    """After everything else: the story before it knows one inbox."""
    mailbox = (
        await session.scalars(select(Inbox).where(Inbox.channel == "email").order_by(Inbox.id))
    ).first()
    if mailbox is None:
        return
    form = Inbox(
        name="Help centre",
        channel="api",
        address=f"help-centre@{company.domain}",
        sealed_settings=desk.keys.seal(msgspec.to_builtins(ApiSettings(form_files=True))),
        team_id=mailbox.team_id,
        answers_through_id=mailbox.id,
    )
    session.add(form)
    await session.flush()
    said = Described(
        name=company.name,
        slug=slugify(company.name),
        active=True,
        greeting="How can we help?",
        words="Answers to what people ask most, and a way to us if yours is not among them.",
        languages=("en", "de"),
        contact_inbox_id=form.id,
    )
    centre = await centres.save(session, None, said, by=DESK)
    talk = ChatSettings(origins=desk.settings.url, mail_through=mailbox.id)
    chat = Inbox(
        name="Website chat",
        channel="chat",
        address=f"chat@{company.domain}",
        sealed_settings=desk.keys.seal(msgspec.to_builtins(talk)),
        team_id=mailbox.team_id,
    )
    session.add(chat)
    await session.flush()
    centre.chat_inbox_id = chat.id
    session.add(Policy(inbox_id=chat.id, mode=Mode.answer))
