"""Where a customer reads for themselves what an answer was taken from."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.desk import Desk
from helpdesk.portal import centres
from kb.articles import Article
from kb.readers import Reader, readable


async def addresses(session: AsyncSession, desk: Desk, inbox_id: int, articles: Iterable[int]) -> list[str]:
    """In the help centre of the inbox's brand, of what anybody may read there; the others are named without an
    address, since they open only for those who have signed in."""
    wanted = list(dict.fromkeys(articles))
    centre = await centres.of_inbox(session, inbox_id)
    if centre is None or not wanted:
        return []
    reader = Reader(Reader.public().audiences, collections=tuple(centre.collection_ids))
    found = await session.execute(
        select(Article.id, Article.slug, Article.locale).where(Article.id.in_(wanted), readable(reader))
    )
    start = centre.url(desk.settings.url)
    made = {
        row.id: f"{start}{'' if row.locale == centre.language else f'/{row.locale}'}/articles/{row.slug}"
        for row in found
        if row.locale in centre.languages
    }
    return [made[each] for each in wanted if each in made]
