"""Rules in the settings: begun from an example, written, tried, switched on, put in order, what they did taken back."""

import re
from html import unescape
from typing import Any

from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.rules import Rule
from helpdesk.tickets import Priority
from tests.rules_at_work import CREATED, URGENT, runs, settle, stands, tag, tags_of, there_is, where
from tests.scenes import mail
from tests.web.served import Console, Person
from web.rules import examples

HOME = "/settings/rules"
REFUNDS = {
    "name": "Refunds first",
    "t.0.on": "created",
    "c.kind": "all",
    "c.0.field": "subject",
    "c.0.operator": "contains",
    "c.0.value": "refund",
    "a.0.verb": "priority",
    "a.0.value": "urgent",
    "a.1.verb": "tag",
    "a.1.value": "refund, money",
}


async def kept(console: Console) -> list[Rule]:
    async with console.scene.desk.sessions() as session:
        return list(await session.scalars(select(Rule).order_by(Rule.position, Rule.id)))


async def keeps(person: Person, form: dict[str, Any], path: str = HOME) -> Any:
    """As a browser sends the editor's form, which htmx leaves alone."""
    return await person.post(path, data={"csrf": person.token, **form}, headers={"accept": "text/html"})


def text(page: str) -> str:
    """What stands on it, blanks made even."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def test_a_rule_is_written_tried_and_switched_on(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    past = await scene.receives(mail(subject="A refund, please"))
    await scene.receives(mail(subject="Good morning"))
    await settle(scene)
    assert "Begin with one of these" in (await ada.look(HOME)).text
    made = await keeps(ada, REFUNDS)
    (rule,) = await kept(console)
    assert made.headers["location"].startswith(f"{HOME}/{rule.id}/try"), made.text[:300]
    assert not rule.active, "kept, and switched off"
    looked = (await ada.look(f"{HOME}/{rule.id}/try")).text
    assert "Before it is switched on" in looked
    assert "When a ticket is opened , and Subject contains refund" in text(looked)
    found = text((await ada.does(f"{HOME}/{rule.id}/dry-run", "GET")).text)
    assert "One ticket would have changed." in found
    assert f"#{past.number} A refund, please" in found
    assert "Priority Normal → Urgent" in found
    assert "Judged by how tickets are today" in found, "nobody knows what subjects were"
    assert "Subject contains refund" in found
    assert (await stands(scene, past)).priority is Priority.normal, "nothing was changed"
    await ada.does(f"{HOME}/{rule.id}/switch", data={})
    assert (await kept(console))[0].active
    ticket = await scene.receives(mail(subject="Refund?"))
    await settle(scene)
    now = await stands(scene, ticket)
    assert (now.priority, tags_of(now)) == (Priority.urgent, ["money", "refund"])
    page = (await ada.look(HOME)).text
    assert "ran once in 30 days" in page
    assert 'aria-checked="true"' in page


async def test_a_new_rule_is_not_scolded_before_anything_was_chosen(console: Console):
    ada = await console.person("Ada")
    assert "Choose one from the list." not in (await ada.look(f"{HOME}/new")).text
    refused = await keeps(
        ada, {"name": "Empty", "t.0.on": "created", "c.kind": "all", "a.0.verb": "priority"}
    )
    assert "Choose one from the list." in unescape(refused.text)


async def test_switching_off_twice_does_not_switch_on_again(console: Console):
    ada = await console.person("Ada")
    await there_is(console.scene, "Refunds", CREATED, URGENT)
    (rule,) = await kept(console)
    for to, active in (("off", False), ("off", False), ("on", True), ("on", True)):
        assert (await ada.does(f"{HOME}/{rule.id}/switch", data={"to": to})).status_code == 204
        assert (await kept(console))[0].active is active, to


async def test_what_is_wrong_is_said_where_it_stands_and_nothing_typed_is_lost(console: Console):
    ada = await console.person("Ada")
    await there_is(console.scene, "Taken", CREATED, URGENT)
    for wrong, words, left in (
        ({"name": " "}, "A rule has a name", "refund, money"),
        ({"name": "taken"}, "There is a rule of this name already", "refund, money"),
        ({"a.1.value": " , "}, "Name at least one tag", "Refunds first"),
        ({"t.0.on": "idle", "t.0.length": "soon"}, "Say how long", "refund, money"),
        ({"t.0.on": "schedule", "t.0.every": "week"}, "Choose at least one day", "refund, money"),
        ({"c.0.operator": "contains", "c.0.value": ""}, "it takes some text", "refund, money"),
        (
            {"a.0.verb": "reply", "a.0.value": "Hello {{contact.first_name}}"},
            "when nothing is known",
            "Hello",
        ),
        ({"a.0.verb": "reply", "a.0.value": "{{agent.name}}"}, "stands for nobody", "refund, money"),
        ({"a.0.verb": "team", "a.0.value": "999"}, "not there any more", "refund, money"),
        ({"a.0.verb": "notify"}, "Choose who is told", "refund, money"),
        ({"a.0.verb": "webhook"}, "Choose a webhook", "refund, money"),
    ):
        answer = await keeps(ada, REFUNDS | wrong)
        page = unescape(answer.text)
        assert answer.status_code == 400, wrong
        assert words in page, wrong
        assert left in page, wrong
        assert "Not saved yet." in page
    assert [rule.name for rule in await kept(console)] == ["Taken"]


async def test_each_part_of_the_form_follows_what_is_chosen_in_it(console: Console):
    """By htmx only the part; without scripts the whole page, with everything that was typed."""
    ada = await console.person("Ada")

    async def part(name: str, **form: str) -> str:
        headers = {"hx-target": f"section#{name}"}
        answer = await ada.does(f"{HOME}/form", data=REFUNDS | form, headers=headers)
        assert answer.status_code == 200, answer.text[:500]
        return unescape(answer.text)

    when = await part("when", **{"t.0.on": "changed", "t.0.field": "priority", "t.0.now": "high"})
    assert re.search(r'name="t.0.now" value="high" checked', when)
    assert "Priority becomes High" in text(when), "the sentence comes along"
    tags = await part("when", **{"t.0.on": "changed", "t.0.field": "tags"})
    assert "put on" in tags
    assert "or taken off" in tags
    timed = await part("when", **{"t.0.on": "schedule", "t.0.every": "month", "t.0.day": "31"})
    assert "last day of a shorter month" in timed
    assert "every month on the 31." in text(timed)
    idle = await part("when", **{"t.0.on": "idle", "t.0.length": "7", "t.0.unit": "d"})
    assert "the customer is silent for 7 days after our answer" in text(idle)
    assert "due soon" in text(await part("when", **{"t.0.on": "warned", "t.0.metric": "resolution"}))
    added = await part("when", do="add-trigger")
    assert 'name="t.1.on"' in added
    moved = await part("do", do="up-action:1")
    assert moved.index("refund, money") < moved.index('value="urgent" selected')
    assert 'name="a.1.verb"' not in await part("do", do="remove-action:0")
    nested = await part("builder", do="group:c")
    assert 'name="c.1.0.field"' in nested
    assert "Unread by me" not in nested, "nobody looks when a rule acts"
    plain = await keeps(ada, REFUNDS | {"do": "add-action"}, f"{HOME}/form")
    assert plain.status_code == 200
    assert 'name="a.2.verb"' in plain.text
    assert "refund, money" in plain.text


async def test_every_example_opens_as_a_draft_and_can_be_kept_or_says_what_is_missing(console: Console):
    ada, team = await console.person("Ada"), console.scene.teams["Technical"].id
    for example in examples.EXAMPLES:
        page = (await ada.look(f"{HOME}/new?example={example.key}")).text
        assert f'value="{example.title}"' in unescape(page)
        form = filled(page)
        if example.key in {"important", "words"}:  # the desk's people choose
            refused = await keeps(ada, form)
            assert refused.status_code == 400
            assert "Choose one from the list" in refused.text
            form |= {"a.0.value": str(team) if example.key == "words" else "none", "c.0.value": "Lumen"}
        answer = await keeps(ada, form)
        assert answer.status_code == 303, (example.key, text(answer.text)[:2000])
        rule = (await kept(console))[-1]
        assert not rule.active
        tried = await ada.does(f"{HOME}/{rule.id}/dry-run", "GET")
        assert "No ticket would have changed" in tried.text, (example.key, text(tried.text))
        assert (await ada.does(f"{HOME}/{rule.id}/switch", data={})).status_code == 204, example.key
    assert len(await kept(console)) == len(examples.EXAMPLES)
    assert (await ada.get(f"{HOME}/new?example=nonsense")).status_code == 404


def filled(page: str) -> dict[str, Any]:
    """What a browser would send of the editor's form as it stands."""
    form = page[page.index('id="rule"') : page.index("</form>", page.index('id="rule"'))]
    found: dict[str, Any] = {}

    def put(name: str, value: str) -> None:
        found.setdefault(name, []).append(unescape(value))

    for tag_ in re.findall(r"<input [^>]*>", form):
        attributes = dict(re.findall(r'(\S+?)="([^"]*)"', tag_))
        ticked = attributes.get("type") != "checkbox" or " checked" in tag_
        if "name" in attributes and ticked and attributes["name"] != "csrf":
            put(attributes["name"], attributes.get("value", ""))
    for name, inside in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        put(name, inside)
    for name, inside in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        options = re.findall(r'<option value="([^"]*)"( selected)?', inside)
        put(name, next((value for value, chosen in options if chosen), options[0][0] if options else ""))
    return found


async def test_order_is_changed_by_buttons_and_by_dragging(console: Console):
    ada = await console.person("Ada")
    first, second, third = [await there_is(console.scene, name, CREATED, URGENT) for name in "ABC"]
    await ada.look(HOME)
    await ada.does(f"{HOME}/{third.id}/place", data={"go": "up"})
    assert [rule.name for rule in await kept(console)] == ["A", "C", "B"]
    listed = await ada.does(f"{HOME}/order", data={"rule": [str(second.id), str(first.id)]})
    assert [rule.name for rule in await kept(console)] == ["B", "A", "C"]
    assert listed.text.index(">B<") < listed.text.index(">A<") < listed.text.index(">C<")


async def test_what_a_rule_did_is_told_and_taken_back_run_by_run_or_all_at_once(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    rule = await there_is(
        scene, "Urgent", CREATED, URGENT, tag("now"), when=where("subject", "contains", "fire")
    )
    tickets = [await scene.receives(mail(subject=f"fire {n}", sender=f"c{n}@x.example")) for n in range(3)]
    await settle(scene)
    page = (await ada.look(f"{HOME}/{rule.id}/runs")).text
    assert page.count("Priority") >= 3
    (first, *_rest) = await runs(scene, tickets[0])
    answer = await ada.does(f"{HOME}/{rule.id}/runs/{first.id}/undo", data={})
    assert "taken back by Ada Novak" in answer.text
    now = await stands(scene, tickets[0])
    assert (now.priority, tags_of(now)) == (Priority.normal, [])
    asked = (await ada.look(f"{HOME}/{rule.id}/undo?since=2020-01-01T00:00")).text
    assert "Take 2 runs back?" in asked
    assert "on 2 tickets" in asked
    done = await ada.does(f"{HOME}/{rule.id}/undo", data={"since": "2020-01-01T00:00"})
    assert done.status_code == 204
    assert {(await stands(scene, ticket)).priority for ticket in tickets} == {Priority.normal}
    assert "Nothing to take back" in (await ada.look(f"{HOME}/{rule.id}/undo?since=2020-01-01T00:00")).text
    wrong = await ada.does(f"{HOME}/{rule.id}/undo", data={"since": "yesterday"})
    assert "Say since when" in wrong.text


async def test_a_ticket_says_what_a_rule_did_and_why_and_gives_it_back(console: Console):
    scene, liam = console.scene, await console.person("Liam")
    await there_is(
        scene, "Fire <b>first</b>", CREATED, URGENT, tag("now"), {"verb": "notify", "assignee": True}
    )
    ticket = await scene.receives(mail(subject="fire"))
    await settle(scene)
    page = unescape((await liam.look(f"/tickets/{ticket.number}")).text)
    assert "Rule “Fire <b>first</b>” set the priority to Urgent, added the tag now" in page
    assert "one thing was refused" in page, "nobody holds the ticket"
    assert "A rule set the priority" not in page, "one line tells all of it"
    (run,) = await runs(scene, ticket)
    story = f"/tickets/{ticket.number}/rule-runs/{run.id}"
    why = text((await liam.does(story, "GET")).text)
    assert "A ticket is opened" in why
    assert "Priority Normal → Urgent" in why
    assert "Nobody holds the ticket" in why
    assert "Edit the rule" not in why, "Liam does not write rules"
    assert "Why it did this" in (await liam.look(story)).text, "and as a page of its own"
    tess = await console.person("Tess")
    assert (await tess.does(story, "GET")).status_code == 404, "nor does who may not know of the ticket"
    back = await liam.does(story, "DELETE")
    assert "Taken back, but for 1 thing" in back.text or "Taken back" in back.text
    now = await stands(scene, ticket)
    assert (now.priority, tags_of(now)) == (Priority.normal, [])
    assert "Liam Osei took back what rule" in unescape((await liam.look(f"/tickets/{ticket.number}")).text)
    assert (await liam.does(story, "DELETE")).status_code == 409


async def test_a_rule_that_names_what_is_gone_says_so_and_a_removed_one_is_gone(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    rule = await there_is(scene, "Odd", CREATED, URGENT)
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Rule, rule.id)).trouble = "It names a tag that is not there any more."
    assert "It names a tag that is not there any more." in (await ada.look(HOME)).text
    assert "It names a tag" in (await ada.look(f"{HOME}/{rule.id}")).text
    refused = await ada.does(f"{HOME}/{rule.id}/removal", data={"confirmation": "Even"})
    assert "is not the name" in refused.text
    assert (await ada.does(f"{HOME}/{rule.id}/removal", data={"confirmation": "odd"})).status_code == 204
    assert await kept(console) == []


async def test_a_condition_that_cannot_be_read_does_not_become_every_ticket(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    rule = await there_is(scene, "Odd", CREATED, URGENT)
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Rule, rule.id)).condition = {"kind": "moon", "of": []}
    page = await ada.look(f"{HOME}/{rule.id}")
    assert page.status_code == 200
    assert 'name="c.kind" value="any"' in page.text or 'value="any" selected' in page.text
    form = {
        "name": "Odd",
        "t.0.on": "created",
        "c.kind": "any",
        "a.0.verb": "priority",
        "a.0.value": "urgent",
    }
    await keeps(ada, form, f"{HOME}/{rule.id}")
    (now,) = await kept(console)
    assert now.condition != {}


async def test_only_who_may_writes_rules(console: Console):
    rule = await there_is(console.scene, "Urgent", CREATED, URGENT)
    liam = await console.person("Liam")
    for path in (HOME, f"{HOME}/new", f"{HOME}/{rule.id}", f"{HOME}/{rule.id}/runs", f"{HOME}/{rule.id}/try"):
        assert (await liam.get(path)).status_code == 403, path
    assert (await keeps(liam, REFUNDS)).status_code == 403
