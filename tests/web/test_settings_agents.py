"""Colleagues come, change and go."""

import asyncio
import re

from sqlalchemy import func, select, update

from helpdesk import invitations, tokens
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.invitations import Invitation, PasswordReset
from helpdesk.people import Agent, CustomRole, Role, with_access
from tests.web.served import PASSWORD, Console, Person
from web.sessions import WebSession

GOOD = "four words are enough"


async def invites(ada: Person, email: str = "noor@desk.example", **more: str) -> str:
    form = {"email": email, "name": "Noor Haddad", "role": "agent"} | more
    answer = await ada.does("/settings/agents/invitations", data=form)
    assert answer.status_code == 204, answer.text
    page = (await ada.look("/settings/agents")).text
    return str(re.findall(r'<copy-text value="http://[^/]+(/invitation/[\w-]+)"', page)[0])


async def test_an_invited_colleague_accepts_once(console: Console) -> None:
    ada = await console.person("Ada")
    billing = console.scene.teams["Billing"].id
    link = await invites(ada, **{f"team-{billing}": "true"})
    noor, second = await console.stranger(), await console.stranger()
    page = await noor.look(link)
    assert "noor@desk.example" in page.text
    weak = await noor.post(link, data={"name": "Noor", "password": "password1"})
    assert weak.status_code == 422
    assert "at least 10 characters" in weak.text
    both = await asyncio.gather(
        *(each.post(link, data={"name": "Noor H.", "password": GOOD}) for each in (noor, second))
    )
    assert sorted(answer.status_code for answer in both) == [303, 404], "a link serves once"
    assert (await second.look(link)).status_code == 404
    async with console.scene.desk.sessions() as session:
        found = await session.scalar(
            select(Agent).where(Agent.email == "noor@desk.example").options(*with_access())
        )
        assert found
        assert found.role is Role.agent
        assert found.team_ids == [billing]
        assert found.name == "Noor H."
        stored = (await session.scalars(select(Invitation))).one()
        assert link.rpartition("/")[2].encode() not in stored.token_hash + stored.nonce


async def test_an_invitation_ends_by_time_by_hand_and_by_another(console: Console) -> None:
    ada = await console.person("Ada")
    first = await invites(ada)
    number = re.findall(r"invitations/(\d+)/again", (await ada.look("/settings/agents")).text)[0]
    twice = {"email": "NOOR@desk.example", "name": "N", "role": "agent"}
    assert (await ada.does("/settings/agents/invitations", data=twice)).status_code == 409
    here = {"email": "Liam@desk.example", "name": "L", "role": "agent"}
    assert (await ada.does("/settings/agents/invitations", data=here)).status_code == 409
    await ada.does(f"/settings/agents/invitations/{number}/again")
    page = (await ada.look("/settings/agents")).text
    second = re.findall(r'<copy-text value="http://[^/]+(/invitation/[\w-]+)"', page)[0]
    stranger = await console.stranger()
    assert (await stranger.look(first)).status_code == 404, "the link before is worth nothing"
    assert (await stranger.look(second)).status_code == 200
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(Invitation).values(expires_at=now()))
    assert (await stranger.look(second)).status_code == 404
    await ada.does(f"/settings/agents/invitations/{number}/again")
    await ada.does(f"/settings/agents/invitations/{number}/revocation")
    assert (await ada.does(f"/settings/agents/invitations/{number}/again")).status_code == 404


async def test_a_lost_password_is_replaced_and_everything_signs_out(console: Console) -> None:
    scene, liam, stranger = console.scene, await console.person("Liam"), await console.stranger()
    known = await stranger.post("/password", data={"email": "liam@desk.example"})
    unknown = await stranger.post("/password", data={"email": "nobody@desk.example"})
    assert known.text == unknown.text
    assert known.status_code == unknown.status_code
    assert abs(known.elapsed.total_seconds() - unknown.elapsed.total_seconds()) < 0.3
    for _ in range(4):
        await stranger.post("/password", data={"email": "liam@desk.example"})
    async with scene.desk.sessions() as session:
        made = (await session.scalars(select(PasswordReset))).all()
    assert len(made) == invitations.RESETS, "three mails an hour"
    link = f"/password/{made[0].token(scene.desk.keys)}"
    assert (await stranger.look(link)).status_code == 200
    assert (await stranger.post(link, data={"password": "desk.example1"})).status_code == 422
    assert (await stranger.post(link, data={"password": GOOD})).status_code == 303
    assert (await stranger.post(link, data={"password": GOOD})).status_code == 404, "once"
    other = f"/password/{made[1].token(scene.desk.keys)}"
    assert (await stranger.look(other)).status_code == 404, "and with it all others"
    assert (await liam.look("/settings/me")).status_code == 303, "signed out"
    assert (await stranger.sign_in("liam@desk.example", PASSWORD)).status_code == 422
    assert (await stranger.sign_in("liam@desk.example", GOOD)).status_code == 303


async def test_rights_change_only_after_the_password_was_given_again(console: Console) -> None:
    ada, tess = await console.person("Ada"), console.scene.agents["Tess"]
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(WebSession).values(confirmed_at=None))
    form = {"name": tess.name, "email": tess.email, "role": "lead"}
    refused = await ada.does(
        f"/settings/agents/{tess.id}", data=form, headers={"hx-current-url": "/settings/agents"}
    )
    assert refused.status_code == 403
    assert refused.headers["hx-redirect"] == "/confirm?next=/settings/agents"
    asked = await ada.look(f"/settings/agents/{tess.id}")
    assert asked.headers["location"] == f"/confirm?next=/settings/agents/{tess.id}"
    wrong = await ada.post("/confirm", data={"csrf": ada.token, "password": "wrong", "next": "/settings"})
    assert wrong.status_code == 422
    right = await ada.post(
        "/confirm", data={"csrf": ada.token, "password": PASSWORD, "next": f"/settings/agents/{tess.id}"}
    )
    assert right.headers["location"] == f"/settings/agents/{tess.id}"
    assert (await ada.does(f"/settings/agents/{tess.id}", data=form)).status_code == 204


async def test_whose_rights_change_signs_in_again(console: Console) -> None:
    ada, tess = await console.person("Ada"), await console.person("Tess")
    found, team = console.scene.agents["Tess"], console.scene.teams["Technical"].id
    same = {"name": "Tess V.", "email": found.email, "role": "agent", f"team-{team}": "true"}
    assert (await ada.does(f"/settings/agents/{found.id}", data=same)).status_code == 204
    assert (await tess.look("/settings/me")).status_code == 200, "a name is no right"
    assert (await ada.does(f"/settings/agents/{found.id}", data=same | {"role": "lead"})).status_code == 204
    assert (await tess.look("/settings/me")).status_code == 303
    async with console.scene.desk.sessions() as session:
        told = (await session.scalars(select(Event).where(Event.kind == Kind.role_changed))).one()
    assert (told.data["was"]["role"], told.data["now"]["role"]) == ("agent", "lead")
    for wrong in ({"role": "owner"}, {"role": "custom-99"}, {"team-999": "true"}):
        assert (await ada.does(f"/settings/agents/{found.id}", data=same | wrong)).status_code == 400


async def test_the_last_admin_stays(console: Console) -> None:
    ada, found = await console.person("Ada"), console.scene.agents["Ada"]
    form = {"name": found.name, "email": found.email, "role": "agent"}
    assert (await ada.does(f"/settings/agents/{found.id}", data=form)).status_code == 409
    assert (await ada.does(f"/settings/agents/{found.id}/deactivation")).status_code == 409
    async with console.scene.desk.sessions() as session:
        assert (await session.get_one(Agent, found.id)).role is Role.admin


async def test_who_is_switched_off_is_out_and_their_tickets_change_hands(console: Console) -> None:
    scene, ada, liam = console.scene, await console.person("Ada"), await console.person("Liam")
    number = scene.agents["Liam"].id
    tickets = [await scene.receives() for _ in range(3)]
    for ticket in tickets:
        await scene.does(ticket, "assign", scene.agents["Liam"], by=scene.agents["Ada"])
    answer = await ada.does(f"/settings/agents/{number}/deactivation")
    assert answer.headers["hx-redirect"].startswith(f"/settings/agents/{number}?")
    assert (await liam.look("/tickets")).status_code == 303
    assert (await (await console.stranger()).sign_in("liam@desk.example")).status_code == 422
    assert "3 open tickets" in (await ada.look(f"/settings/agents/{number}")).text
    assert (
        await ada.does(f"/settings/agents/{number}/tickets", data={"agent": str(number)})
    ).status_code == 400
    to = {"agent": str(scene.agents["Tess"].id)}
    assert (await ada.does(f"/settings/agents/{number}/tickets", data=to)).status_code == 204
    assert {(await scene.ticket(t.id)).assignee_id for t in tickets} == {scene.agents["Tess"].id}
    assert (await ada.does(f"/settings/agents/{number}/reactivation")).status_code == 204
    assert (await liam.sign_in("liam@desk.example")).status_code == 303


async def test_what_ended_with_an_account_does_not_come_back_with_it(console: Console) -> None:
    """Neither the browser that was signed in, nor a token, nor a link to a new password."""
    scene, ada, liam = console.scene, await console.person("Ada"), await console.person("Liam")
    agent = scene.agents["Liam"]
    async with committed(scene.desk.sessions) as session:
        _, secret = await tokens.issue(session, "report", agent=agent, by=agent, scopes=["ticket:read"])
        await invitations.ask_for_reset(session, scene.desk.keys, agent)
    async with scene.desk.sessions() as session:
        reset = (await session.scalars(select(PasswordReset))).one().token(scene.desk.keys)
    program = {"authorization": f"Bearer {secret}"}
    stranger = await console.stranger()
    assert (await stranger.get("/api/v1/me", headers=program)).status_code == 200
    assert (await stranger.get(f"/password/{reset}")).status_code == 200
    for verb in ("deactivation", "reactivation"):
        assert (await ada.does(f"/settings/agents/{agent.id}/{verb}")).status_code == 204
        assert (await stranger.get("/api/v1/me", headers=program)).status_code == 401, verb
        assert (await stranger.get(f"/password/{reset}")).status_code == 404, verb
        assert (await liam.look("/tickets")).status_code == 303, verb
    async with scene.desk.sessions() as session:
        told = select(func.count()).where(Event.kind == Kind.token_revoked, Event.about == "api_token")
        assert await session.scalar(told) == 1
    assert (await liam.sign_in(agent.email)).status_code == 303


async def test_a_role_of_ones_own(console: Console) -> None:
    ada = await console.person("Ada")
    form = {"name": "Auditor", "reach": "all", "ticket:read": "true", "audit:read": "true"}
    assert (await ada.does("/settings/roles", data=form)).status_code == 204
    assert (await ada.does("/settings/roles", data=form)).status_code == 409
    assert (await ada.does("/settings/roles", data=form | {"name": "admin"})).status_code == 409
    assert (await ada.does("/settings/roles", data=form | {"name": "X", "public": "true"})).status_code == 400
    async with console.scene.desk.sessions() as session:
        role = (await session.scalars(select(CustomRole))).one()
    assert role.permissions == ["audit:read", "ticket:read"]
    tess = console.scene.agents["Tess"]
    given = {"name": tess.name, "email": tess.email, "role": f"custom-{role.id}"}
    assert (await ada.does(f"/settings/agents/{tess.id}", data=given)).status_code == 204
    person = await console.person("Tess")
    assert 'href="/settings/audit"' in (await person.look("/settings")).text
    gone = await ada.does(f"/settings/roles/{role.id}/removal", data={"confirmation": "Auditor"})
    assert gone.status_code == 409, "somebody has it"
    await ada.does(f"/settings/agents/{tess.id}", data=given | {"role": "agent"})
    wrong = await ada.does(f"/settings/roles/{role.id}/removal", data={"confirmation": "auditors"})
    assert wrong.status_code == 400
    assert (
        await ada.does(f"/settings/roles/{role.id}/removal", data={"confirmation": "auditor"})
    ).status_code == 204


async def test_teams_have_colours_members_and_phrases(console: Console) -> None:
    ada, scene = await console.person("Ada"), console.scene
    liam = scene.agents["Liam"].id
    form = {
        "name": "Returns",
        "colour": "teal",
        "examples": "send it back\n\n  wrong   size ",
        f"member-{liam}": "true",
    }
    assert (await ada.does("/settings/teams", data=form)).status_code == 204
    assert (await ada.does("/settings/teams", data=form | {"name": "billing"})).status_code == 409
    assert (
        await ada.does("/settings/teams", data=form | {"name": "B", "colour": "url(x)"})
    ).status_code == 400
    page = (await ada.look("/settings/teams")).text
    number = re.findall(r'/settings/teams/(\d+)"><span class="dot"[^>]*></span><span><b>Returns', page)[0]
    shown = (await ada.look(f"/settings/teams/{number}")).text
    assert "send it back\nwrong size" in shown
    assert f'name="member-{liam}" value="true" checked' in shown
    del form[f"member-{liam}"]
    await ada.does(f"/settings/teams/{number}", data=form)
    assert (
        f'name="member-{liam}" value="true" checked' not in (await ada.look(f"/settings/teams/{number}")).text
    )
    billing = scene.teams["Billing"]
    used = await ada.does(f"/settings/teams/{billing.id}/removal", data={"confirmation": "Billing"})
    assert used.status_code == 409, "an inbox belongs to it"
    gone = await ada.does(f"/settings/teams/{number}/removal", data={"confirmation": "Returns"})
    assert gone.status_code == 204


async def _manager(console: Console) -> Person:
    """Tess arranges accounts and roles by a role of the desk's own, and is no admin."""
    role = CustomRole(name="Office", permissions=["agents:manage", "roles:manage", "ticket:read"])
    async with committed(console.scene.desk.sessions) as session:
        session.add(role)
        tess = await session.get_one(Agent, console.scene.agents["Tess"].id)
        tess.custom_role = role
    return await console.person("Tess")


async def test_who_arranges_accounts_gives_nobody_more_than_they_may(console: Console) -> None:
    scene, tess = console.scene, await _manager(console)
    me, ada = scene.agents["Tess"].id, scene.agents["Ada"].id
    own = {"name": "Tess Varga", "email": "tess@desk.example"}
    for form in (
        {"role": "admin"},
        {"role": "lead"},
        {"role": "agent", f"team-{scene.teams['Billing'].id}": "true"},
    ):
        assert (await tess.does(f"/settings/agents/{me}", data=own | form)).status_code == 403, form
    other = {"email": "x@desk.example", "name": "X", "role": "admin"}
    assert (await tess.does("/settings/agents/invitations", data=other)).status_code == 403
    taken_over = {"name": "Ada Novak", "email": "tess+ada@desk.example", "role": "admin"}
    assert (await tess.does(f"/settings/agents/{ada}", data=taken_over)).status_code == 403
    for verb in ("password", "deactivation", "reactivation"):
        assert (await tess.does(f"/settings/agents/{ada}/{verb}")).status_code == 403, verb
    liam = {"name": "Liam Osei", "email": "liam@desk.example", "role": "admin"}
    liams = f"/settings/agents/{scene.agents['Liam'].id}"
    assert (await tess.does(liams, data=liam)).status_code == 403
    assert (await tess.does(liams, data=liam | {"role": "lead"})).status_code == 204
    team = {"name": "Billing", f"member-{me}": "true", f"member-{ada}": "true"}
    assert (await tess.does(f"/settings/teams/{scene.teams['Billing'].id}", data=team)).status_code == 403


async def test_an_admins_invitation_is_shown_and_sent_by_admins_alone(console: Console) -> None:
    ada = await console.person("Ada")
    await invites(ada, role="admin")
    number = re.findall(r"invitations/(\d+)/again", (await ada.look("/settings/agents")).text)[0]
    tess = await _manager(console)
    assert "/invitation/" not in (await tess.look("/settings/agents")).text
    assert (await tess.does(f"/settings/agents/invitations/{number}/again")).status_code == 403
    await invites(tess, email="new@desk.example")


async def test_who_makes_roles_makes_none_that_allows_more(console: Console) -> None:
    tess = await _manager(console)
    async with console.scene.desk.sessions() as session:
        own = (await session.scalars(select(CustomRole.id))).one()
    more = {"name": "Office", "reach": "teams", "ticket:read": "true", "roles:manage": "true"}
    assert (await tess.does(f"/settings/roles/{own}", data=more)).status_code == 403, "their own"
    for extra in ({"data:manage": "true"}, {"ticket:delete": "true"}, {"reach": "all"}):
        form = {"name": "Mine", "reach": "teams", "ticket:read": "true"} | extra
        assert (await tess.does("/settings/roles", data=form)).status_code == 403, extra
    form = {"name": "Mine", "reach": "teams", "ticket:read": "true", "ticket:reply": "true"}
    assert (await tess.does("/settings/roles", data=form)).status_code == 204
