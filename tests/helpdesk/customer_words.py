"""Where the words stand that customers read, and which they are."""

from functools import lru_cache
from pathlib import Path

from babel.messages.extract import extract_from_file

Message = str | tuple[str, ...]
ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
WHOLE = (
    "web/portal/*.py",
    "web/templates/portal/*.html",
    "web/chat/*.py",
    "web/templates/chat/*.html",
    "web/public_*.py",
    "web/templates/forms/*.html",
    "web/ratings/public.py",
    "web/templates/ratings/public.html",
    "web/templates/_refusal.html",
    "web/failures.py",
    "web/api/rates.py",
    "workers/customer_links.py",
    "workers/chatting.py",
    "workers/asking.py",
    "helpdesk/satisfaction/wording.py",
    "helpdesk/satisfaction/answering.py",
    "helpdesk/portal/signing_in.py",
    "helpdesk/chat/proving.py",
    "channels/chat/identity.py",
    "channels/slack/manifest.py",
    "helpdesk/errors.py",
    "kb/feedback.py",
    "web/bodies.py",
    "web/security.py",
)
"""Everything in these is for customers, so each of their texts has to be in every catalogue."""
PARTS: dict[str, tuple[Message, ...]] = {
    "helpdesk/ratings.py": ("Very bad", "Bad", "Okay", "Good", "Very good"),
    "helpdesk/statuses.py": ("Received", "In progress", "Waiting for you", "Solved", "Closed"),
    "helpdesk/tickets/standing.py": ("This ticket is already resolved.",),
    "helpdesk/fields.py": ("%(field)s cannot be this: %(why)s.",),
    "helpdesk/values.py": (
        "Yes",
        "No",
        "it takes text",
        "it takes %(most)s characters, not %(n)s",
        "it takes a number",
        "it takes a number, such as 12 or 12.5",
        "it takes a number of at most 15 digits",
        "it takes at most %(n)s digits behind the point",
        "it takes yes or no",
        "it takes a date such as 2026-03-31",
        "it takes one of: %(choices)s",
        "it takes a list of choices",
        "it takes an address that begins with https:// or http://",
        "it takes text of the form %(pattern)s",
    ),
    "helpdesk/identities.py": ("This is no address that the desk can keep.", "Visitor {number}"),
    "web/forms.py": (
        "This form was not filled in as it must be: %(why)s.",
        "These files are more than 25 MB together; most mailboxes refuse that. Send fewer.",
    ),
    "web/words.py": (("%(n)s byte", "%(n)s bytes"),),
    "web/templates/error.html": (
        "Nothing here",
        "Not for you",
        "This has changed",
        "That did not work",
        "Not understood",
    ),
    "workers/outgoing.py": ("On {when}, {who} wrote:",),
    "channels/slack/acting.py": (
        "No agent of the desk has the e-mail address of your account here.",
        "In this channel nothing becomes a ticket.",
        "This can't be done any more.",
        "The form could not be opened ({why}). Press the button again.",
    ),
    "channels/slack/calling.py": (
        "The app does not see this channel. Invite it there.",
        "The app is not in this channel. Invite it there.",
        "This channel is archived.",
        "The thread is not there any more.",
        "Slack refused ({method}: {code}).",
    ),
    "channels/slack/rating.py": ("Somebody else was asked this.",),
    "channels/slack/showing.py": (
        "Open a ticket",
        "Subject",
        "Priority",
        "Low",
        "Normal",
        "High",
        "Urgent",
        "Cancel",
        "Your answer",
        "Anything you would like to add? (optional)",
        "Send",
        "Close",
        "Thank you! Your answer is here.",
    ),
    "ai/assistant/tools.py": ("You have no other requests with us.",),
}
"""Files that speak to colleagues, too, with what they say to customers."""


def said_in(file: str) -> set[Message]:
    template = file.endswith(".html")
    options = {"extensions": "jinja2.ext.i18n"} if template else {}
    found = extract_from_file(
        "jinja2" if template else "python", ROOT / file, keywords=KEYWORDS, options=options
    )
    return {message for _line, message, _comments, _context in found}


@lru_cache(maxsize=1)
def all_messages() -> dict[Message, set[str]]:
    """What customers read, and in which files it stands."""
    found: dict[Message, set[str]] = {}
    whole = [str(path.relative_to(ROOT)) for pattern in WHOLE for path in sorted(ROOT.glob(pattern))]
    for file in whole:
        for message in said_in(file):
            found.setdefault(message, set()).add(file)
    for file, messages in PARTS.items():
        for message in messages:
            found.setdefault(message, set()).add(file)
    return found
