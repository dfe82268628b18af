"""Where a request comes from, as people are shown it, and as limits count it."""

from ipaddress import IPv6Address, ip_address
from typing import Any

import structlog
from litestar import Request

OF_ONE = 64
"""Bits of an IPv6 address that a provider gives to somebody: the others they choose themselves, at every request."""

MOST_SAID = 20  # proxies that the log names

log = structlog.get_logger(__name__)
_said: set[str] = set()


def address_of(request: Request[Any, Any, Any]) -> str:
    """Empty where the server knows none."""
    return request.client.host if request.client else ""


def counted_as(request: Request[Any, Any, Any]) -> str:
    """The address for limits: of an IPv6 address its network, of one that stands for an IPv4 address that."""
    address = address_of(request)
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.is_private:
        _say_if_proxy(request, address)
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> (128 - OF_ONE) << (128 - OF_ONE))}/{OF_ONE}"


def _say_if_proxy(request: Request[Any, Any, Any], address: str) -> None:
    """Once: one whose word does not count makes everybody behind it one visitor to the limits. Of strangers' networks
    nothing is said, since anybody may send such a header."""
    named = request.headers.get("x-forwarded-for", "")
    if named and address not in named and address not in _said and len(_said) < MOST_SAID:
        _said.add(address)
        log.warning("a proxy is not trusted", proxy=address, setting="HELPDESK_TRUSTED_PROXIES")
