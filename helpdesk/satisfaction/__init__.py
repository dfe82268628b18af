"""What customers say of the service: once for a ticket, and now and then for the desk as a whole.

asked = await satisfaction.ask(session, ticket, by=actor)   # asked.why_not says why not
satisfaction.answer(found, 4, "Quick!", by=contact, channel="email")

(helpdesk/ratings.py has Rating itself: one question to one customer, and what they answered)
asking.py     ask, hold_back
due.py        who is to be asked now
wording.py    what is asked, and the mail around it
answering.py  links, answers, who does not want to be asked
arranging.py  what is asked, and when
figures.py    lists and results
intervals.py  how sure a result is: pure
"""

from helpdesk.ratings import (
    BAD,
    DETRACTOR,
    GOOD,
    NAMES,
    PROMOTER,
    WORDS,
    InboxSurvey,
    PromoterSurvey,
    Rating,
    RatingRefusal,
    Survey,
    WhyNot,
)
from helpdesk.satisfaction.answering import answer, decline, declines, found, link, take, token, welcome
from helpdesk.satisfaction.asking import Asked, all_of_ticket, ask, hold_back, of_message, of_ticket

__all__ = [
    "BAD",
    "DETRACTOR",
    "GOOD",
    "NAMES",
    "PROMOTER",
    "WORDS",
    "Asked",
    "InboxSurvey",
    "PromoterSurvey",
    "Rating",
    "RatingRefusal",
    "Survey",
    "WhyNot",
    "all_of_ticket",
    "answer",
    "ask",
    "decline",
    "declines",
    "found",
    "hold_back",
    "link",
    "of_message",
    "of_ticket",
    "take",
    "token",
    "welcome",
]
