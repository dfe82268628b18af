"""The desk's settings as a file, in the console."""

from html import unescape

from sqlalchemy import func, select

from helpdesk.labels import Tag
from helpdesk.rules import Rule
from tests.web.served import Console

PATH = "/settings/data/configuration"
FILE = """helpdesk: 1
tags: [{name: vip, colour: amber}]
rules:
- name: Urgent for some
  when: [created]
  if: {tags: {any_of: [vip]}}
  do: [{priority: urgent}]
"""


async def _count(console: Console, row: type[Tag] | type[Rule]) -> int | None:
    async with console.scene.desk.sessions() as session:
        return await session.scalar(select(func.count()).select_from(row))


async def test_a_file_is_compared_then_put_in_place_then_taken_back(console: Console):
    ada = await console.person("Ada")
    compared = await ada.does(f"{PATH}/plan", data={"text": FILE})
    assert compared.status_code == 200
    shown = unescape(compared.text)
    assert "Urgent for some" in shown
    assert "+    any_of:" in shown
    assert "Nothing is changed yet" in shown
    assert await _count(console, Rule) == 0
    applied = await ada.does(f"{PATH}/apply", data={"text": FILE})
    assert "The file is in place" in applied.text
    assert (await _count(console, Rule), await _count(console, Tag)) == (1, 1)
    before = unescape(applied.text.partition('<textarea name="text" hidden>')[2].partition("</textarea>")[0])
    back = await ada.does(f"{PATH}/apply", data={"text": before, "prune": "true"})
    assert back.status_code == 200
    assert (await _count(console, Rule), await _count(console, Tag)) == (0, 0)


async def test_an_uploaded_file_goes_before_what_was_typed(console: Console):
    ada = await console.person("Ada")
    file = {"file": ("desk.yaml", FILE.encode(), "application/yaml")}
    answer = await ada.does(f"{PATH}/plan", data={"text": "helpdesk: 2"}, files=file)
    assert answer.status_code == 200
    assert "Urgent for some" in answer.text


async def test_a_browser_sends_an_empty_file_where_none_was_chosen(console: Console):
    ada = await console.person("Ada")
    answer = await ada.does(
        f"{PATH}/plan", data={"text": FILE}, files={"file": ("", b"", "application/octet-stream")}
    )
    assert answer.status_code == 200
    assert "Urgent for some" in answer.text


async def test_what_cannot_be_done_is_said_at_its_place_and_kept_as_typed(console: Console):
    ada = await console.person("Ada")
    wrong = await ada.does(f"{PATH}/plan", data={"text": FILE.replace("[vip]", "[nobody has it]")})
    assert "There is no tag “nobody has it” here." in unescape(wrong.text)
    assert "Apply all of it" not in wrong.text
    unread = await ada.does(f"{PATH}/plan", data={"text": "helpdesk: 1\nrules: ["})
    assert unread.status_code == 422
    assert "This is no YAML" in unescape(unread.text)
    assert "rules: [" in unescape(unread.text)
    refused = await ada.does(f"{PATH}/apply", data={"text": FILE.replace("urgent", "yesterday")})
    assert refused.status_code == 422
    assert await _count(console, Rule) == 0


async def test_the_file_that_is_taken_along_has_the_parts_that_were_chosen(console: Console):
    ada = await console.person("Ada")
    answer = await ada.get(f"{PATH}/file?only=policies&only=calendars")
    assert answer.headers["content-disposition"].startswith(
        'attachment; filename="helpdesk-policies-calendars-'
    )
    assert "policies:" in answer.text
    assert "name: Standard" in answer.text
    assert "tags:" not in answer.text
    everything = await ada.get(f"{PATH}/file")
    assert "rules: []" in everything.text


async def test_agents_have_no_such_page(console: Console):
    liam = await console.person("Liam")
    assert (await liam.look(PATH)).status_code == 403
    assert (await liam.get(f"{PATH}/file")).status_code == 403


async def test_as_much_can_be_typed_as_is_promised(console: Console):
    ada = await console.person("Ada")
    long = "helpdesk: 1\n" + "# a remark\n" * 100_000
    assert (await ada.does(f"{PATH}/plan", data={"text": long})).status_code == 200
