"""The one guarded way out: every connection to a server that somebody chose goes through here.

`Policy` says where one may go and holds the name to the addresses that were checked; `Outbound` asks over HTTP, and
`dial` opens a plain line, for mail servers. Another client (aiohttp, say) uses the same policy: `policy.check(url)`
before the request, and `policy.addresses(target)` as its resolver, so that it connects to nothing else.
"""

from helpdesk.outbound.addresses import NotAllowed, Policy, Target, is_public
from helpdesk.outbound.http import Answer, GuardedTransport, Outbound, TooLarge, Unreachable, why
from helpdesk.outbound.lines import dial

__all__ = [
    "Answer",
    "GuardedTransport",
    "NotAllowed",
    "Outbound",
    "Policy",
    "Target",
    "TooLarge",
    "Unreachable",
    "dial",
    "is_public",
    "why",
]
