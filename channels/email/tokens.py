"""Reply tokens by their shape; whether one is ours and still good is for the desk to check."""

import re
from collections.abc import Iterable

LENGTH = 39  # lower-case base32 of 16 random bytes and an 8-byte HMAC, without padding
TOKEN = rf"[a-z2-7]{{{LENGTH}}}"
IN_ADDRESS = re.compile(rf"\+({TOKEN})@", re.IGNORECASE)
IN_ID = re.compile(rf"^m\d{{1,20}}\.({TOKEN})@", re.IGNORECASE)  # 64 random bits have up to 20 digits


def tokens(addresses: Iterable[str], ids: Iterable[str]) -> tuple[str, ...]:
    """In the order they should be tried: addresses first, then the nearest ids."""
    found = [match[1].lower() for address in addresses for match in IN_ADDRESS.finditer(address)]
    found += [match[1].lower() for external_id in ids if (match := IN_ID.match(external_id))]
    return tuple(dict.fromkeys(found))


def address_with(token: str, address: str) -> str:
    """`support@example.com` → `support+<token>@example.com`."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}+{token}@{domain}" if token else address
