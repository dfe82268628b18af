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
    id: int = 0
    about_id: int | None = None
    """The row that it is about, where that is no ticket."""


def deliver(event: Happened) -> Job | None:
    if event.message_id is None:
        return None
    return jobs.delivery(event.message_id, event.ticket_id, event.send_after)


def leave(event: Happened) -> Job | None:
    if event.message_id is None:
        return None
    return jobs.leaving(event.message_id, event.send_after)


def change_many(event: Happened) -> Job:
    return jobs.coalesced(jobs.BULK, jobs.MAIL)


def import_contacts(event: Happened) -> Job:
    return jobs.coalesced(jobs.CONTACTS, jobs.DATA)


def import_knowledge(event: Happened) -> Job:
    return jobs.coalesced(jobs.KNOWLEDGE, jobs.DATA)


def care(event: Happened) -> Job:
    return jobs.coalesced(jobs.CARE, jobs.DATA)


def refresh_calendars(event: Happened) -> Job:
    return jobs.coalesced(jobs.CALENDARS, jobs.MAIL)


def share(event: Happened) -> Job:
    """A ticket looks for somebody, or somebody for a ticket."""
    return jobs.coalesced(jobs.SHARE, jobs.MAIL)


def assist(event: Happened) -> Job:
    return jobs.coalesced(jobs.ASSIST, jobs.AI)


def index(event: Happened) -> Job:
    return jobs.coalesced(jobs.INDEX, jobs.AI)


def evaluate(event: Happened) -> Job:
    return jobs.coalesced(jobs.EVALUATE, jobs.EVALUATIONS)


def learn(event: Happened) -> Job:
    return jobs.coalesced(jobs.LEARN, jobs.AI)


def write_article(event: Happened) -> Job | None:
    return jobs.writing_article(event.about_id) if event.about_id else None


def try_models(event: Happened) -> Job:
    return jobs.coalesced(jobs.TRY_MODELS, jobs.WRITING)


def draft(event: Happened) -> Job | None:
    return jobs.draft(event.ticket_id) if event.ticket_id else None


def consider(event: Happened) -> Job | None:
    """Whether the assistant answers."""
    return jobs.considering([event.message_id]) if event.message_id else None


def engage(event: Happened) -> Job | None:
    return jobs.engaging(event.ticket_id) if event.ticket_id else None


def act(event: Happened) -> Job:
    """A colleague may have allowed a tool."""
    return jobs.coalesced(jobs.ACT, jobs.ASSISTANT)


def reckon(event: Happened) -> Job:
    return jobs.reckoning(event.kind)


def measure(event: Happened) -> Job | None:
    """Dispatch makes one job of many of these, too."""
    return None if event.ticket_id is None else jobs.measuring([event.ticket_id])


def hear(event: Happened) -> Job:
    """Who hears of it is decided in workers/notices.py; dispatch makes one job of many of these."""
    return jobs.notice([event.id])


REACTIONS: dict[Kind, tuple[Callable[[Happened], Job | None], ...]] = {
    # when this has happened     start this
    Kind.message_received:      (consider, assist, hear, measure),
    Kind.assistant_engaged:     (engage,),
    Kind.assistant_handed_over: (share,),
    Kind.assistant_acted:       (act,),
    Kind.assistant_stopped:     (share,),
    Kind.reply_scheduled:       (leave,),
    Kind.forwarded:             (deliver,),
    Kind.third_party_answered:  (hear,),
    Kind.contacts_import_wanted: (import_contacts,),
    Kind.knowledge_import_wanted: (import_knowledge,),
    Kind.import_wanted:         (care,),
    Kind.export_wanted:         (care,),
    Kind.evaluation_wanted:     (evaluate,),
    Kind.article_wanted:        (write_article,),
    Kind.learning_wanted:       (learn,),
    Kind.calendar_feed_wanted:  (refresh_calendars,),
    Kind.bulk_changed:          (change_many,),
    Kind.bulk_undone:           (change_many,),
    Kind.replied:               (deliver, hear, share, measure),
    Kind.announced:             (deliver,),
    Kind.reply_retried:         (deliver,),
    Kind.article_changed:       (index,),
    Kind.ticket_created:        (hear, share, measure),
    Kind.noted:                 (hear,),
    Kind.assigned:              (hear, share),
    Kind.team_changed:          (hear, share),
    Kind.priority_changed:      (hear,),
    Kind.rated:                 (hear,),
    Kind.resolved:              (hear, share, measure, index),
    Kind.reopened:              (hear, share, measure, index),
    Kind.merged:                (hear, measure, index),
    Kind.woken:                 (hear, share),
    Kind.restored:              (share,),
    Kind.status_changed:        (share,),
    Kind.snoozed:               (share,),
    Kind.tagged:                (share,),
    Kind.triaged:               (share,),
    Kind.availability_changed:  (share,),
    Kind.routing_changed:       (share,),
    Kind.calendar_changed:      (reckon,),
    Kind.policy_edited:         (reckon,),
    Kind.sla_warned:            (hear,),
    Kind.sla_breached:          (hear,),
    Kind.sla_escalated:         (hear,),
    Kind.rule_notified:         (hear,),
    Kind.model_trial_wanted:    (try_models,),
    Kind.draft_wanted:          (draft, engage),
    Kind.reply_failed:          (hear,),
    Kind.invited:               (hear,),
    Kind.password_reset_asked:  (hear,),
    Kind.customer_link_asked:   (hear,),
    Kind.chat_code_asked:       (hear,),
    Kind.article_reviewed:      (hear,),
    Kind.reply_withdrawn:       (measure,),
    Kind.macro_edited:          (index,),
    Kind.options_changed:       (index,),
    Kind.removed:               (index,),
    Kind.unmerged:              (measure,),
    Kind.split_off:             (measure,),
    Kind.policy_changed:        (measure,),
}  # fmt: skip


def jobs_for(event: Happened) -> list[Job]:
    return [job for react in REACTIONS.get(event.kind, ()) if (job := react(event))]
