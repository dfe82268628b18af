"""How instants, people, sizes and texts are shown: the filters and functions that every template has."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from datetime import time as wall_time
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from helpdesk import marks, mentions
from helpdesk.clock import now
from helpdesk.durations import units
from helpdesk.i18n import gettext, ngettext
from helpdesk.messages import Match, Proof, is_proved, may_be_marked
from helpdesk.ordering import ORDER_NAMES
from helpdesk.people import Availability, Reach, Role
from helpdesk.statuses import Category
from helpdesk.texts import saved_as
from helpdesk.tickets import Priority
from helpdesk.views import View
from web import dates
from web.console.lists import QUEUE_NAMES
from web.console.shell import Named
from web.console.view_counts import remembered
from web.promises import duration, metric_name, promised

URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]|(?<![\w@])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
GAP = re.compile(r"\n[ \t\r]*\n\s*")
HEADING_OR_RULE = re.compile(r"^\s*(?:#+ .*|[|:\s-]*-{3,}[|:\s-]*)$", re.MULTILINE)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
MARKS = re.compile(r"[*`]{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|^\s*(?:>|[-+]\s|\d+\.\s)", re.MULTILINE)
COLOURS = [
    "red", "orange", "amber", "yellow", "green", "teal", "cyan", "blue", "indigo", "violet", "pink", "rose",
]  # fmt: skip
"""The colours that a team may have, in the order of the stylesheet's hues."""


def span(seconds: float) -> str:
    minute, hour, day, week, month, year = units()
    for size, unit in ((31_557_600, year), (2_629_800, month), (604_800, week), (86_400, day), (3_600, hour)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds // 60)} {minute}"


def ago(at: datetime) -> str:
    seconds = (now() - at).total_seconds()
    return span(seconds) if seconds >= 60 else gettext("now")


def left(until: datetime) -> str:
    """What a countdown says: `22 min`, `1 h 40`, `2 d 3 h`, and after the time `22 min late`."""
    seconds = (until - now()).total_seconds()
    minute, hour, day, *_rest = units()
    minutes = int(abs(seconds) // 60)
    hours = minutes // 60
    if minutes < 60:
        words = f"{minutes} {minute}"
    elif hours < 24:
        words = f"{hours} {hour} {minutes % 60:02}"
    else:
        words = f"{hours // 24} {day} {hours % 24} {hour}"
    return words if seconds >= 0 else gettext("%(time)s late") % {"time": words}


def urgency(until: datetime) -> str:
    seconds = (until - now()).total_seconds()
    return "late" if seconds < 0 else "soon" if seconds < 1800 else "fine"


@pass_context
def clock(context: Context, at: datetime) -> str:
    """`09:14` today, `27 Feb 09:14` in this year, `27 Feb 2024` before."""
    zone, locale = _zone(context), context.get("locale", "en")
    local, today = at.astimezone(zone), now().astimezone(zone)
    time = _time(local, locale)
    if local.date() == today.date():
        return time
    pattern = "d MMM" if local.year == today.year else "d MMM y"
    day = dates.written(local.date(), pattern, locale)
    return f"{day} {time}" if local.year == today.year else day


@pass_context
def moment(context: Context, at: datetime) -> str:
    """`Mon 30 Nov 09:00`: a time to come."""
    zone, locale = _zone(context), context.get("locale", "en")
    local = at.astimezone(zone)
    return f"{dates.written(local.date(), 'EEE d MMM', locale)} {_time(local, locale)}"


@pass_context
def day(context: Context, at: datetime) -> str:
    """`Sunday 22 Nov`, with the year when it is another one."""
    zone, locale = _zone(context), context.get("locale", "en")
    local = at.astimezone(zone)
    this_year = local.year == now().astimezone(zone).year
    return dates.written(local.date(), "EEEE d MMM" if this_year else "EEEE d MMM y", locale)


@pass_context
def month(context: Context, at: datetime) -> str:
    return dates.written(at.astimezone(_zone(context)).date(), "MMM y", context.get("locale", "en"))


def _time(local: datetime, locale: str) -> str:
    return dates.clock_face(wall_time(local.hour, local.minute), locale)


def _zone(context: Context) -> tzinfo:
    return zone(getattr(context.get("agent"), "time_zone", "UTC"))


@cache
def zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


def hue(of: object) -> int:
    """One of twelve hues, always the same for the same person or colour name; grey is the thirteenth."""
    return _hue(str(of))


@lru_cache(maxsize=4096)
def _hue(text: str) -> int:
    if text == "grey":
        return len(COLOURS)
    return COLOURS.index(text) if text in COLOURS else crc32(text.encode()) % len(COLOURS)


@lru_cache(maxsize=4096)
def initials(name: str) -> str:
    words = [word for word in re.split(r"[\s.@_-]+", name) if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def size(count: int) -> str:
    if count < 1024:
        return ngettext("%(n)s byte", "%(n)s bytes", count) % {"n": count}
    return f"{count / 1024:.0f} kB" if count < 1024**2 else f"{count / 1024**2:.1f} MB"


def linked(text: str, people: Sequence[Named] = ()) -> Markup:
    """A person's text with its addresses made links and `people` marked; everything else is escaped."""
    parts, end = [], 0
    for found in URL.finditer(text):
        parts.append(_mentions(text[end : found.start()], people))
        target = found[0] if "://" in found[0] else f"mailto:{found[0]}"
        parts.append(
            Markup('<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>').format(
                target, found[0]
            )
        )
        end = found.end()
    return Markup("").join([*parts, _mentions(text[end:], people)])


def paragraphs(text: str, people: Sequence[Named] = ()) -> Markup:
    """Empty lines part paragraphs, as people write; single line breaks stay. Each runs as its own script does."""
    return Markup("").join(
        Markup('<p dir="auto">{}</p>').format(linked(flowing(part), people))
        for part in GAP.split(text.strip())
        if part
    )


def said(message: Any) -> Markup:
    """A message as it is read: what its author formatted is shown so, and what a customer typed as it was typed."""
    if _is_formatted(message) and marks.is_marked(message.text):
        return Markup('<div class="marked">{}</div>').format(Markup(marks.shown(message.text)))  # noqa: S704 - cleaned where it is rendered
    return paragraphs(message.text)


def worded(message: Any) -> str:
    """The same for where no formatting is shown."""
    return marks.plain(message.text) if _is_formatted(message) else str(message.text)


def proved(message: Any) -> bool:
    return is_proved(message.sender, message.proof, message.matched)


def _is_formatted(message: Any) -> bool:
    return may_be_marked(message.direction, message.author, message.automatic, message.marked)


@pass_context
def noted(context: Context, text: str) -> Markup:
    """A note's paragraphs, in which the names of colleagues who are called are marked."""
    return paragraphs(text, context["directory"].colleagues if "@" in text else ())


def flowing(paragraph: str) -> str:
    """Without the breaks of mail programs that wrap at 65 to 80 columns: in a narrower window they leave rags.

    Only where every line but the last is about that long and ends where the next line's first word would not
    have fitted any more; lists, tables and addresses stay as they are.
    """
    lines = [line.rstrip() for line in paragraph.split("\n")]
    if len(lines) < 2 or any(not line or line[0] in "-*•>|+#" for line in lines):
        return paragraph
    width = max(map(len, lines))
    if not 55 <= width <= 80 or any(line[0].isspace() or line.count(" ") < 3 for line in lines[:-1]):
        return paragraph
    full = all(len(line) + 1 + len(after.split()[0]) > min(width, 72) for line, after in pairwise(lines))
    return " ".join(lines) if full else paragraph


def _mentions(text: str, people: Sequence[Named]) -> Markup:
    parts, at = [], 0
    for start, end, _who in mentions.places(text, people) if people else ():
        parts += [escape(text[at:start]), Markup('<span class="mention">{}</span>').format(text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])


def plain(markdown: str) -> str:
    """An article's words in one line, without its marks and without its headings."""
    text = MARKS.sub("", LINK.sub(r"\1", HEADING_OR_RULE.sub(" ", markdown)))
    return " ".join(text.replace("|", " ").split())


@pass_context
def ticket_number(context: Context, number: object) -> str:
    """`#42`, with the prefix that this desk chose."""
    return f"{context.get('ticket_prefix', '#')}{number}"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


@pass_context
def amount(context: Context, n: int) -> str:
    """`1,234`, as the agent's language writes it."""
    return _decimal(n, context.get("locale", "en"))


@lru_cache(maxsize=4096)
def _decimal(n: int, locale: str) -> str:
    return format_decimal(n, locale=locale)


def queue_name(view: View) -> str:
    return str(QUEUE_NAMES[view])


def status_name(status: Category) -> str:
    return {
        Category.new: gettext("New"),
        Category.open: gettext("Open"),
        Category.waiting: gettext("Waiting for customer"),
        Category.on_hold: gettext("On hold"),
        Category.resolved: gettext("Resolved"),
        Category.closed: gettext("Closed"),
    }[status]


def availability_name(availability: Availability) -> str:
    return {
        Availability.online: gettext("Online"),
        Availability.away: gettext("Away"),
        Availability.offline: gettext("Offline"),
    }[availability]


def role_name(role: Role) -> str:
    return {
        Role.admin: gettext("Admin"),
        Role.lead: gettext("Lead"),
        Role.agent: gettext("Agent"),
        Role.light_agent: gettext("Light agent"),
    }[role]


def reach_name(reach: Reach) -> str:
    return {
        Reach.all: gettext("All tickets"),
        Reach.teams: gettext("Those of one's teams and of nobody's"),
        Reach.assigned: gettext("Only those assigned or followed"),
    }[reach]


def priority_name(priority: Priority) -> str:
    return {
        Priority.low: gettext("Low"),
        Priority.normal: gettext("Normal"),
        Priority.high: gettext("High"),
        Priority.urgent: gettext("Urgent"),
    }[priority]


def readable(address: str | None) -> str:
    """An address that people read; empty for the numbers by which a chat and Slack know somebody."""
    return address if address and ("@" in address or address.startswith("+")) else ""


def mood(sentiment: str | None) -> tuple[str, str] | None:
    """A word and a tone for a chip; calm customers get none."""
    return {
        "frustrated": (gettext("Frustrated"), "bad"),
        "very_negative": (gettext("Angry"), "bad"),
        "negative": (gettext("Unhappy"), "warn"),
        "positive": (gettext("Pleased"), "good"),
        "very_positive": (gettext("Delighted"), "good"),
    }.get(sentiment or "")


def _proven_by_channel(message: Any, named: str) -> list[str]:
    """Where people are signed in, no address has to be believed."""
    place = {
        None: gettext("It began a conversation of its own, so it opened this ticket."),
        Match.reference: gettext("It was written in a conversation that belongs to %(number)s."),
    }.get(message.matched, gettext("It was found to belong to %(number)s."))
    sure = gettext("Whoever wrote it was signed in where it was written.")
    return [words % {"number": named} for words in (place, sure)]


@pass_context
def proofs(context: Context, message: Any, number: int) -> list[str]:
    """Why an inbound message is in its ticket, and how sure its sender is."""
    sender = message.sender or gettext("the sender")
    named = ticket_number(context, number)
    if "@" not in sender and message.proof == Proof.authenticated:
        return _proven_by_channel(message, named)
    place = {
        None: gettext("It answers no message that the desk knows, so it opened this ticket."),
        Match.token: gettext("It came to the reply address of %(number)s that only %(sender)s was given."),
        Match.stranger_token: gettext(
            "It came to a reply address of %(number)s that was given to somebody else, so %(sender)s was "
            "probably sent our mail by them. Make sure before you tell more."
        ),
        Match.participant: gettext(
            "It came to the reply address of %(number)s, and %(sender)s is in copy of this ticket."
        ),
        Match.reference: gettext(
            "It names a message of %(number)s that it answers, and %(sender)s takes part in this ticket."
        ),
        Match.same_mail: gettext("The same mail came to another inbox of the desk."),
    }[message.matched]
    sure = {
        Proof.authenticated: gettext("The domain of %(sender)s confirms that the mail is theirs (DMARC)."),
        Proof.failed: gettext(
            "The domain of %(sender)s does not confirm this mail. Be careful what you tell."
        ),
        Proof.none: gettext("Nothing proves that %(sender)s wrote it: nobody has checked the address."),
    }[message.proof or Proof.none]
    return [words % {"number": named, "sender": sender} for words in (place, sure)]


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        ago,
        amount,
        availability_name,
        clock,
        day,
        duration,
        hue,
        initials,
        left,
        linked,
        metric_name,
        moment,
        month,
        mood,
        noted,
        paragraphs,
        percent,
        plain,
        promised,
        priority_name,
        proofs,
        proved,
        queue_name,
        readable,
        reach_name,
        role_name,
        said,
        saved_as,
        size,
        status_name,
        ticket_number,
        urgency,
        worded,
    )
}
GLOBALS: dict[str, Any] = {"units": units, "now": now, "orders": ORDER_NAMES, "view_count": remembered}
