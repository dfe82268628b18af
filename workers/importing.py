"""Files of contacts and of articles, checked, imported and taken back beside everything else; one after the other."""

import structlog
from sqlalchemy.exc import IntegrityError

from helpdesk.contact_csv import imports
from helpdesk.desk import Desk
from kb.imports import working
from workers.outages import is_outage

log = structlog.get_logger(__name__)


async def import_contacts(desk: Desk) -> None:
    """All that is wanted, the oldest first. Killed in the middle it starts again: each is one transaction.

    An address that a mail brought meanwhile, and an outage, are tried again by the queue; a failure of our own ends
    the import with words, so that it does not stand in the way of the next.
    """
    while (wanted := await imports.next_wanted(desk)) is not None:
        try:
            done = await imports.do(desk, wanted)
        except Exception as error:
            if is_outage(error) or isinstance(error, IntegrityError):
                raise
            log.exception("import failed", contact_import=wanted)
            await imports.give_up(desk, wanted)
        else:
            log.info("import dealt with", contact_import=wanted, state=done.state, **_counts(done.report))


async def import_knowledge(desk: Desk) -> None:
    """Articles from files and websites: each stage of each, the oldest first. Killed in the middle it begins anew."""
    while (wanted := await working.next_wanted(desk)) is not None:
        await working.do(desk, wanted)
        log.info("import of articles dealt with", knowledge_import=wanted.id, stage=wanted.stage)


def _counts(report: dict[str, object]) -> dict[str, object]:
    return {key: count for key, count in report.items() if isinstance(count, int)}
