"""A puzzle that a browser solves before somebody unknown may come: half a second of a phone, for a crowd of machines
too much. Many strangers at once still come in; only writing by the thousand gets dear.

A number is looked for whose SHA-256 together with a salt is known. The desk signs the puzzle, with the chat that it is
for and the time until which it is good; each is taken once, since a visitor's row keeps what it came with.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, cast

from altcha.v1 import ChallengeOptions, create_challenge, extract_params, verify_solution
from litestar import Request, get
from litestar.params import FromPath
from msgspec import Meta, Struct, structs

from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _
from helpdesk.keys import Keys
from web.addresses import counted_as
from web.api.rates import Rates
from web.auth import permits
from web.chat.inbox import OpenChat, opened, slow_down
from web.dependencies import CurrentDesk

HARDEST = 50_000
"""Numbers that are tried at most; half of them on average."""
GOOD_FOR = timedelta(minutes=2)
BUSY = 30
"""New visitors in a minute from which it is asked for, where a chat asks when it is busy."""
ASKS = 30  # a minute of one address

Short = Annotated[str, Meta(max_length=300)]


class Unsolved(HelpdeskError):
    """The browser asks for a puzzle and comes again, as with everything that it is too early for."""

    status = 425
    message = _("Your browser has not solved this chat's puzzle yet. Try again.")


class Solution(Struct, forbid_unknown_fields=True):
    algorithm: Short
    challenge: Short
    salt: Short
    signature: Short
    number: Annotated[int, Meta(ge=0, le=HARDEST)]


@get("/chat/{public_id:str}/puzzle", opt=permits(Action.public))
async def puzzle(
    request: Request[Any, Any, Any], desk: CurrentDesk, public_id: FromPath[str]
) -> dict[str, Any]:
    found = await opened(request, public_id)
    slow_down(request, "puzzle", f"{found.inbox.id} {counted_as(request)}", ASKS)
    if not asked(request, found):
        return {"puzzle": None}
    made = create_challenge(
        ChallengeOptions(
            max_number=HARDEST,
            hmac_key=_key(desk.keys),
            expires=now() + GOOD_FOR,
            params={"chat": found.inbox.public_id},
        )
    )
    return {"puzzle": made.to_dict()}


def asked(request: Request[Any, Any, Any], found: OpenChat) -> bool:
    """Whether somebody unknown has to solve one at this moment."""
    rates: Rates = request.app.state.rates
    often = found.settings.puzzle
    return often == "always" or (often == "busy" and rates.is_over(f"chat new {found.inbox.id}", BUSY))


def solved(keys: Keys, found: OpenChat, given: Solution | None) -> bytes:
    """What marks this puzzle as used. Raises Unsolved for one that is not solved, another chat's, or too old."""
    if given is None:
        raise Unsolved
    payload = cast("Any", structs.asdict(given))
    right, _why = verify_solution(payload, _key(keys), check_expires=False)  # by the desk's own clock instead
    said = extract_params(payload)
    until = said.get("expires", ["0"])[0]
    if not right or said.get("chat") != [found.inbox.public_id] or int(until) < now().timestamp():
        raise Unsolved
    return sha256(given.signature.encode()).digest()


def _key(keys: Keys) -> str:
    return keys.link_token("chat puzzle", b"")
