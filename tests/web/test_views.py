"""Saved views: built from conditions, counted before they are kept, shared, arranged; and search as people use it."""

import re
from html import unescape

from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.labels import Tag, ticket_tag
from helpdesk.saved_views import SavedView
from helpdesk.search import index
from helpdesk.tickets import Priority, Ticket
from tests.scenes import mail
from tests.web.served import Console, Person

URGENT = {
    "c.kind": "all",
    "c.0.kind": "where",
    "c.0.field": "priority",
    "c.0.operator": "is",
    "c.0.value": "urgent",
}


async def saved(person: Person, **fields: object) -> int:
    answer = await person.does("/views", data={"csrf": person.token, "name": "Urgent", **URGENT, **fields})
    assert answer.status_code == 204, answer.text[:500]
    return int(answer.headers["hx-redirect"].rpartition("=")[2])


async def two_tickets(console: Console) -> Ticket:
    await console.scene.receives(mail(subject="Calm", sender="a@x.example"))
    hot = await console.scene.receives(mail(subject="Burning", sender="b@x.example"))
    await console.scene.does(hot, "prioritise", Priority.urgent, by=console.scene.agents["Ada"])
    return hot


async def test_a_view_shows_what_fits_in_its_order_and_counts_it(console: Console):
    await two_tickets(console)
    ada = await console.person("Ada")
    view = await saved(ada, sort="number", pinned="true")
    page = (await ada.look(f"/tickets?saved={view}")).text
    assert "Burning" in page
    assert "Calm" not in page
    assert len(re.findall('hx-get="/views/counts', page)) == 1, "one request for all of them"
    other = await saved(ada, name="Everything", pinned="true", **{"c.0.field": "active", "c.0.value": "true"})
    counts = (await ada.does(f"/views/counts?saved={view}", "GET")).text
    assert re.search(rf"data-count='{view}'\]\"[^>]*>1<", counts), counts
    assert re.search(rf"data-count='{other}'\]\"[^>]*>2<", counts), counts
    liam = await console.person("Liam")
    assert "data-count" not in (await liam.does(f"/views/counts?saved={view}", "GET")).text, "not theirs"
    again = (await ada.look("/tickets")).text
    assert re.search(rf'data-count="{view}">1<', again), "what is known stands there at once"
    assert "Urgent" in (await ada.look("/tickets")).text  # beside the queues
    assert "Priority is Urgent" in (await ada.look("/views")).text.replace("urgent", "Urgent")


async def test_the_builder_adds_removes_nests_and_counts(console: Console):
    await two_tickets(console)
    ada = await console.person("Ada")
    text = (await ada.does("/views/builder", data=URGENT)).text
    assert re.search(r"<b>1</b>\s*ticket fits now", text)
    text = (await ada.does("/views/builder", data=URGENT | {"do": "group:c"})).text
    assert 'name="c.1.kind"' in text
    assert 'name="c.1.0.field"' in text
    nested = URGENT | {
        "c.kind": "any",
        "c.1.kind": "none",
        "c.1.0.field": "subject",
        "c.1.0.operator": "contains",
    }
    assert "Fill in every condition" in (await ada.does("/views/builder", data=nested)).text
    text = (await ada.does("/views/builder", data=nested | {"c.1.0.value": "Calm"})).text
    assert re.search(r"<b>1</b>", text)
    assert "not Subject contains Calm" in text
    text = (await ada.does("/views/builder", data=nested | {"do": "remove:c.1"})).text
    assert "c.1.kind" not in text


async def test_what_does_not_hold_together_is_said_and_kept(console: Console):
    ada = await console.person("Ada")
    wrong = {"c.kind": "all", "c.0.field": "created", "c.0.operator": "before", "c.0.value": "soon"}
    answer = await ada.does("/views", data={"name": "Mine", **wrong})
    assert answer.status_code == 400
    assert "it takes a date" in answer.text
    assert 'value="Mine"' in answer.text
    answer = await ada.does("/views", data={"name": " ", **URGENT})
    assert "Give the view a name" in answer.text
    deep = {f"{'c' + '.0' * n}.kind": "all" for n in range(12)}
    assert (await ada.does("/views/builder", data=deep)).status_code == 400


async def test_only_who_may_shares_and_changes_what_is_shared(console: Console):
    await two_tickets(console)
    ada, liam, tess = [await console.person(name) for name in ("Ada", "Liam", "Tess")]
    team = console.scene.teams["Billing"].id
    everybodys = await saved(ada, name="For all", visibility="all")
    teams = await saved(ada, name="For billing", visibility="team", team=team)
    own = await saved(ada, name="My secret", visibility="me")
    assert (await liam.get(f"/tickets?saved={everybodys}")).status_code == 200
    assert (await liam.get(f"/tickets?saved={teams}")).status_code == 200
    assert (await tess.get(f"/tickets?saved={teams}")).status_code == 404
    assert (await liam.get(f"/tickets?saved={own}")).status_code == 404
    assert (await liam.does(f"/views/{everybodys}", data={"name": "Mine now", **URGENT})).status_code == 403
    assert (await liam.does(f"/views/{everybodys}/removal", data={})).status_code == 403
    answer = await liam.does("/views", data={"name": "Share", "visibility": "all", **URGENT})
    assert "may keep this for yourself" in answer.text
    page = (await tess.look(f"/tickets?saved={everybodys}")).text
    assert "Burning" not in page  # a view never shows what its reader may not see


async def test_views_are_changed_copied_arranged_and_deleted(console: Console):
    ada = await console.person("Ada")
    first, second = await saved(ada, name="First"), await saved(ada, name="Second")
    await ada.does(f"/views/{second}/place", data={"go": "up"})
    text = (await ada.look("/views")).text
    assert text.index("<b>Second</b>") < text.index("<b>First</b>")
    assert (await ada.does(f"/views/{first}", data={"name": "Changed", **URGENT})).status_code == 204
    assert "Changed, copied" in (await ada.look(f"/views/{first}?copy=true")).text
    assert (await ada.does(f"/views/{first}/removal", data={})).status_code == 204
    assert (await ada.get(f"/tickets?saved={first}")).status_code == 404


async def test_a_view_is_shown_as_a_table_with_the_chosen_columns(console: Console):
    hot = await two_tickets(console)
    async with committed(console.scene.desk.sessions) as session:
        tag = Tag(name="vip", colour="violet")
        session.add(tag)
        await session.flush()
        await session.execute(ticket_tag.insert().values(ticket_id=hot.id, tag_id=tag.id))
    ada = await console.person("Ada")
    view = await saved(ada, layout="table", column=["subject", "tags", "priority"])
    text = (await ada.look(f"/tickets?saved={view}")).text
    heads = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?\s*([A-Z][\w ]*)', text)
    assert heads == ["Subject", "Priority", "Tags"] or set(heads) == {"Subject", "Priority", "Tags"}
    assert "vip" in text
    async with console.scene.desk.sessions() as session:
        kept = await session.get_one(SavedView, view)
        assert kept.columns == ["subject", "tags", "priority"]


async def test_every_queue_and_order_has_pages(console: Console):
    for n in range(4):
        await console.scene.receives(mail(subject=f"T{n}", sender=f"p{n}@x.example"))
    ada = await console.person("Ada")
    for view in ("mine", "unassigned", "unattended", "mentioned", "participating", "snoozed", "all", "settled",
                 "spam", "trash"):  # fmt: skip
        assert (await ada.look(f"/tickets?view={view}")).status_code == 200, view
    for order in ("last_message", "created", "priority", "waiting_since", "next_due", "number"):
        for reverse in ("", "&reverse=true"):
            page = await ada.look(f"/tickets?view=all&sort={order}{reverse}")
            assert page.status_code == 200
            assert all(f"T{n}" in page.text for n in range(4)), order
    assert (await ada.look("/tickets?view=all&after=nonsense")).status_code == 400


async def test_search_finds_marks_and_offers(console: Console):
    await console.scene.receives(
        mail(
            "One giraffe & four long friends were charged twice <script>x</script>", subject="About giraffes"
        )
    )
    async with committed(console.scene.desk.sessions) as session:
        await index.fill(session)
    ada, tess = await console.person("Ada"), await console.person("Tess")
    text = (await ada.look("/search?q=giraffes")).text
    assert "<mark>giraffe</mark> &amp; four" in text
    assert "<script>x" not in text
    assert "Nothing found" in (await tess.look("/search?q=giraffes")).text
    chips = unescape((await ada.look("/search?q=giraffe%20status:new")).text)
    assert "Category is" in chips
    assert "There is no tag called" in (await ada.look("/search?q=tag:nothing")).text
    offered = (await ada.get("/search/suggestions?q=ta")).json()
    assert offered[0]["text"] == "tag:"
    text = (await ada.look("/views/new?q=giraffe%20is:unread")).text
    assert "Message text" in text


async def test_the_nav_counts_what_the_lists_hold(console: Console):
    await two_tickets(console)
    ada = await console.person("Ada")
    text = (await ada.look("/tickets?view=all")).text
    for view in ("unassigned", "all", "unattended"):
        found = re.search(rf'view={view}"[^>]*>.*?<span class="count">(\d+)</span>', text)
        assert found, view
        assert found[1] == "2"
    async with console.scene.desk.sessions() as session:
        assert len((await session.scalars(select(Ticket))).all()) == 2
