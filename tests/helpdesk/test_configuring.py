"""A desk's configuration as a file: taken along, compared, put in place, all of it or nothing."""

import pytest
import yaml
from sqlalchemy import func, select

from helpdesk import configuring
from helpdesk.access import Action
from helpdesk.configuring import BadDocument, Refused, What
from helpdesk.database import committed
from helpdesk.errors import Forbidden
from helpdesk.labels import Tag
from helpdesk.macros import Macro
from helpdesk.people import Agent, CustomRole, with_access
from helpdesk.rules import Rule, shelf
from helpdesk.saved_views import SavedView
from helpdesk.sla import Policy
from tests.scenes import Scene

FILE = """
helpdesk: 1
tags:
- name: vip
  colour: amber
- {name: refund, colour: red}
calendars:
- name: Vienna
  time_zone: Europe/Vienna
  week:
    monday: [["09:00", "12:00"], ["13:00", "17:00"]]
    friday: [["09:00", "15:00"]]
  own_holidays: [{day: 12-24, name: Heiligabend}]
policies:
- name: Vienna, fast
  calendar: Vienna
  condition:
    any:
    - tags: {any_of: [vip]}
    - all:
      - team: {is: Billing}
      - not: {subject: {contains: spam}}
  targets: {urgent: {first_response: 15}}
  escalations: [{after: 30, team: Technical}]
macros:
- name: Refund
  folder: Billing
  body: |
    Dear {{contact.name|customer}},

    it is on its way.
  actions:
  - tag: [refund]
  - assign: liam@desk.example
  - spam
views:
- name: Waiting for Liam
  team: Billing
  condition: {assignee: {is: liam@desk.example}}
  sort: next_due
rules:
- name: Angry customers first
  description: Nobody waits longer than they can bear.
  when: [created, {on: received}]
  if:
    all:
    - sentiment: {is: angry}
    - tags: {none_of: [refund]}
    - assignee: is_empty
  do:
  - priority: urgent
  - notify: {teams: [Technical], assignee: true, text: Please look}
  - reply: We have it, {{contact.first_name|hello}}.
  active: true
- name: To Ada when it comes back
  when:
  - {on: changed, field: status, was: [Resolved], now: [Open]}
  - {on: idle, minutes: 90, silence: us}
  - on: schedule
    schedule: {every: week, days: [0], at: "08:00", zone: Europe/Vienna}
  do: [{assign: ada@desk.example}, {field: {key: nothing, value: 1}}]
"""


@pytest.fixture
async def ada(scene: Scene) -> Agent:
    async with scene.desk.sessions() as session:
        found = await session.scalars(
            select(Agent).where(Agent.email == "ada@desk.example").options(*with_access())
        )
        return found.unique().one()


def _good() -> str:
    """The file without the one thing in it that this desk does not have."""
    return FILE.replace(", {field: {key: nothing, value: 1}}", "")


async def test_a_file_is_put_in_place_and_read_back_as_it_was(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        made = await configuring.apply(session, _good(), by=ada)
    assert made.count(What.added) == 8
    async with committed(scene.desk.sessions) as session:
        text = await configuring.written(session, by=ada)
        again = await configuring.plan(session, text, by=ada, prune=True)
    assert again.steps == []
    found, given = yaml.safe_load(text), yaml.safe_load(_good())
    assert [rule["if"] for rule in found["rules"] if "if" in rule] == [given["rules"][0]["if"]]
    assert [policy["condition"] for policy in found["policies"] if "condition" in policy] == [
        given["policies"][0]["condition"]
    ]
    assert found["macros"][0]["actions"] == given["macros"][0]["actions"]
    assert "body: |-\n    Dear {{contact.name|customer}}" in text


async def test_ids_are_those_of_this_desk(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        await configuring.apply(session, _good(), by=ada)
    async with scene.desk.sessions() as session:
        first, second = await shelf.all_rules(session)
        macro = (await session.scalars(select(Macro))).one()
        refund = await session.scalar(select(Tag.id).where(Tag.name == "refund"))
    assert first.actions[1]["teams"] == [scene.teams["Technical"].id]
    assert first.condition["of"][1]["value"] == [refund]
    assert (first.active, second.active, second.next_at is None) == (True, False, False)
    assert second.triggers[0] == {"on": "changed", "field": "status", "was": [5], "now": [2]}
    assert macro.actions[1] == {"verb": "assign", "agent": scene.agents["Liam"].id}


async def test_what_cannot_be_done_is_said_and_nothing_is(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        found = await configuring.plan(session, FILE, by=ada)
        with pytest.raises(Refused, match="To Ada when it comes back"):
            await configuring.apply(session, FILE, by=ada)
    assert [step.key for step in found.troubles] == ["To Ada when it comes back"]
    async with scene.desk.sessions() as session:
        for row in (Rule, Macro, SavedView, Tag):
            assert await session.scalar(select(func.count()).select_from(row)) == 0


async def test_a_plan_changes_nothing(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        found = await configuring.plan(session, _good(), by=ada)
    assert found.count(What.added) == 8
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Rule)) == 0


async def test_what_changes_is_shown_line_by_line(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        await configuring.apply(session, _good(), by=ada)
    changed = _good().replace("- priority: urgent\n", "- priority: high\n")
    async with committed(scene.desk.sessions) as session:
        found = await configuring.plan(session, changed, by=ada)
    (step,) = found.steps
    assert (step.section, step.what, step.key) == ("rules", What.changed, "Angry customers first")
    assert [line for line in step.diff if line[0] in "+-"] == ["-- priority: urgent", "+- priority: high"]


async def test_what_the_file_does_not_have_stays_unless_it_is_asked_to_go(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        await configuring.apply(session, _good(), by=ada)
    less = "helpdesk: 1\nrules: []\n"
    async with committed(scene.desk.sessions) as session:
        assert (await configuring.apply(session, less, by=ada)).steps == []
        made = await configuring.apply(session, less, by=ada, prune=True)
    assert made.count(What.removed) == 2
    async with scene.desk.sessions() as session:
        assert await shelf.all_rules(session) == []
        assert await session.scalar(select(func.count()).select_from(Macro)) == 1, "no section, no pruning"


async def test_going_back_is_applying_what_was_before(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        before = await configuring.written(session, by=ada)
        await configuring.apply(session, _good(), by=ada)
    async with committed(scene.desk.sessions) as session:
        await configuring.apply(session, before, by=ada, prune=True)
        assert await configuring.written(session, by=ada) == before
        assert await session.scalar(select(func.count()).select_from(Policy)) == 1


async def test_rules_are_asked_in_the_order_of_the_file(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        await configuring.apply(session, _good(), by=ada, prune=False)
        document = yaml.safe_load(await configuring.written(session, by=ada, only=["rules"]))
    document["rules"].reverse()
    async with committed(scene.desk.sessions) as session:
        made = await configuring.apply(session, yaml.safe_dump(document), by=ada)
        assert [rule.name for rule in await shelf.all_rules(session)] == [
            "To Ada when it comes back",
            "Angry customers first",
        ]
    assert [step.what for step in made.steps] == [What.moved]


async def test_nobody_puts_in_place_what_they_may_not_arrange(scene: Scene):
    role = CustomRole(name="Librarian", permissions=[Action.write_templates.value, Action.manage_desk.value])
    async with committed(scene.desk.sessions) as session:
        agent = Agent(name="Lib", email="lib@desk.example", custom_role=role)
        session.add(agent)
    async with committed(scene.desk.sessions) as session:
        rows = await session.scalars(select(Agent).where(Agent.id == agent.id).options(*with_access()))
        lib = rows.unique().one()
        with pytest.raises(Forbidden):
            await configuring.plan(session, _good(), by=lib)
        assert "rules:" not in await configuring.written(session, by=lib)


WRONG = {
    "no YAML": ("helpdesk: 1\nrules: [", "no YAML"),
    "nothing": ("", "begin with"),
    "another version": ("helpdesk: 2\n", "begin with"),
    "an unknown section": ("helpdesk: 1\npeople: []\n", "no section “people”"),
    "a section that is no list": ("helpdesk: 1\nrules: {a: 1}\n", "list of entries"),
    "an entry without a name": ("helpdesk: 1\ntags:\n- colour: red\n", "entry 1"),
    "an unknown word": ("helpdesk: 1\ntags:\n- {name: a, color: red}\n", "color"),
    "the same twice": ("helpdesk: 1\ntags:\n- {name: a}\n- {name: A}\n", "stands there twice"),
    "a word twice": ("helpdesk: 1\ntags:\n- {name: a, name: b}\n", "stands there twice"),
    "references that grow": ("helpdesk: 1\na: &a [x]\nb: [*a, *a]\n", "references"),
    "a python object": ("helpdesk: !!python/object/apply:os.system [ls]\n", "no YAML"),
    "too deep": ("helpdesk: 1\nrules: " + "[" * 5000, "no YAML"),
    "too many": ("helpdesk: 1\ntags: [" + "1, " * 2_001 + "]", "more than 2000 entries"),
    "too large": ("helpdesk: 1\n#" + "x" * 2_000_001, "too large"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_file_that_cannot_be_read_says_why(scene: Scene, ada: Agent, what: str):
    text, words = WRONG[what]
    async with scene.desk.sessions() as session:
        with pytest.raises(BadDocument, match=words):
            await configuring.plan(session, text, by=ada)


UNPLACED = {
    "a team that is not here": "rules:\n- {name: a, when: [created], do: [{team: Nobody}]}",
    "an action that nobody knows": "rules:\n- {name: a, when: [created], do: [{explode: now}]}",
    "an occasion that nobody knows": "rules:\n- {name: a, when: [never], do: [spam]}",
    "a condition that is two": "rules:\n- {name: a, when: [created], if: {a: 1, b: 2}, do: [spam]}",
    "a field that nobody has": "views:\n- {name: a, condition: {moon: {is: full}}}",
    "a zone that is nowhere": "calendars:\n- {name: a, time_zone: Moon/Tycho, week: {monday: [['09:00', '10:00']]}}",
    "a time that is none": "calendars:\n- {name: a, time_zone: UTC, week: {monday: [['nine', 'ten']]}}",
    "a colour that is none": "tags:\n- {name: a, colour: javascript}",
    "a status in another category": "statuses:\n- {name: Open, category: closed}",
}


@pytest.mark.parametrize("what", UNPLACED)
async def test_what_does_not_fit_this_desk_is_trouble_of_its_entry(scene: Scene, ada: Agent, what: str):
    async with committed(scene.desk.sessions) as session:
        found = await configuring.plan(session, f"helpdesk: 1\n{UNPLACED[what]}\n", by=ada)
    assert [bool(step.trouble) for step in found.steps] == [True]


async def test_a_policy_that_warns_nobody_is_kept_like_that(scene: Scene, ada: Agent):
    quiet = "helpdesk: 1\npolicies:\n- {name: Quiet, calendar: Office, targets: {low: {resolution: 60}}}\n"
    async with committed(scene.desk.sessions) as session:
        await configuring.apply(session, quiet, by=ada)
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(Policy.warn_minutes).where(Policy.name == "Quiet")) is None


async def test_a_rule_that_names_what_is_gone_keeps_no_file_from_being_written(scene: Scene, ada: Agent):
    async with committed(scene.desk.sessions) as session:
        await configuring.apply(session, _good(), by=ada)
        policy = await session.scalar(select(Policy).where(Policy.name == "Vienna, fast"))
        assert policy
        policy.condition = {"kind": "where", "field": "tags", "operator": "any_of", "value": [999_999]}
        await session.flush()
        text = await configuring.written(session, by=ada)
        assert "(gone: 999999)" in text
        assert not (await configuring.plan(session, text, by=ada)).steps, "as it is, it may stay"
        other = text.replace("Vienna, fast\n  calendar", "Vienna, faster\n  calendar")
        assert (await configuring.plan(session, other, by=ada)).troubles, "nothing new is made of it"


@pytest.mark.parametrize("part", ["? [a]\n: b", "tags: [{? {a: b} : c}]", 'tags: [{name: "a\\ud800b"}]'])
def test_keys_and_characters_that_are_none_are_refused(part: str):
    with pytest.raises(BadDocument, match="no YAML"):
        configuring.documents.read(f"helpdesk: 1\n{part}\n")
