"""How sure we are of a sender: what our own mail server found out (RFC 8601), nothing else.

Anybody can write an Authentication-Results header. Only the topmost one is ours, and only where it
carries the name our server signs with; a header further down came with the mail.
"""

import re

from channels.email.headers import Headers
from helpdesk.messages import Proof

COMMENT = re.compile(r"\([^()]*\)")
DMARC = re.compile(r"^\s*dmarc\s*=\s*(?P<result>\w+)\b(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
HEADER_FROM = re.compile(r"\bheader\.from\s*=\s*\"?(?:[^\s;\"]*@)?([^\s;\"]+)", re.IGNORECASE)


def proof(headers: Headers, sender: str, authserv_id: str) -> Proof:
    """DMARC pass for the domain of From is authenticated, DMARC fail is failed, all else proves nothing."""
    topmost = headers.get("authentication-results")
    if not authserv_id or not topmost:
        return Proof.none
    server, *results = COMMENT.sub(" ", topmost).split(";")
    if server.split()[:1] != [authserv_id.strip()] and server.split()[:1] != [authserv_id.strip().lower()]:
        return Proof.none
    verdicts = {verdict for result in results if (verdict := _verdict(result, sender.rpartition("@")[2]))}
    if "fail" in verdicts:
        return Proof.failed
    return Proof.authenticated if verdicts == {"pass"} else Proof.none


def _verdict(result: str, domain: str) -> str | None:
    found = DMARC.match(result)
    if not found:
        return None
    named = HEADER_FROM.search(found["rest"])
    if named and named[1].rstrip(".").lower() != domain.lower():
        return "other"
    return found["result"].lower()
