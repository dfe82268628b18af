"""THE table: what starts when something has happened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from procrastinate.jobs import Job

from helpdesk.events import Kind
from workers import jobs


@dataclass(frozen=True)
class Happened:
    """An event as far as reactions need to know it."""

    kind: Kind
    ticket_id: int | None
    message_id: int | None
    send_after: datetime | None
    """When the message is due to leave, where it is one of ours."""


def deliver(event: Happened) -> Job | None:
    if event.message_id is None:
        return None
    return jobs.delivery(event.message_id, event.ticket_id, event.send_after)


def assist(event: Happened) -> Job:
    return jobs.coalesced(jobs.ASSIST, jobs.AI)


def index(event: Happened) -> Job:
    return jobs.coalesced(jobs.INDEX, jobs.AI)


REACTIONS: dict[Kind, tuple[Callable[[Happened], Job | None], ...]] = {
    # when this has happened     start this
    Kind.message_received:      (assist,),
    Kind.replied:               (deliver,),
    Kind.reply_retried:         (deliver,),
    Kind.article_changed:       (index,),
}  # fmt: skip


def jobs_for(event: Happened) -> list[Job]:
    return [job for react in REACTIONS.get(event.kind, ()) if (job := react(event))]
