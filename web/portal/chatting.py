"""The brand's chat on its own pages, in which whoever has signed in is who they are, without typing anything.

The page of a customer carries a word of the desk's, which their browser hands to the chat: good for ten minutes, for
this chat alone, signed with a key that no site has. It names a session and nobody, so that it is worth nothing once
they have signed out; what the chat lets them read ends with that session, too.
"""

from datetime import timedelta

import jwt
from sqlalchemy.ext.asyncio import AsyncSession

from channels.chat.identity import NotVouched, vouched
from helpdesk.chat import Known
from helpdesk.clock import now
from helpdesk.inboxes import Inbox
from helpdesk.keys import Keys
from helpdesk.portal import Customer, HelpCentre, signing_in

GOOD_FOR = timedelta(minutes=10)


def chat_of(centre: HelpCentre) -> Inbox | None:
    """What its pages show, as long as it is switched on."""
    return centre.chat if centre.chat and centre.chat.active else None


def word_for(keys: Keys, inbox: Inbox, customer: Customer) -> str:
    claims = {"sub": customer.session_id.hex(), "exp": now() + GOOD_FOR}
    return jwt.encode(claims, _key(keys, inbox), algorithm="HS256")


async def known_by(session: AsyncSession, keys: Keys, inbox: Inbox, word: str) -> Known | None:
    """Whose word it is; None where it is none of ours. Raises NotVouched where they have signed out since."""
    try:
        said = vouched(word, [_key(keys, inbox)], now())
    except NotVouched:
        return None
    found = await signing_in.in_chat(session, inbox.id, bytes.fromhex(said.subject))
    if found is None:
        raise NotVouched
    customer, until = found
    return Known(
        "email", customer.address, customer.contact.name or customer.address, until, customer.session_id
    )


def _key(keys: Keys, inbox: Inbox) -> str:
    return keys.link_token("chat of a help centre", inbox.public_id.encode())
