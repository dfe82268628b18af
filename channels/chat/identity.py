"""Who a site says that its visitor is: a JWT that it signed with the chat's key.

HS256 and nothing else, whatever the token's head says; `exp` at most a day away, so that one that leaks is soon
worthless; `sub` always. With `email` it is the customer with that address: only the site's word lets anybody be one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _, gettext
from helpdesk.identities import IdentityKind, NoIdentity, normal
from helpdesk.texts import clean

LONGEST = 8_000  # characters of a token
AT_MOST = timedelta(hours=24)
SKEW = timedelta(seconds=30)  # by which clocks may differ


class NotVouched(HelpdeskError):
    status = 401
    message = _("The site's word for who you are is not valid.")


@dataclass(frozen=True)
class Vouched:
    subject: str
    until: datetime
    email: str = ""
    name: str = ""


def vouched(token: str, keys: Sequence[str], now: datetime) -> Vouched:
    """Raises NotVouched, in words for whoever builds the site: a signature that is wrong says no more than that."""
    if not keys:
        raise NotVouched(gettext("This chat has no key yet that a site could sign with."))
    claims = _claims(token, keys)
    until = _instant(claims.get("exp"))
    if until is None or until + SKEW < now:
        raise NotVouched(gettext("The token has expired."))
    if until > now + AT_MOST + SKEW:
        raise NotVouched(gettext("The token's exp is more than 24 hours away."))
    if (begins := claims.get("nbf")) is not None and (_instant(begins) or now + AT_MOST) > now + SKEW:
        raise NotVouched(gettext("The token is not valid yet."))
    subject, email, name = (_text(claims, key) for key in ("sub", "email", "name"))
    if not subject or len(subject) > 200:
        raise NotVouched(gettext("The token needs a sub: the customer's id at the site."))
    try:
        email = email and normal(IdentityKind.email, email)
    except NoIdentity:
        raise NotVouched(gettext("The token's email is no e-mail address.")) from None
    return Vouched(subject, until, email, " ".join(name.split())[:200])


def _claims(token: str, keys: Sequence[str]) -> dict[str, Any]:
    if len(token) > LONGEST:
        raise NotVouched
    # Times are looked at above, by the desk's own clock.
    options: Any = {f"verify_{each}": False for each in ("exp", "nbf", "iat", "aud", "sub", "jti")}
    for key in keys:
        try:
            found: dict[str, Any] = jwt.decode(token, key, algorithms=["HS256"], options=options)
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise NotVouched from None
        return found
    raise NotVouched


def _instant(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**33:
        return None
    return datetime.fromtimestamp(value, UTC)


def _text(claims: dict[str, Any], key: str) -> str:
    value = claims.get(key, "")
    if isinstance(value, int) and not isinstance(value, bool) and key == "sub":
        return str(value)
    if not isinstance(value, str):
        return ""
    if key != "name" and not value.strip().isprintable():
        raise NotVouched  # without what can't be seen, it would be somebody else's, or look so
    return clean(value).strip()
