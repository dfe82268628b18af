"""Addresses of the site's pages, as they are kept and colleagues see them: what lets somebody in is left out.

Shops mail links that sign in, reset a password or show an order; whoever follows one writes from that page.
"""

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

from helpdesk.texts import clean

OPENS = re.compile(
    r"token|key|secret|code|pass|pwd|auth|jwt|otp|sign|^sig|hash|session|^sid$|state|nonce|ticket|mail|login|magic",
    re.IGNORECASE,
)
GUESSABLE = 32
"""Characters up to which a value is a word or a number of the site's rather than a key."""
HIDDEN = "…"


def shown(address: str) -> str:
    """Nothing where it is no page of the web."""
    try:
        parts = urlsplit(clean(address).strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("https", "http") or not host:
        return ""
    where = f"[{host}]" if ":" in host else host
    where = f"{where}:{port}" if port else where
    return urlunsplit(SplitResult(parts.scheme, where, parts.path, _asked(parts.query), ""))


def _asked(query: str) -> str:
    """What the page was asked for, with names kept."""
    return "&".join(_said(*each.partition("=")) for each in query.split("&") if each)


def _said(name: str, equals: str, value: str) -> str:
    if OPENS.search(name) or len(value) > GUESSABLE:
        return f"{name[:GUESSABLE]}{equals}{HIDDEN if value else ''}"
    if not equals and len(name) > GUESSABLE:
        return HIDDEN
    return f"{name[:GUESSABLE]}{equals}{value}"
