"""Finding tickets: by words in every language, by people, by fields, only what one may see."""

from typing import Any

import pytest
from sqlalchemy import select, update

from helpdesk.database import committed
from helpdesk.messages import Message
from helpdesk.ordering import BadCursor
from helpdesk.people import Agent, Company, Contact, Role, with_access
from helpdesk.search import finding, index, syntax
from helpdesk.search.finding import CLOSE, OPEN, Mark
from helpdesk.search.syntax import BadSearch
from helpdesk.search.values import Vocabulary, suggestions, vocabulary
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail


async def indexed(scene: Scene) -> int:
    done = 0
    while True:
        async with committed(scene.desk.sessions) as session:
            if not (now := await index.fill(session, 3)):
                return done
        done += now


async def found(scene: Scene, typed: str, *, by: str = "Ada", **options: Any) -> finding.Found:
    async with scene.desk.sessions() as session:
        agent = await session.scalar(
            select(Agent).where(Agent.id == scene.agents[by].id).options(*with_access())
        )
        assert agent
        known = await vocabulary(session)
        search = syntax.read(typed, known.find, known.kinds)
        return await finding.find(session, agent, search, **options)


async def subjects(scene: Scene, typed: str, **options: Any) -> list[str]:
    return [hit.row.subject for hit in (await found(scene, typed, **options)).hits]


async def test_words_are_found_by_their_stem_in_the_ticket_s_language(scene: Scene):
    english = await scene.receives(mail("Two invoices were charged", subject="English"))
    german = await scene.receives(
        mail("Wo sind die Häuser geblieben?", sender="h@x.example", subject="Deutsch")
    )
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Ticket).where(Ticket.id == english.id).values(language="en"))
        await session.execute(update(Ticket).where(Ticket.id == german.id).values(language="de"))
    await indexed(scene)
    assert await subjects(scene, "invoice charging") == ["English"]
    assert await subjects(scene, "haus") == ["Deutsch"]
    assert await subjects(scene, "hauser") == ["Deutsch"]  # without its umlaut
    [hit] = (await found(scene, "invoice")).hits
    assert f"{OPEN}invoices{CLOSE}" in hit.snippet


async def test_exact_words_not_and_or(scene: Scene):
    for n, text in enumerate(["red car fast", "car red slow", "blue bike", "red bike"]):
        await scene.receives(mail(text, subject=text, sender=f"p{n}@x.example"))
    await indexed(scene)
    assert await subjects(scene, '"red car"') == ["red car fast"]
    assert set(await subjects(scene, "red -slow")) == {"red car fast", "red bike"}
    assert set(await subjects(scene, "blue OR fast")) == {"blue bike", "red car fast"}
    assert set(await subjects(scene, "red (bike OR slow)")) == {"red bike", "car red slow"}


async def test_who_may_not_see_a_ticket_does_not_find_it(scene: Scene):
    await scene.receives(mail("The secret word is xylophone"))  # Billing's
    await indexed(scene)
    assert len((await found(scene, "xylophone", by="Liam")).hits) == 1
    assert not (await found(scene, "xylophone", by="Tess")).hits
    assert not (await found(scene, "from:marta", by="Tess")).hits


async def test_names_are_found_though_misspelt(scene: Scene):
    await scene.receives(mail("Hello", sender="bo@x.example", name="Bo Johnson", subject="Theirs"))
    await scene.receives(mail("Hello", sender="li@x.example", name="Li Chen", subject="Another"))
    await indexed(scene)
    assert await subjects(scene, "jonhson") == ["Theirs"]
    result = await found(scene, "jonhson")
    assert result.fuzzy
    assert [person.name for person in result.people] == ["Bo Johnson"]
    assert await subjects(scene, "bo@x.example") == ["Theirs"]


async def test_what_is_quoted_withdrawn_or_put_away_is_not_found(scene: Scene):
    ticket = await scene.receives(mail("new words\n> older zebra", visible_text="new words"))
    reply = await scene.replies(ticket, "An ostrich")
    await indexed(scene)
    assert not await subjects(scene, "zebra")
    assert await subjects(scene, "ostrich")
    async with committed(scene.desk.sessions) as session:
        message = await session.get_one(Message, reply.id)
        (await scene.ticket(ticket.id, session)).withdraw(message, by=scene.agents["Ada"])
    await indexed(scene)
    assert not await subjects(scene, "ostrich")
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Ticket).values(removed="trash"))
    assert not await subjects(scene, "words")
    assert await subjects(scene, "words in:trash")


async def test_a_changed_subject_is_found_at_once_and_the_old_one_no_more(scene: Scene):
    ticket = await scene.receives(mail("text", subject="Pelican"))
    await indexed(scene)
    assert await subjects(scene, "pelican")
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Ticket).where(Ticket.id == ticket.id).values(subject="Flamingo"))
    await indexed(scene)
    assert await subjects(scene, "flamingo") == ["Flamingo"]
    assert not await subjects(scene, "pelican")


async def test_pages_hold_every_ticket_once_newest_first(scene: Scene):
    for n in range(9):
        ticket = await scene.receives(mail(f"walrus {n}", subject=str(n), sender=f"p{n}@x.example"))
        if n % 3 == 0:
            await scene.does(ticket, "note", "walrus again", by=scene.agents["Ada"])
    await indexed(scene)
    seen: list[str] = []
    after = None
    while True:
        page = await found(scene, "walrus", after=after, limit=2)
        seen += [hit.row.subject for hit in page.hits]
        if page.after is None:
            break
        after = Mark.read(str(page.after))
    assert seen == [str(n) for n in reversed(range(9))]


@pytest.mark.parametrize("steps", [(1, 2, 4), (3, 5, 7)])
async def test_short_steps_find_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, steps: tuple[int, ...]
):
    """A page begins in one step and ends in another; a ticket that has the words in two of them is there once."""
    for n in range(7):
        ticket = await scene.receives(mail(f"walrus {n}", subject=str(n), sender=f"p{n}@x.example"))
        if n % 3 == 0:
            await scene.does(ticket, "note", "a walrus again", by=scene.agents["Ada"])
        await scene.receives(mail("nothing", sender=f"q{n}@x.example"))
    await indexed(scene)
    whole = await subjects(scene, "walrus")
    assert sorted(whole) == [str(n) for n in range(7)]
    monkeypatch.setattr(finding, "STEPS", steps)
    assert await subjects(scene, "walrus") == whole
    assert set(await subjects(scene, "walrus", best=True)) == set(whole)
    seen: list[str] = []
    after = None
    while not seen or after:
        page = await found(scene, "walrus", after=after, limit=2)
        seen += [hit.row.subject for hit in page.hits]
        after = page.after
    assert seen == whole


@pytest.mark.parametrize(
    "typed", ["johnsn", "johnsoon", "jahnson", "jonhson", "ohnson", "johnson's", "Bo Jonson", "lindkvst"]
)
async def test_slips_of_every_kind_are_understood(scene: Scene, typed: str):
    for name in ("Bo Johnson", "Jonas Berg", "Ida Lindqvist", "50%_Off"):
        await scene.receives(mail("Hello", sender=f"{len(name)}{name[0]}@x.example", name=name, subject=name))
    meant = "Ida Lindqvist" if typed.startswith("l") else "Bo Johnson"
    assert [person.name for person in (await found(scene, typed)).people] == [meant]


async def test_a_name_s_wildcards_are_letters(scene: Scene):
    await scene.receives(mail("Hello", sender="jo@x.example", name="Bo Johnson"))
    assert not (await found(scene, "%%%%%")).people
    assert not (await found(scene, "_____")).people


async def test_messages_from_before_the_index_are_read_in_batches(scene: Scene):
    for n in range(8):
        await scene.receives(mail(f"heron {n}", sender=f"p{n}@x.example", subject=str(n)))
    async with committed(scene.desk.sessions) as session:
        await session.execute(index.search_todo.delete())
        last = await session.scalar(select(Message.id).order_by(Message.id.desc()).limit(1)) or 0
        await session.execute(index.search_backfill.insert().values(below=last + 1))
    assert await indexed(scene) == 8
    assert len(await subjects(scene, "heron")) == 8
    async with scene.desk.sessions() as session:
        assert not await index.behind(session)


KNOWN = Vocabulary({"team": {1: "Billing", 2: "Second line"}, "tag": {5: "vip"}, "agent": {3: "Ada Novak"}})


@pytest.mark.parametrize(
    ("typed", "words", "rest"),
    [
        ("hello world", "hello world", "everything"),
        ('"exact words" x', '"exact words" x', "everything"),
        ("tag:vip", "", "Tags is any of vip"),
        ("-tag:vip invoice", "invoice", "not Tags is any of vip"),
        ('team:"Second line"', "", "Team is any of Second line"),
        ("assignee:me status:open", "", "Assignee is me and Category is Open"),
        ("assignee:nobody", "", "Assignee is empty"),
        ("before:2026-01-01", "", "Created is before 2026-01-01"),
        ("tag:vip OR is:unread", "", "(Tags is any of vip or Unread by me)"),
        ("http://x.example/a?b", "http://x.example/a?b", "everything"),
        ("unknown:thing", "unknown:thing", "everything"),
        ("((", "", "everything"),
        ("a OR", "a", "everything"),
    ],
)
def test_what_is_typed_is_read(typed: str, words: str, rest: str):
    search = syntax.read(typed, KNOWN.find)
    assert search.words == words
    assert KNOWN.describe(search.rest).strip("()") == rest.strip("()")


@pytest.mark.parametrize(
    "typed", ["tag:nothing", "is:purple", "before:yesterday", "x " * 41, "a" * 501, "(" * 9 + "a"]
)
def test_what_cannot_be_meant_is_refused_in_words(typed: str):
    with pytest.raises(BadSearch):
        syntax.read(typed, KNOWN.find)


def test_fields_and_their_values_are_offered():
    assert [each.text for each in suggestions("invoice ta", KNOWN)] == ["tag:"]
    assert [each.text for each in suggestions("tag:v", KNOWN)] == ["tag:vip"]
    assert [each.text for each in suggestions("-team:se", KNOWN)] == ['-team:"Second line"']


@pytest.mark.parametrize("text", ["", "x", "e30", "W10", "' OR 1=1"])
def test_a_broken_page_address_is_refused(text: str):
    with pytest.raises(BadCursor):
        Mark.read(text)


async def test_people_and_companies_are_found_by_whoever_may_know_of_them(scene: Scene):
    """By name, by address, by firm, and misspelt: who knows only people of their tickets finds no others."""
    shown = await scene.receives(mail(sender="marta@lumen.example"))
    hidden = await scene.receives(mail(sender="noor@fern.example"))
    async with committed(scene.desk.sessions) as session:
        lou = Agent(name="Lou", email="lou@desk.example", role=Role.light_agent)
        firm = Company(name="Fernwork")
        session.add_all([lou, firm])
        await session.flush()
        await session.execute(
            update(Contact)
            .where(Contact.id == hidden.contact_id)
            .values(name="Noor Haddad", company_id=firm.id)
        )
        await session.execute(
            update(Contact).where(Contact.id == shown.contact_id).values(name="Marta Lindt")
        )
    scene.agents["Lou"] = lou
    await scene.does(shown, "assign", lou, by=scene.agents["Ada"])
    for typed in ("haddad", "noor@fern.example", "fernwork", "hadadd"):
        known, unknown = await found(scene, typed), await found(scene, typed, by="Lou")
        assert known.people or known.companies, typed
        assert not unknown.people, typed
        assert not unknown.companies, typed
    assert [person.name for person in (await found(scene, "lindt", by="Lou")).people] == ["Marta Lindt"]
