"""Articles brought in through the console: seen first, then written, and taken along again."""

import io
import zipfile
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from kb.articles import Article
from kb.images import ArticleImage
from kb.imports import working
from tests.kb.papers import png, zipped
from tests.kb.test_imports import export_of
from tests.web.served import Console, Person
from workers.importing import import_knowledge


async def uploads(person: Person, name: str, content: bytes, source: str = "guide"):
    await person.look("/knowledge/imports")
    return await person.post(
        "/knowledge/imports",
        data={"csrf": person.token, "source": source},
        files={"file": (name, content, "application/octet-stream")},
    )


async def read(console: Console, answer: httpx.Response) -> str:
    """Its page, once a worker has dealt with it."""
    assert answer.status_code == 303, answer.text
    await import_knowledge(console.scene.desk)
    return answer.headers["location"].partition("?")[0]


async def articles(console: Console) -> list[tuple[str, str]]:
    async with console.scene.desk.sessions() as session:
        found = await session.scalars(select(Article).order_by(Article.id))
        return [(one.title, one.state.value) for one in found]


async def test_a_file_is_looked_at_and_then_written_once(console: Console):
    ada = await console.person("Ada")
    answer = await uploads(ada, "guide.zip", export_of("zendesk"))
    waiting = (await ada.look(answer.headers["location"])).text
    assert "The file is being read." in waiting
    assert 'hx-trigger="every 1s"' in waiting
    place = await read(console, answer)
    preview = (await ada.look(place)).text
    assert "Return a crate" in preview
    assert "Shipping › Crates" in preview
    assert "<b>3</b>" in preview
    assert await articles(console) == [], "nothing is written yet"

    written = {"csrf": ada.token, "publish": "true"}
    assert (await ada.post(f"{place}/writing", data=written)).status_code == 303
    assert (await ada.post(f"{place}/writing", data=written)).status_code == 409, "it is on its way"
    assert (await ada.does(f"{place}/removal")).status_code == 409
    assert await articles(console) == []
    await import_knowledge(console.scene.desk)
    assert await articles(console) == [
        ("Return a crate", "published"),
        ("Lost crates", "draft"),
        ("Discount levels", "published"),
    ]
    assert (await ada.post(f"{place}/writing", data=written)).status_code == 409
    assert "3 new, 0 updated" in (await ada.look("/knowledge/imports")).text

    again = await uploads(ada, "guide.zip", export_of("zendesk"))
    preview = (await ada.look(await read(console, again))).text
    assert "There is nothing to write" in preview

    taken = await ada.get("/knowledge/imports/articles.zip")
    with zipfile.ZipFile(io.BytesIO(taken.content)) as archive:
        names = sorted(archive.namelist())
        assert names == ["de/discount-levels.md", "en-US/lost-crates.md", "en-US/return-a-crate.md"]
        assert b'category: "Shipping/Crates"' in archive.read("en-US/return-a-crate.md")


async def test_what_cannot_be_read_is_said_and_others_keep_out(console: Console):
    ada, liam = await console.person("Ada"), await console.person("Tess")
    assert (await uploads(ada, "photo.png", b"x")).status_code == 400
    assert (await uploads(ada, "x.md", b"# T\n\nx", source="s" * 61)).status_code == 400
    files = {"one.md": b"# <b>T</b>\n\n[x](javascript:alert(1))", "<i>two.md": "Öre".encode("latin-1")}
    answer = await uploads(ada, "some.zip", zipped(files))
    place = await read(console, answer)
    preview = (await ada.look(place)).text
    assert "&lt;b&gt;T&lt;/b&gt;" in preview
    assert "&lt;i&gt;two.md</span>: <span" in preview
    assert "This file is not UTF-8." in preview
    for method, path in (
        ("GET", "/knowledge/imports"),
        ("GET", place),
        ("POST", f"{place}/writing"),
        ("POST", f"{place}/again"),
        ("POST", "/knowledge/imports/sites"),
        ("GET", "/knowledge/imports/articles.zip"),
    ):
        assert (await liam.does(path, method)).status_code == 403, path
    assert (await ada.does(f"{place}/removal")).status_code in {200, 204, 303}
    assert (await ada.get(place)).status_code == 404


async def test_what_could_not_be_read_says_why_and_is_tried_again(console: Console):
    ada = await console.person("Ada")
    place = await read(console, await uploads(ada, "empty.zip", zipped({"photo.txt": b"x"})))
    failed = (await ada.look(place)).text
    assert "It could not be read." in failed
    assert "Choose a file that ends in .zip" in failed
    assert (await ada.does(f"{place}/writing")).status_code == 409
    assert (await ada.does(f"{place}/again")).status_code == 204
    await import_knowledge(console.scene.desk)
    assert "It could not be read." in (await ada.look(place)).text
    sites = "/knowledge/imports/sites"
    for address in ("", "http://help.example.com", "https://10.0.0.1/", "https://127.0.0.1:22"):
        answer = await ada.does(sites, data={"address": address})
        assert answer.status_code == 400, address


async def test_pictures_are_among_the_desks_files_only_once_somebody_said_yes(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    ada, desk = await console.person("Ada"), console.scene.desk
    crates = zipped({"crates.md": b"# Crates\n\n![a lid](lid.png)", "lid.png": png()})

    def files(folder: Path) -> list[bytes]:
        return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]

    def waiting() -> list[bytes]:
        return files(desk.settings.home / "incoming")

    discarded = await read(console, await uploads(ada, "crates.zip", crates))
    assert (files(desk.files.folder), waiting()) == ([], [png()])
    await ada.does(f"{discarded}/removal")
    assert waiting() == []

    with monkeypatch.context() as patched:
        patched.setattr(working, "LONGEST", 10)
        failed = await read(console, await uploads(ada, "crates.zip", crates))
    assert "There is too much text in it" in (await ada.look(failed)).text
    assert waiting() == [crates], "to be tried again"
    await ada.does(f"{failed}/removal")

    place = await read(console, await uploads(ada, "crates.zip", crates))
    await ada.post(f"{place}/writing", data={"csrf": ada.token, "publish": "true"})
    await import_knowledge(desk)
    assert (files(desk.files.folder), waiting()) == ([png()], [])
    async with desk.sessions() as session:
        image = (await session.scalars(select(ArticleImage))).one()
    assert (await ada.get(f"/knowledge/images/{image.id}")).content == png()
