"""What a dry run found, told for its page."""

from typing import Any

from sqlalchemy import select

from helpdesk.events import Event
from helpdesk.i18n import gettext
from helpdesk.rules.foreseeing import Foreseen
from web.rules import runs
from web.rules.editing import Editor


async def foretold(editor: Editor, found: Foreseen | None, problem: str) -> dict[str, Any]:
    """For settings/rules/_foreseen.html. `problem`: why there is nothing to tell."""
    if found is None:
        return {"foreseen": None, "problem": problem, "lines": {}, "after": {}, "by_today": []}
    return {
        "foreseen": found,
        "problem": problem,
        "lines": {hit.ticket_id: editor.narrator.lines(hit.done) for hit in found.hits},
        "after": await after(editor, found),
        "by_today": [editor.known.describe(each) for each in found.by_today],
    }


async def after(editor: Editor, found: Foreseen) -> dict[int, str]:
    """Ticket → after what the rule would have been asked about it."""
    ids = [hit.moment.event_id for hit in found.hits if hit.moment.event_id]
    kinds: dict[int, str] = {}
    if ids:
        rows = await editor.session.execute(select(Event.id, Event.kind).where(Event.id.in_(ids)))
        kinds = {number: runs.after(kind) for number, kind in rows}
    by_time = gettext("By time")
    return {hit.ticket_id: kinds.get(hit.moment.event_id or 0, by_time) for hit in found.hits}
