"""Two contacts become one, after a look at both, and two again; or are said to be different people."""

from typing import Any, Literal

from litestar import Controller, Request, get, post
from litestar.params import FromQuery
from litestar.response import Redirect
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import contact_history, contact_lists, contact_merges, duplicates
from helpdesk.access import Action
from helpdesk.contact_merges import ContactMerge
from helpdesk.contacts import is_known, visible_contacts
from helpdesk.errors import NotFound
from helpdesk.people import Agent, Contact
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.people.finding import CONTACT, CurrentContact, Number, back


class OtherForm(Fields):
    other: int
    then: Literal["", "duplicates"] = ""
    """Where to go on; empty: to the contact."""


class Merges(Controller):
    path = "/contacts/{number:int}/merges"
    dependencies = CONTACT

    @get(opt=permits(Action.merge_contacts))
    async def choose(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        contact: CurrentContact,
        other: FromQuery[int | None] = None,
        q: FromQuery[str] = "",
        then: FromQuery[Literal["", "duplicates"]] = "",
    ) -> Html:
        """Without another contact, one is looked for; with one, both are shown side by side."""
        context: dict[str, Any] = {"contact": contact, "q": q, "other": None, "found": None, "then": then}
        if other is not None:
            context["other"] = await known(session, agent, other, Action.merge_contacts)
            for which in ("contact", "other"):
                context[f"{which}_numbers"] = await contact_history.numbers(session, agent, context[which])
        elif q.strip():
            context["found"] = await contact_lists.listed(session, agent, q=q, limit=12)
        return page("people/merge.html", shell=await Shell.load(session, agent), **context)

    @post(opt=permits(Action.merge_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, contact: CurrentContact
    ) -> Redirect:
        """`other` becomes part of the contact of the address."""
        form = await read(request, OtherForm)
        loser = await known(session, agent, form.other, Action.merge_contacts)
        await contact_merges.merge(session, contact, loser, by=agent)
        return _onward(form, contact)

    @post("/{merge:int}/undo", opt=permits(Action.merge_contacts))
    async def undo(
        self, session: Session, agent: CurrentAgent, contact: CurrentContact, merge: Number
    ) -> Redirect:
        done = await session.get(ContactMerge, merge)
        if done is None or done.winner_id != contact.id:
            raise NotFound
        return back(await contact_merges.unmerge(session, done, by=agent))


class Differences(Controller):
    path = "/contacts/{number:int}/differences"
    dependencies = CONTACT

    @post(opt=permits(Action.change_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, contact: CurrentContact
    ) -> Redirect:
        form = await read(request, OtherForm)
        other = await known(session, agent, form.other, Action.change_contacts)
        await duplicates.call_distinct(session, contact, other, by=agent)
        return _onward(form, contact)


def _onward(form: OtherForm, contact: Contact) -> Redirect:
    return Redirect(f"/contacts/{form.then}", status_code=303) if form.then else back(contact)


async def known(session: AsyncSession, agent: Agent, number: int, action: Action) -> Contact:
    query = visible_contacts(agent).where(
        is_known(agent, action), Contact.id == func.least(number, 2**63 - 1)
    )
    found = await session.scalar(query.options(selectinload(Contact.identities), joinedload(Contact.company)))
    if found is None:
        raise NotFound
    return found
