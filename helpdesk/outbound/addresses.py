"""Where the desk may connect to: https, three ports, public addresses; and what the operator has named besides."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

from helpdesk.errors import Invalid, Misconfigured
from helpdesk.i18n import _, gettext

PORTS = frozenset({80, 443, 8443})
LONGEST = 2_000  # characters of an address
MOST_ADDRESSES = 30  # that one name may stand for
NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$")
"""What browsers and C libraries read as an IPv4 address, whatever its notation: 127.1, 0x7f.1, 2130706433."""

# The registries of special-purpose addresses (RFC 6890 and what IANA has added since), multicast, and the two
# addresses in public space at which clouds answer their own machines.
CLOSED_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "168.63.129.16/32",
        ),
    )
)
OPEN_IPV6 = IPv6Network("2000::/3")
"""All that is given out. Mapped, translated (NAT64), local, unique local and multicast addresses lie outside."""
CLOSED_IPV6 = tuple(
    map(
        IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)

NEVER = (
    IPv4Network("169.254.0.0/16"),
    IPv4Network("168.63.129.16/32"),
    IPv4Network("100.100.100.200/32"),
    IPv4Network("192.0.0.192/32"),
    IPv6Network("fe80::/10"),
    IPv6Network("fd00:ec2::254/128"),
)
"""Where machines and clouds answer for themselves, with credentials for whoever asks: not even the operator's own
names lead there, since a name can be made to mean another address."""
TRANSLATED = IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""All addresses of a name. Raises OSError where there are none."""


class NotAllowed(Invalid):
    message = _("The desk may not connect to this address.")


def is_public(address: str) -> bool:
    """Whether this literal address is one that anybody on the internet can reach."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in CLOSED_IPV4)
    return _is_public_ipv6(found)


def is_never(address: str) -> bool:
    """Whether it is one that is called in no case, written as IPv4 or inside an IPv6 address."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour
        if found in TRANSLATED:
            inside = IPv4Address(int(found) & 0xFFFFFFFF)
        found = inside or IPv6Address(int(found))  # without its zone
    return any(found in network for network in NEVER if network.version == found.version)


def _is_public_ipv6(found: IPv6Address) -> bool:
    return (
        found.scope_id is None and found in OPEN_IPV6 and not any(found in network for network in CLOSED_IPV6)
    )


@dataclass(frozen=True)
class Target:
    """One server that an address names, as it was read, once, for checking and for connecting alike."""

    scheme: str
    host: str  # lower case, ASCII; an IPv6 address without brackets
    port: int


_lookups = ThreadPoolExecutor(16, thread_name_prefix="look up")
"""Of their own: a name server that does not answer must not hold up those who write files, or look up others."""


async def system_resolver(host: str, port: int) -> list[str]:
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_lookups, ask)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Policy:
    """`allowed` are the operator's own services: any address, any port, and plain http."""

    allowed: frozenset[tuple[str, int]] = frozenset()
    resolve: Resolve = system_resolver

    @classmethod
    def of(cls, allow_hosts: str) -> "Policy":
        """From HELPDESK_ALLOW_HOSTS. Raises Misconfigured naming the entry that is no host:port."""
        entries = [entry.strip() for entry in allow_hosts.split(",")]
        return cls(frozenset(_host_and_port(entry) for entry in entries if entry))

    @property
    def without_exceptions(self) -> "Policy":
        """For where a stranger's server redirects to."""
        return Policy(resolve=self.resolve)

    def check(self, url: str) -> Target:
        """What can be said before any name is looked up. Raises NotAllowed, in words."""
        target = _read(url)
        if self.allows(target):
            return target
        if target.scheme != "https":
            raise NotAllowed(gettext("Only addresses that begin with https:// can be called."))
        if target.port not in PORTS:
            raise NotAllowed(
                gettext("Port {port} can't be called; 443, 80 and 8443 can.").format(port=target.port)
            )
        if _literal(target.host) and not is_public(target.host):
            raise NotAllowed(_private(target))
        return target

    async def addresses(self, target: Target) -> list[str]:
        """Resolved once: connect to these and nothing else. Raises NotAllowed if any is private, else OSError.

        What the operator has named may be private, but never an address of NEVER.
        """
        found = [target.host] if _literal(target.host) else await self.resolve(target.host, target.port)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if any(map(is_never, found)):
            raise NotAllowed(_reserved(target))
        if not self.allows(target) and not all(map(is_public, found)):
            raise NotAllowed(_private(target))
        return found[:MOST_ADDRESSES]

    def allows(self, target: Target) -> bool:
        return (target.host.rstrip("."), target.port) in self.allowed


def _read(url: str) -> Target:
    if len(url) > LONGEST or "\\" in url or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise NotAllowed(
            gettext("This is no web address: it holds spaces, backslashes or control characters.")
        )
    try:
        read = httpx.URL(url)
        host = read.raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, ValueError):
        raise NotAllowed(gettext("This is no web address.")) from None
    if read.scheme not in {"http", "https"} or not host:
        raise NotAllowed(gettext("Only addresses that begin with https:// can be called."))
    if read.userinfo:
        raise NotAllowed(gettext("An address with a user name or password in it can't be called."))
    if not _literal(host) and (not NAME.fullmatch(host) or ENDS_IN_A_NUMBER.search(host)):
        raise NotAllowed(gettext("{host} is no name of a server.").format(host=host[:100]))
    return Target(read.scheme, host, read.port or (443 if read.scheme == "https" else 80))


def _literal(host: str) -> bool:
    """Four decimal numbers, or an IPv6 address; nothing else counts as one."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _private(target: Target) -> str:
    return gettext(
        "{host} is an address inside a private network, where the desk does not call. If it is a service of "
        "your own, whoever runs the desk can add {entry} to HELPDESK_ALLOW_HOSTS."
    ).format(host=target.host, entry=f"{target.host}:{target.port}")


def _reserved(target: Target) -> str:
    return gettext(
        "{host} is an address at which a machine or a cloud answers for itself; the desk never calls those."
    ).format(host=target.host)


def _host_and_port(entry: str) -> tuple[str, int]:
    host, _colon, port = entry.rpartition(":")
    host = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise Misconfigured(
            f"HELPDESK_ALLOW_HOSTS has to be host:port pairs, comma separated; `{entry}` is none."
        )
    return host, int(port)
