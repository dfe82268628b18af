"""Tags: made while tagging, renamed, merged, deleted; and links between tickets."""

import asyncio

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import labels, links
from helpdesk.access import is_visible
from helpdesk.database import committed
from helpdesk.events import DESK, Kind
from helpdesk.labels import BadName, BadTag, Tag, TagTaken, tags_called, ticket_tag
from helpdesk.links import Circle, HasParent, Itself, LinkedOtherwise, NotLinked, Side
from helpdesk.people import Agent, with_access
from helpdesk.tickets import Ticket, TooManyTags
from tests.scenes import Scene


async def tagged(scene: Scene, ticket: Ticket, *names: str) -> list[str]:
    async with committed(scene.desk.sessions) as session:
        loaded = await scene.ticket(ticket.id, session)
        await session.refresh(loaded, ["tags"])
        loaded.tag(*await tags_called(session, names, by=scene.agents["Ada"]), by=scene.agents["Ada"])
    async with scene.desk.sessions() as session:
        found = await session.scalars(
            select(Tag.name).join(ticket_tag).where(ticket_tag.c.ticket_id == ticket.id).order_by(Tag.id)
        )
        return list(found)


async def test_a_tag_is_made_by_using_it_and_written_as_the_first_wrote_it(scene: Scene):
    one, two = await scene.receives(), await scene.receives()
    assert await tagged(scene, one, "VIP", "refund", "vip ") == ["VIP", "refund"]
    assert await tagged(scene, two, "vip") == ["VIP"]
    assert await tagged(scene, one, "VIP") == ["VIP", "refund"]
    assert (await scene.kinds(one)).count(Kind.tagged) == 2


@pytest.mark.parametrize("name", ["Straße", "ﬁne", "İzmir", "ΌΣΟΣ", "ꭰ"])
async def test_a_tag_is_found_again_in_every_script(scene: Scene, name: str):
    """Lower case is not the same everywhere: what the index calls one tag is one, and none is lost."""
    one, two = await scene.receives(), await scene.receives()
    assert await tagged(scene, one, name) == [name]
    assert await tagged(scene, two, name, name.upper()) == await tagged(scene, two, name.upper(), name)
    assert name in await tagged(scene, two, name)


@pytest.mark.parametrize("name", ["", "  ", "x" * 51, "\x00"])
async def test_a_tag_needs_a_name(session: AsyncSession, name: str):
    with pytest.raises(BadName):
        await tags_called(session, [name], by=DESK)


async def test_a_tag_has_nothing_in_it_that_parts_tags(session: AsyncSession):
    with pytest.raises(BadTag):
        await tags_called(session, ["a,b"], by=DESK)


async def test_a_ticket_has_room_for_fifty(scene: Scene):
    ticket = await scene.receives()
    await tagged(scene, ticket, *[f"t{n}" for n in range(50)])
    with pytest.raises(TooManyTags):
        await tagged(scene, ticket, "one more")


async def test_two_who_make_the_same_tag_at_once_have_made_one(scene: Scene):
    tickets = [await scene.receives() for _ in range(6)]
    await asyncio.gather(*[tagged(scene, ticket, "Outage") for ticket in tickets])
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Tag)) == 1
        assert await session.scalar(select(func.count()).select_from(ticket_tag)) == 6


async def test_merged_tags_are_one_on_every_ticket_and_on_none_twice(scene: Scene):
    one, two = await scene.receives(), await scene.receives()
    await tagged(scene, one, "bill", "invoice")
    await tagged(scene, two, "bill")
    async with committed(scene.desk.sessions) as session:
        bill, invoice = await tags_called(session, ["bill", "invoice"], by=DESK)
        with pytest.raises(TagTaken):
            await labels.change_tag(session, bill, name="Invoice", colour="red", by=DESK)
        assert await labels.merge_tags(session, bill, invoice, by=scene.agents["Ada"]) == 2
    async with scene.desk.sessions() as session:
        assert (await session.scalars(select(Tag.name))).all() == ["invoice"]
        assert await labels.used(session, invoice) == 2


async def test_a_deleted_tag_says_how_many_tickets_had_it(scene: Scene):
    ticket = await scene.receives()
    await tagged(scene, ticket, "noise")
    async with committed(scene.desk.sessions) as session:
        (tag,) = await tags_called(session, ["noise"], by=DESK)
        assert await labels.delete_tag(session, tag, by=scene.agents["Ada"]) == 1
    assert await tagged(scene, ticket) == []


async def test_a_tag_of_ten_thousand_is_found_as_fast_as_of_ten(session: AsyncSession):
    await session.execute(
        insert(Tag),
        [{"name": f"tag {n}", "colour": "grey"} for n in range(10_000)],
    )
    found = await tags_called(session, ["TAG 9999", "new"], by=DESK)
    assert [tag.name for tag in found] == ["tag 9999", "new"]


async def join(scene: Scene, ticket: Ticket, other: Ticket, side: Side, *, apart: bool = False) -> None:
    async with committed(scene.desk.sessions) as session:
        one, two = await scene.ticket(ticket.id, session), await scene.ticket(other.id, session)
        verb = links.unlink if apart else links.link
        await verb(session, one, two, side, by=scene.agents["Ada"])


async def sides(scene: Scene, ticket: Ticket, of: str = "Ada") -> list[tuple[int, Side]]:
    async with scene.desk.sessions() as session:
        agent = (
            (
                await session.scalars(
                    select(Agent).where(Agent.id == scene.agents[of].id).options(*with_access())
                )
            )
            .unique()
            .one()
        )
        found = await links.linked(session, ticket, is_visible(agent))
        return [(one.ticket.id, one.side) for one in found]


async def test_a_link_is_read_from_both_sides(scene: Scene):
    one, two, three = [await scene.receives() for _ in range(3)]
    await join(scene, one, two, Side.parent)
    await join(scene, one, three, Side.related)
    await join(scene, three, one, Side.related)
    await join(scene, two, three, Side.duplicate_of)
    assert await sides(scene, one) == [(two.id, Side.parent), (three.id, Side.related)]
    assert await sides(scene, two) == [(one.id, Side.child), (three.id, Side.duplicate_of)]
    assert await sides(scene, three) == [(one.id, Side.related), (two.id, Side.duplicate)]
    assert (await scene.kinds(three)).count(Kind.linked) == 2
    await join(scene, two, one, Side.child, apart=True)
    assert await sides(scene, one) == [(three.id, Side.related)]
    with pytest.raises(NotLinked):
        await join(scene, two, one, Side.child, apart=True)


async def test_parents_make_no_circle_and_a_child_has_one(scene: Scene):
    one, two, three = [await scene.receives() for _ in range(3)]
    await join(scene, one, two, Side.child)
    await join(scene, two, three, Side.child)
    for a, b, side, refused in (
        (three, one, Side.child, Circle),
        (one, three, Side.parent, Circle),
        (two, one, Side.child, LinkedOtherwise),
        (one, three, Side.child, HasParent),
        (one, one, Side.related, Itself),
    ):
        with pytest.raises(refused):
            await join(scene, a, b, side)


async def test_two_links_made_at_once_close_no_circle(scene: Scene):
    one, two = [await scene.receives() for _ in range(2)]
    done = await asyncio.gather(
        join(scene, one, two, Side.child), join(scene, two, one, Side.child), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["LinkedOtherwise", "NoneType"]


async def test_a_linked_ticket_of_another_team_is_not_shown(scene: Scene):
    one, two = [await scene.receives() for _ in range(2)]
    await join(scene, one, two, Side.related)
    await scene.does(two, "move", scene.teams["Technical"], by=scene.agents["Ada"])
    assert await sides(scene, one, "Liam") == []
    assert await sides(scene, one) == [(two.id, Side.related)]


async def test_a_long_name_in_any_script_stays_whole(scene: Scene):
    """Sixty-three bytes is what PostgreSQL's own names have, and no limit of ours."""
    names = ["ด้" * 25, "👨‍👩‍👧‍👦" * 7, "é" * 50]
    async with committed(scene.desk.sessions) as session:
        made = await tags_called(session, names, by=scene.agents["Ada"])
        assert [tag.name for tag in made] == names
        assert await tags_called(session, names, by=scene.agents["Ada"]) == made
