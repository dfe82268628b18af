"""Styles, scripts and icons: complete, packed, kept for ever, and from here alone."""

import json
import re
from pathlib import Path

import httpx

from tests.web.served import Console
from web.assets import FOR_EVER, STATIC, Assets
from web.pages import TEMPLATES

ROOT = Path(__file__).parents[2]


async def test_assets_are_kept_for_ever_under_an_address_of_their_content(console: Console):
    stranger = await console.stranger()
    url = console.app.state.assets.url("css/index.css")
    answer = await stranger.get(url)
    assert answer.headers["cache-control"] == FOR_EVER
    assert answer.headers["content-encoding"] == "gzip"
    assert "@import" not in answer.text
    assert "@layer reset, tokens, base, components;" in answer.text
    plain = await stranger.get(url, headers={"accept-encoding": "identity"})
    assert plain.content == answer.content
    old = await stranger.get(url.replace(console.app.state.assets.version, "0123456789abcdef"))
    assert old.status_code == 200
    assert old.headers["cache-control"] == "no-store"
    for name in ("../app.py", "vendor/.stamp", "%2e%2e/app.py", "js/none.js"):
        assert (await stranger.get(f"/assets/x/{name}")).status_code == 404


async def test_everything_that_a_page_names_is_there(console: Console):
    ada = await console.person("Ada")
    page = (await ada.look("/tickets")).text
    named = set(re.findall(r'(?:href|src)="(/assets/[^"#]+)', page))
    assert len(named) > 10
    for url in named:
        assert (await ada.get(url)).status_code == 200, url
    assert not re.findall(r'(?:href|src|action)="(?:https?:)?//', page)


def test_every_address_in_styles_and_scripts_is_our_own():
    for path in [*STATIC.glob("css/**/*.css"), *STATIC.glob("js/*.js")]:
        text = path.read_text()
        for target in re.findall(r'url\("([^"]+)"\)|from "([^"]+)"|import "([^"]+)"', text):
            relative = next(part for part in target if part)
            assert (path.parent / relative).resolve().exists(), (path.name, relative)


def test_icons_are_exactly_those_that_templates_show():
    listed = set(json.loads((ROOT / "package.json").read_text())["icons"])
    code = [
        path.read_text()
        for path in [*TEMPLATES.rglob("*.html"), *(ROOT / "web").rglob("*.py"), ROOT / "ai/drafting/tools.py"]
    ]
    used = {name for name in re.findall(r'"([a-z][a-z0-9-]*)"', "\n".join(code)) if name in listed}
    shown = {name for text in code for name in re.findall(r'icon\("([a-z0-9-]+)"', text)}
    assert shown <= listed
    assert used == listed


def test_the_tree_has_one_version(tmp_path: Path):
    first = Assets()
    assert first.version == Assets().version
    assert len(first.version) == 16
    assert httpx.URL(first.url("js/app.js")).path.startswith(f"/assets/{first.version}/js/")


SIDED = re.compile(
    r"(?<![-\w])(?:margin|padding|border)-(?:left|right)\b"
    r"|(?<![-\w])(?:float|clear): (?:left|right)\b"
    r"|(?<![-\w])(?:margin|padding|inset): (?P<four>[^;{}]+)"
)


def parts(value: str) -> list[str]:
    """The values of a rule, what stands in brackets being one."""
    return re.findall(r"(?:[^\s(]|\((?:[^()]|\([^()]*\))*\))+", value)


def sided(rules: str) -> list[str]:
    """Rules that say left or right: four values name the right side before the left one."""
    found = []
    for match in SIDED.finditer(rules):
        values = parts(match["four"] or "")
        if match["four"] is None or (len(values) == 4 and values[1] != values[3]):
            found.append(match[0])
    return found


def test_no_rule_says_left_or_right():
    """Whoever reads from right to left gets every margin and padding on the other side."""
    assert sided("a { padding: 1px 22px 1px 6px }") == ["padding: 1px 22px 1px 6px "]
    assert sided("a { margin-left: auto; padding: 1px calc(2px + 3px) 0 calc(2px + 3px) }") == ["margin-left"]
    files = [file for file in STATIC.rglob("*.css") if "vendor" not in file.parts]
    assert len(files) > 50
    assert {file.name: found for file in files if (found := sided(file.read_text()))} == {}


async def test_icons_that_point_onward_are_known_as_such(console: Console):
    """They are turned where reading goes from right to left; a bell is not."""
    page = (await (await console.person("Ada")).look("/settings/me")).text
    assert re.search(r'<svg class="icon onward" aria-hidden="true"><use href="[^"]+#arrow-left">', page)
    assert re.search(r'<svg class="icon" aria-hidden="true"><use href="[^"]+#bell">', page)
