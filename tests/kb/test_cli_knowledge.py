"""A website is brought in from the command line as from the console: by its sitemap, as often as one likes."""

import asyncio
from collections.abc import Mapping

from sqlalchemy import select

from helpdesk.desk import Desk
from kb.articles import Article
from kb.images import ArticleImage
from tests.conftest import SECRET
from tests.helpdesk.servers import Asked, says, server
from tests.helpdesk.test_cli_tickets import called
from tests.kb.papers import png

PAGE = "<html><body><main><h1>%s</h1><p>%s <img src='/logo.png' alt='Logo'></p></main></body></html>"


async def test_a_site_is_imported_and_compared_the_next_time(desk: Desk):
    pages: dict[str, tuple[bytes, str]] = {"/logo.png": (png(), "image/png")}

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        body, kind = pages.get(asked.path, (b"", ""))
        headers: Mapping[str, str] = {"content-type": kind} if kind else {}
        await says("200 OK" if kind else "404 Not Found", body, **headers)(asked, writer)

    async with server(answer) as site:
        base = f"http://127.0.0.1:{site.port}"
        urls = "".join(f"<url><loc>{base}/help/{name}</loc></url>" for name in ("returns", "hours"))
        pages["/sitemap.xml"] = (f"<urlset>{urls}</urlset>".encode(), "text/xml")
        pages["/help/returns"] = ((PAGE % ("Returns", "Within 14 days.")).encode(), "text/html")
        pages["/help/hours"] = ((PAGE % ("Hours", "Nine to six.")).encode(), "text/html")
        here = {
            "DATABASE_URL": desk.database_url,
            "HELPDESK_HOME": str(desk.settings.home),
            "HELPDESK_SECRET": SECRET,
        }
        allowed = here | {"HELPDESK_ALLOW_HOSTS": f"127.0.0.1:{site.port}"}

        refused = await called(here, "knowledge", "import", f"{base}/help")
        assert refused.returncode != 0
        assert site.asked == [], "where the desk may not go, it does not"
        seen = await called(allowed, "knowledge", "import", f"{base}/help", "--dry-run")
        assert "Would be: 2 new" in seen.stdout, seen.stderr
        assert await _bodies(desk) == {}

        done = await called(allowed, "knowledge", "import", f"{base}/help", "--publish")
        assert "Done: 2 new" in done.stdout, done.stderr
        assert set(await _bodies(desk)) == {"Returns", "Hours"}
        pages["/help/returns"] = ((PAGE % ("Returns", "Within 30 days.")).encode(), "text/html")
        again = await called(allowed, "knowledge", "import", f"{base}/help")
        assert "1 changed" in again.stdout, again.stderr
        assert "1 unchanged" in again.stdout
        bodies = await _bodies(desk)
        assert len(bodies) == 2
        assert "30 days" in bodies["Returns"]
        async with desk.sessions() as session:
            assert len((await session.scalars(select(ArticleImage))).all()) == 2, "one of each article"
    missing = await called(here, "knowledge", "import", "nothing.zip")
    assert "There is no file nothing.zip" in missing.stderr


async def _bodies(desk: Desk) -> dict[str, str]:
    async with desk.sessions() as session:
        return {one.title: one.body for one in await session.scalars(select(Article))}
