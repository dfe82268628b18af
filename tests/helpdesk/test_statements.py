"""Statements that are built once are still another one for whoever may see something else."""

from sqlalchemy import Select, literal, select

from helpdesk.people import Agent, CustomRole, Membership, Reach, Role
from helpdesk.statements import MOST, once, standing

built: list[str] = []


@once
def _of(agent: Agent, *, cut: bool = False) -> Select[int]:
    built.append(agent.name)
    return select(literal(1))


def agent(**given: object) -> Agent:
    made = Agent(**{"id": 7, "name": "Ada", "role": Role.agent, "active": True, "custom_role": None} | given)
    made.__dict__.setdefault("memberships", [])
    return made


def membership(team_id: int, role: CustomRole | None = None) -> Membership:
    made = Membership(team_id=team_id, agent_id=7)
    made.custom_role = role
    return made


def test_a_statement_is_built_once_for_all_that_an_agent_asks():
    built.clear()
    assert _of(agent()) is _of(agent())
    assert _of(agent(), cut=True) is not _of(agent())
    assert len(built) == 2


def test_whoever_may_see_something_else_has_another():
    role = CustomRole(name="Some", permissions=["ticket:read"], reach=Reach.assigned)
    scoped, teamed, special = agent(), agent(), agent()
    scoped.act_by(1, frozenset({"ticket:read"}))
    teamed.__dict__["memberships"] = [membership(1)]
    special.__dict__["memberships"] = [membership(1, role)]
    ways = [
        agent(),
        agent(id=8),
        agent(active=False),
        agent(role=Role.lead),
        agent(custom_role=role),
        agent(custom_role=CustomRole(name="Other", permissions=["ticket:read"], reach=Reach.all)),
        scoped,
        teamed,
        special,
    ]
    assert len({standing(each) for each in ways}) == len(ways)


def test_no_more_are_kept_than_fit():
    """Those least used are forgotten; what is asked for again and again stays."""
    built.clear()
    first = _of(agent(id=1000))
    for number in range(MOST - 1):
        _of(agent(id=2000 + number))
        assert _of(agent(id=1000)) is first
    _of(agent(id=5000))
    assert _of(agent(id=1000)) is first
    before = len(built)
    _of(agent(id=2000))
    assert len(built) == before + 1
