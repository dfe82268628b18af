"""Reports in the console: what is asked is shown, every number opens its tickets, files hold the same."""

import csv
import io
import re
from html import unescape

import openpyxl
import pytest

from helpdesk.access import Action
from helpdesk.database import committed
from helpdesk.people import Agent, CustomRole, Reach, Role, with_access
from tests.helpdesk.days import Week, lived
from tests.web.served import Console, Person

WEEK = "period=custom&begin=2026-03-27&end=2026-03-31"
ALL = "created,resolved,backlog,replies,first_response_median,reopened,csat"


@pytest.fixture
async def week(console: Console) -> Week:
    """Ada's zone is Berlin, as the story's is; Liam leads."""
    found = await lived(console.scene)
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Agent, console.scene.agents["Ada"].id)).time_zone = "Europe/Berlin"
        tess = await session.get_one(Agent, console.scene.agents["Tess"].id)
        tess.role, tess.time_zone = Role.lead, "Europe/Berlin"
    return found


def tiles(text: str) -> dict[str, str]:
    """Measure → what its tile says."""
    found = re.findall(r"<dt><a [^>]*>([^<]+)</a>.*?<dd><b>(.*?)</b>", text, re.DOTALL)
    return {unescape(name): re.sub(r"<[^>]+>", "", value).strip() for name, value in found}


def cells(text: str) -> list[list[str]]:
    """The table, as it is read."""
    table = text[text.index('class="table wide lines"') :]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table[: table.index("</table>")], re.DOTALL)
    plain = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in plain]


async def test_a_report_of_the_week(console: Console, week: Week):
    ada = await console.person("Ada")
    page = (await ada.look(f"/reports?{WEEK}&measures={ALL}")).text
    assert tiles(page) == {
        "Created tickets": "5",
        "Resolved tickets": "2",
        "Backlog": "3",
        "Replies": "6",
        "First response, median": "25 min",
        "Opened again": "50 %",
        "Satisfied customers": "–",
    }
    assert "of 4; between" in page
    assert cells(page)[2][:4] == ["Fri 27 Mar", "2", "1", "1"]
    assert page.count("<title>Fri 27 Mar: 2</title>") == 1
    assert 'style="' not in page
    agents = (await ada.look(f"/reports?{WEEK}&measures=replies&by=agent")).text
    assert cells(agents)[1:] == [["All together", "6"], ["Ada Novak", "3"], ["Liam Osei", "3"]]
    hours = (await ada.look(f"/reports?{WEEK}&measures=created&by=hour")).text
    assert hours.count('class="heat-9"') == 1  # two came on Friday at four, one each at other times


@pytest.mark.parametrize("name", ["created", "replies", "first_response_median", "backlog", "reopened"])
async def test_every_number_opens_as_many_tickets_as_it_says(console: Console, week: Week, name: str):
    ada = await console.person("Ada")
    page = (await ada.look(f"/reports?{WEEK}&measures={name}&by=team")).text
    links = {unescape(link) for link in re.findall(r'href="(/reports/tickets\?[^"]+)"', page)}
    assert links
    for link in links:
        shown = (await ada.look(link)).text
        counted = int(re.search(r'</h1><span class="count">(\d+)<', shown)[1])  # type: ignore[index]
        assert counted == len(set(re.findall(r'href="/tickets/(\d+)"', shown))) > 0
    parts = [await behind(ada, f"{WEEK}&measures=one_touch&part={part}") for part in ("all", "yes", "no")]
    assert [len(part) for part in parts] == [2, 1, 1]


async def behind(person: Person, query: str) -> set[str]:
    return set(re.findall(r'href="/tickets/(\d+)"', (await person.look(f"/reports/tickets?{query}")).text))


def even(cell: str) -> str | float:
    """A spreadsheet does not tell 1 from 1.0."""
    try:
        return float(cell)
    except ValueError:
        return cell


async def test_files_hold_exactly_what_is_shown(console: Console, week: Week):
    ada = await console.person("Ada")
    query = f"{WEEK}&measures=created,first_response_median,reopened&by=agent&compare=previous"
    told = (await ada.look(f"/reports/export.csv?{query}")).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(told)))
    assert rows[0][:4] == [
        "Agent",
        "Created tickets",
        "Created tickets: before",
        "First response, median (seconds)",
    ]
    assert rows[1][:3] == ["All together", "5", "0"]
    assert abs(int(rows[1][3]) - 1500) < 5
    assert rows[1][6:10] == ["0.5", "4", "0.150039", "0.849961"]
    book = openpyxl.load_workbook(io.BytesIO((await ada.look(f"/reports/export.xlsx?{query}")).content))
    sheet = [["" if cell is None else str(cell) for cell in row] for row in book.worksheets[0].values]
    assert [list(map(even, row)) for row in sheet] == [list(map(even, row)) for row in rows]
    meaning = dict(book.worksheets[1].values)
    assert meaning["Created tickets"].startswith("Tickets that came in")
    assert meaning["Compared with"].startswith("2026-03-22 to 2026-03-26")


async def test_one_row_per_ticket(console: Console, week: Week):
    """What a stranger wrote is never a formula."""
    await week.asks("Tue 13:00", "=HYPERLINK(1)", sender="evil@formula.example")
    await week.counted()
    ada = await console.person("Ada")
    answer = await ada.look(f"/reports/tickets.csv?{WEEK}")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    found = {row["subject"]: row for row in rows}
    assert set(found) == {"quick", "weekend", "bot", "taken", "away", "'=HYPERLINK(1)"}
    weekend = found["weekend"]
    assert (weekend["first_reply_by"], weekend["resolved_by"]) == ("Liam Osei", "Ada Novak")
    assert abs(int(weekend["first_response_seconds"]) - 64 * 3600) < 5
    assert abs(int(weekend["first_response_business_seconds"]) - 3600) < 5
    assert (weekend["replies"], weekend["reopens"], weekend["one_touch"]) == ("3", "1", "false")
    assert (found["quick"]["one_touch"], found["quick"]["first_response_in_time"]) == ("true", "true")
    assert answer.headers["content-disposition"].endswith('tickets-2026-03-27-2026-03-31.csv"')


async def test_who_may_not_gets_nothing(console: Console, week: Week):
    """Agents have no reports; a lead of another team counts, opens and takes along only what they may know of."""
    liam = await console.person("Liam")
    for path in ("/reports", "/reports/tickets", "/reports/export.csv", "/reports/tickets.csv"):
        assert (await liam.get(path)).status_code == 403
    assert "/reports" not in (await liam.look("/tickets")).text
    tess = await console.person("Tess")
    assert tiles((await tess.look(f"/reports?{WEEK}&measures=created")).text) == {"Created tickets": "0"}
    assert await behind(tess, f"{WEEK}&measures=created") == set()
    rows = (await tess.look(f"/reports/tickets.csv?{WEEK}")).text.splitlines()
    assert len(rows) == 1
    async with committed(console.scene.desk.sessions) as session:
        agent = await session.get_one(Agent, console.scene.agents["Tess"].id, options=list(with_access()))
        agent.custom_role = CustomRole(
            name="Reader", permissions=[Action.read, Action.report], reach=Reach.all
        )
    assert tiles((await tess.look(f"/reports?{WEEK}&measures=created")).text) == {"Created tickets": "5"}
    assert (await tess.get(f"/reports/export.csv?{WEEK}")).status_code == 403


@pytest.mark.parametrize(
    "query",
    ["measures=nothing", "period=custom&begin=2026-02-30&end=2026-03-01", "period=never", "by=colour", "teams=x",
     "period=custom&begin=2026-03-02&end=2026-03-01", "compare=x", "agents=99999999999999999999999",
     "measures=" + ",".join(f"{a}_{b}" for a in ("resolution", "first_response", "next_response", "resolution_hours",
                                                "first_response_hours") for b in ("mean", "median", "p90"))],
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused_in_words(console: Console, query: str):
    ada = await console.person("Ada")
    answer = await ada.get(f"/reports?{query}")
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("query", ["by=day&key=x", "by=agent&key=x", "part=x", "by=team&key=-1"])
async def test_a_line_that_is_not_there_is_refused(console: Console, query: str):
    ada = await console.person("Ada")
    assert (await ada.get(f"/reports/tickets?measures=reopened&{query}")).status_code == 400


async def test_limits_are_chips_that_can_be_taken_away(console: Console, week: Week):
    ada = await console.person("Ada")
    billing = console.scene.teams["Billing"].id
    page = (await ada.look(f"/reports?{WEEK}&teams={billing}&teams=0&priorities=high")).text
    chips = re.findall(r'<a class="chip accent" href="([^"]+)"[^>]*><span[^>]*>([^<]+)<', page)
    assert {name for _, name in chips} == {"Team: Billing", "Team: No team", "Priority: High"}
    assert tiles(page)["Created tickets"] == "0"
    without = next(unescape(link) for link, name in chips if name == "Priority: High")
    assert tiles((await ada.look(without)).text)["Created tickets"] == "5"
