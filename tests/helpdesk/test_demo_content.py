"""The demo's texts hold together: every name resolves, every thread runs forward, every mail can be read."""

import re
from collections import Counter
from email import policy
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from socket import socket

import pytest

from helpdesk.cli.demo import content
from helpdesk.cli.demo.commands import require_free
from helpdesk.errors import Misconfigured
from helpdesk.people import Role
from helpdesk.statuses import Category

COMPANY = content.load()
MAILS = content.mails()
SLUGS = {article.slug for article in COMPANY.articles}
CONTACTS = {contact.mail for contact in COMPANY.contacts}
AGENTS = {agent.mail for agent in COMPANY.agents}
TEAMS = {team.name for team in COMPANY.teams}
LINKS = re.compile(r"]\(([^)]+)\)")
HOSTS = re.compile(r"[\w.+-]+@([\w.-]+\w)|https?://([\w.-]+\w)")


def named(ticket: content.Ticket) -> str:
    return ticket.subject


def test_the_company_is_as_large_as_promised():
    assert (len(COMPANY.teams), len(COMPANY.agents)) == (3, 5)
    assert (len(COMPANY.articles), len(COMPANY.tickets), len(MAILS)) == (40, 70, 8)
    assert len(COMPANY.companies) == 12
    assert len(COMPANY.contacts) >= 40
    assert Counter(agent.role for agent in COMPANY.agents) == {Role.admin: 1, Role.lead: 1, Role.agent: 3}


def test_there_are_tickets_in_every_state():
    assert {ticket.category for ticket in COMPANY.tickets} == set(Category)


def test_nothing_is_called_the_same_twice():
    for names in (
        [article.slug for article in COMPANY.articles],
        [article.title for article in COMPANY.articles],
        [ticket.subject for ticket in COMPANY.tickets],
        [agent.mail for agent in COMPANY.agents] + [contact.mail for contact in COMPANY.contacts],
        [firm.domain for firm in COMPANY.companies],
        [phrase for team in COMPANY.teams for phrase in team.examples],
    ):
        assert not [name for name, times in Counter(names).items() if times > 1]


def test_people_belong_to_teams_and_firms_that_exist():
    assert {name for agent in COMPANY.agents for name in agent.teams} == TEAMS
    firms = {firm.name for firm in COMPANY.companies}
    assert {contact.company for contact in COMPANY.contacts if contact.company} == firms


@pytest.mark.parametrize("team", COMPANY.teams, ids=lambda team: team.name)
def test_a_team_has_phrases_to_learn_from(team: content.Team):
    assert 12 <= len(team.examples) <= 20


@pytest.mark.parametrize("article", COMPANY.articles, ids=lambda article: article.slug)
def test_an_article_is_worth_reading_and_leads_somewhere(article: content.Article):
    assert 150 <= len(article.body.split()) <= 450
    assert not article.body.startswith("# "), "the title stands in the front matter"
    assert {link for link in LINKS.findall(article.body) if not link.startswith("http")} <= SLUGS


def test_an_article_lies_in_the_file_of_its_name():
    assert {path.stem for path in content.FOLDER.glob("articles/*.md")} == SLUGS


def test_categories_are_few_and_none_is_lonely():
    sizes = Counter(article.category for article in COMPANY.articles)
    assert 6 <= len(sizes) <= 7
    assert min(sizes.values()) >= 4


@pytest.mark.parametrize("ticket", COMPANY.tickets, ids=named)
def test_everybody_in_a_ticket_exists(ticket: content.Ticket):
    assert ticket.contact in CONTACTS
    assert ticket.team in {None, *TEAMS}
    assert ticket.assignee in {None, *AGENTS}
    for message in ticket.messages:
        assert message.author in (CONTACTS if message.kind == "inbound" else AGENTS)


@pytest.mark.parametrize("ticket", COMPANY.tickets, ids=named)
def test_a_thread_begins_with_the_customer_and_runs_forward(ticket: content.Ticket):
    first = ticket.messages[0]
    assert (first.kind, first.author) == ("inbound", ticket.contact)
    assert all(later.ago < earlier.ago for earlier, later in pairwise(ticket.messages))
    assert 1 <= len(ticket.messages) <= 8
    assert 4 * 60 <= ticket.messages[-1].ago.total_seconds() <= 60 * 24 * 3600


@pytest.mark.parametrize("ticket", COMPANY.tickets, ids=named)
def test_a_state_says_what_has_happened(ticket: content.Ticket):
    """New: nobody has answered. Waiting and settled: somebody has."""
    kinds = {message.kind for message in ticket.messages}
    match ticket.category:
        case Category.new:
            assert kinds == {"inbound"}
            assert ticket.assignee is None
        case Category.waiting:
            assert ticket.messages[-1].kind == "outbound"
        case Category.on_hold | Category.resolved | Category.closed:
            assert "outbound" in kinds


@pytest.mark.parametrize("name", MAILS)
def test_a_sample_mail_can_be_read(name: str):
    mail = BytesParser(policy=policy.default).parsebytes(MAILS[name].read_bytes())
    assert not [defect for part in mail.walk() for defect in part.defects]
    assert getaddresses([mail["To"]])[0][1] == COMPANY.inbox.address
    assert parsedate_to_datetime(mail["Date"])
    assert mail["Subject"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert len(body.get_content().split()) > 20


def test_sample_mails_are_all_different():
    parser = BytesParser(policy=policy.default)
    ids = [parser.parsebytes(path.read_bytes())["Message-ID"] for path in MAILS.values()]
    assert len(set(ids)) == len(ids)


def test_questions_lead_to_articles_or_to_none():
    """A quarter has no answer, so that staying silent can be measured too; every article is asked for."""
    questions = content.questions()
    asked = Counter(question.slug for question in questions)
    assert (len(questions), asked[None]) == (60, 15)
    assert set(asked) == {None, *SLUGS}
    assert len({question.question for question in questions}) == len(questions)


def test_no_text_names_a_real_host():
    """Addresses and links stay under names that nobody can own (RFC 2606)."""
    for path in content.FOLDER.rglob("*.*"):
        for hosts in HOSTS.findall(path.read_text()):
            assert "".join(hosts).endswith(".example"), f"{path.name} names {hosts}"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return copytree(content.FOLDER, tmp_path / "content")


@pytest.mark.parametrize(
    ("file", "was", "becomes", "says"),
    [
        ("company.toml", 'role = "admin"', 'role = "king"', r"company\.toml: .*king.*agents\[0\]\.role"),
        ("company.toml", "about =", "abuot =", r"company\.toml: .*abuot"),
        ("tickets/new.toml", 'ago = "PT4M"', 'ago = "soon"', r"new\.toml: .*messages\[0\]\.ago"),
        ("tickets/new.toml", "[[tickets]]", "[[tickets", r"new\.toml: "),
        ("articles/vat.md", "category: ", "kategory: ", r"vat\.md: .*kategory"),
        ("articles/vat.md", "---\ntitle", "title", r"vat\.md needs front matter"),
    ],
)
def test_a_mistake_is_named_by_file_and_field(copied: Path, file: str, was: str, becomes: str, says: str):
    path = copied / file
    path.write_text(path.read_text().replace(was, becomes, 1))
    with pytest.raises(Misconfigured, match=says):
        content.load(copied)


def test_a_port_that_is_taken_is_said_before_anything_starts():
    with socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Misconfigured, match="HELPDESK_DEMO_SMTP_PORT"):
            require_free(other.getsockname()[1])
    require_free(0)
