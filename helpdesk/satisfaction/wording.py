"""What a customer reads: the question in the desk's words, and a mail with an answer behind each link.

Links are made when the mail leaves and stand nowhere else: a colleague who reads the thread can't answer for anybody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.i18n import gettext
from helpdesk.macros.placeholders import without_gaps
from helpdesk.macros.using import filled_in
from helpdesk.people import Agent
from helpdesk.ratings import NAMES, Survey
from helpdesk.tickets import Ticket


@dataclass(frozen=True)
class Choice:
    """One answer that can be given by pressing it."""

    score: int
    label: str
    url: str
    face: str = ""


@dataclass(frozen=True)
class Mail:
    subject: str
    text: str
    html: str


def usual(kind: Survey) -> str:
    """What is asked where nobody chose words of their own; with placeholders."""
    if kind is Survey.csat:
        return gettext(
            "Hello {{contact.first_name|there}},\n\nwe have resolved your request {{ticket.number}}. "
            "How satisfied are you with our help?"
        )
    return gettext(
        "Hello {{contact.first_name|there}},\n\nhow likely is it that you would recommend {{desk.name}} to a friend "
        "or colleague?"
    )


async def question(session: AsyncSession, ticket: Ticket, kind: Survey, words: str) -> str:
    """Filled in for the ticket's customer; where nothing is known, nothing stands."""
    agent = await session.get(Agent, ticket.assignee_id) if ticket.assignee_id else None
    filled = await filled_in(session, without_gaps(words or usual(kind)), ticket, agent)
    return filled.text


def choices(kind: Survey, link: str) -> list[Choice]:
    """`link` is the address of the page; each answer is one segment more."""
    if kind is Survey.csat:
        return [Choice(score, str(label), f"{link}/{score}", face) for score, (face, label) in NAMES.items()]
    return [Choice(score, str(score), f"{link}/{score}") for score in kind.scale]


def mail(kind: Survey, body: str, offered: list[Choice], subject: str) -> Mail:
    """The two parts of the mail around the question; without pictures, so nothing is fetched when it is read."""
    return Mail(subject, _plain(kind, body, offered), _rich(kind, body, offered))


def subject(kind: Survey, usual: str, desk_name: str) -> str:
    """What is asked about the desk as a whole doesn't bear an old ticket's subject."""
    if kind is Survey.csat:
        return usual
    return gettext("Would you recommend {name}?").format(name=desk_name)


def ends(kind: Survey) -> tuple[str, str]:
    if kind is Survey.csat:
        return gettext("Very bad"), gettext("Very good")
    return gettext("0: not at all likely"), gettext("10: extremely likely")


def _footer() -> str:
    return gettext("One press answers. You can change your answer and add a comment on the page that opens.")


def _plain(kind: Survey, body: str, offered: list[Choice]) -> str:
    lines = [f"{choice.label}:\n{choice.url}" for choice in offered]
    low, high = ends(kind)
    between = [] if kind is Survey.csat else [f"{low}, {high}"]
    return "\n\n".join([body, *between, *lines, _footer()])


def _rich(kind: Survey, body: str, offered: list[Choice]) -> str:
    low, high = ends(kind)
    scale = (
        ""
        if kind is Survey.csat
        else f'<p style="{SMALL}margin:0 0 8px">{escape(low)} &nbsp;·&nbsp; {escape(high)}</p>'
    )
    return (
        '<!doctype html><html dir="auto"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(_title(kind))}</title></head>"
        f'<body style="{BODY}"><div dir="auto" style="max-width:600px">{_paragraphs(body)}{scale}'
        f'<div style="margin:20px 0">{"".join(_buttons(kind, offered))}</div>'
        f'<p style="{SMALL}">{escape(_footer())}</p></div></body></html>'
    )


FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
BODY = f"{FONT}font-size:16px;line-height:1.5;margin:16px;"
SMALL = "font-size:13px;line-height:1.5;opacity:.75;"
BUTTON = (
    "display:inline-block;box-sizing:border-box;margin:0 4px 8px 0;padding:10px 4px;border:1px solid #8a8f98;"
    "border-radius:10px;text-align:center;text-decoration:none;color:inherit;vertical-align:top;"
)


def _buttons(kind: Survey, offered: list[Choice]) -> Iterable[str]:
    """Links that are large enough for a thumb, and that say in words what they are."""
    width = "width:96px;min-height:76px;" if kind is Survey.csat else "width:44px;min-height:44px;"
    for choice in offered:
        face = (
            f'<span aria-hidden="true" style="display:block;font-size:28px;line-height:36px">{choice.face}</span>'
            if choice.face
            else ""
        )
        label = f'<span style="font-size:14px">{escape(choice.label)}</span>'
        said = "" if choice.face else f' aria-label="{escape(_of_ten(choice.score))}"'
        yield f'<a href="{escape(choice.url)}"{said} style="{BUTTON}{width}">{face}{label}</a>'


def _of_ten(score: int) -> str:
    return gettext("{score} of 10").format(score=score)


def _paragraphs(body: str) -> str:
    parts = [part.strip() for part in body.split("\n\n")]
    lines = ("<br>".join(escape(line) for line in part.split("\n")) for part in parts if part)
    return "".join(f'<p style="margin:0 0 16px">{each}</p>' for each in lines)


def _title(kind: Survey) -> str:
    return gettext("How did we do?") if kind is Survey.csat else gettext("Would you recommend us?")
