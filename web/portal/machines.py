"""What browsers and robots fetch of a help centre: its colours, its logo, pictures of articles, robots.txt."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from sqlalchemy import select

from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.portal import HelpCentre, centres, colours
from kb import images
from kb.readers import readable
from web.auth import permits
from web.dependencies import CurrentDesk, Session
from web.portal.hosts import host_of
from web.portal.pages import OPEN, Portal
from web.portal.place import ThisPlace, paths

PICTURE = {
    "content-disposition": "inline",
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


class Machines(Portal):
    @get(paths("/look.css"), opt=OPEN)
    async def look(self, place: ThisPlace) -> Response[str]:
        """A style sheet of its own, since no page may carry any: the brand's colours, computed, never as typed."""
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(look(place.centre.colour), media_type="text/css", headers=headers)

    @get(paths("/logo"), opt=OPEN)
    async def logo(self, session: Session, place: ThisPlace) -> Response[bytes]:
        content = await session.scalar(select(HelpCentre.logo).where(HelpCentre.id == place.centre.id))
        if not content:
            raise NotFound
        headers = PICTURE | {"cache-control": "public, max-age=31536000, immutable"}
        return Response(content, media_type=place.centre.logo_type, headers=headers)

    @get(paths("/images/{number:int}"), opt=OPEN)
    async def image(
        self, session: Session, place: ThisPlace, desk: CurrentDesk, number: FromPath[int]
    ) -> Response[bytes]:
        """Of an article that this reader may read here."""
        if not number < 2**63:
            raise NotFound
        found = await images.found(session, number, readable(place.reader_of_all))
        headers = PICTURE | ({} if place.customer else {"cache-control": "private, max-age=3600"})
        return Response(await desk.files.get(found.key), media_type=found.content_type, headers=headers)


@get("/robots.txt", opt=permits(Action.public), include_in_schema=False)
async def robots(request: Request[Any, Any, Any], session: Session, desk: CurrentDesk) -> Response[str]:
    """The console is nothing for search engines; help centres are, where their brand says so."""
    lines = ["User-agent: *"]
    active = [one for one in await centres.every(session) if one.active]
    own = host_of(request)
    host = (
        own if any(one.host == own for one in active) else None
    )  # at a brand's, nothing tells of the others
    here = [one for one in active if one.indexed and one.host == host]
    if here:
        lines += ["Allow: /help", "Allow: /assets", "Disallow: /help/search", "Disallow: /help/tickets"]
    lines += ["Disallow: /", *(f"Sitemap: {one.url(desk.settings.url)}/sitemap.xml" for one in here)]
    return Response("\n".join(lines) + "\n", media_type="text/plain")


def look(colour: str) -> str:
    tokens = colours.accent(colour).tokens
    return ":root {\n" + "".join(f"  {name}: {value};\n" for name, value in tokens.items()) + "}\n"
