"""What the search is asked when a customer has written: the matter, without the courtesies around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ai.sentiment import bare
from helpdesk.messages import Direction, Message

ANSWER_MARKS = re.compile(r"^(?:\s*(?:re|aw|sv|fwd?|wg|tr|rv|res)\s*(?:\[\d+\])?\s*:)+\s*", re.IGNORECASE)
SALUTATION = re.compile(
    r"\A\s*(?:dear|hello|hi|hey|good (?:morning|afternoon|evening)|hallo|liebe[rs]?|guten (?:tag|morgen|abend)|moin"
    r"|sehr geehrte[rs]?|bonjour|salut|ch[eè]re?s?|hola|buen[oa]s \w+|estimad[oa]s?|ciao|buongiorno|ol[áa]|hei|hej)"
    r"\b(?:[ ]+[\w.'’-]+){0,4}[ ]*[,!.:–-]*[ ]*(?:\n|\Z)",
    re.IGNORECASE,
)
SIGN_OFF = re.compile(
    r"\n[^\S\n]{0,20}(?:-- |(?:(?:kind|best|warm|many)\s+)?regards|best wishes|cheers|thanks(?: a (?:lot|million))?"
    r"|many thanks|sincerely|yours|mit (?:freundlichen|besten) gr[üu](?:ß|ss)en"
    r"|(?:viele|liebe|beste|herzliche|freundliche) gr[üu](?:ß|ss)e"
    r"|mfg|vielen dank|cordialement|bien à vous|merci|saludos|un saludo|gracias|cordiali saluti|grazie|atenciosamente"
    r"|obrigad[oa]|hilsen|med vennlig hilsen|med v[äe]nlig h[äi]lsning)\b[ ,.!]*(?:\n|\Z)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Lengths:
    """Characters of each turn that the search is asked with."""

    customer: int = 1500
    before: int = 500
    agent: int = 200


def question_of(subject: str, turns: Sequence[Message], *, lengths: Lengths = Lengths()) -> str:
    """The last turn alone misses what "it" is: so the subject, the customer's turn before and how the agent
    began (hit@1 .80 → .88), but not everything that was ever said (.76)."""
    *before, last = turns
    customers = [turn for turn in before if turn.direction is Direction.inbound]
    agents = [turn for turn in before if turn.direction is Direction.outbound]
    parts = [asked(subject, last.text, length=lengths.customer)]
    if customers:
        parts.append(matter(customers[-1].text)[: lengths.before])
    if agents:
        parts.append(matter(agents[-1].text)[: lengths.agent])
    return "\n".join(filter(None, parts))


def asked(subject: str, text: str, *, length: int = Lengths.customer) -> str:
    """One letter by itself."""
    return "\n".join(filter(None, [ANSWER_MARKS.sub("", subject), matter(text)[:length]]))


def matter(text: str) -> str:
    """A letter without its salutation and without what stands below its closing words."""
    body = SALUTATION.sub("", text, count=1)
    closing = SIGN_OFF.search(body)
    inner = body[: closing.start()] if closing else body
    return bare(inner if inner.strip() else text).strip()
