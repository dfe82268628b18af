"""The way out leads to where it was checked, and nowhere else, whatever an address or a server tries."""

import asyncio
import gzip
import json
import re
import time
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.errors import Misconfigured
from helpdesk.outbound import (
    Answer,
    NotAllowed,
    Outbound,
    Policy,
    Target,
    TooLarge,
    Unreachable,
    addresses,
    dial,
    is_public,
)
from helpdesk.outbound.http import _unpacked
from tests.conftest import CORPORA, missing
from tests.helpdesk.servers import Asked, Authority, authority, says, server


def names(**known: list[str]) -> Callable[[str, int], Awaitable[list[str]]]:
    """A resolver that knows these names; dots are written as underscores."""

    async def resolve(host: str, port: int) -> list[str]:
        return known[host.replace(".", "_")]

    return resolve


def ours(port: int, *more: int) -> Outbound:
    """The way out of a desk whose operator named these services on loopback."""
    return Outbound(Policy.of(",".join(f"127.0.0.1:{each}" for each in (port, *more))))


def cases(kind: str) -> list[str]:
    path = CORPORA / "security/helpdesk_cases.jsonl"
    if not path.exists():
        missing("the corpus of hostile addresses")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row["value"] for row in rows if row["cat"] == kind]


async def _refused(policy: Policy, url: str) -> bool:
    try:
        await policy.addresses(policy.check(url))
    except NotAllowed:
        return True
    except OSError:  # a name that nobody has: nothing is connected to either
        return True
    return False


async def test_every_hostile_address_of_the_corpus_is_refused():
    """As it is written, and with https, so that the scheme alone does not decide."""
    resolve = names(
        localhost_=["127.0.0.1"], localhost_localdomain=["::1"], instance_data=["169.254.169.254"]
    )

    async def look_up(host: str, port: int) -> list[str]:
        return await resolve(host.replace("-", "_"), port)

    policy = Policy(resolve=look_up)
    for url in cases("ssrf"):
        for tried in {url, url.replace("http:", "https:")}:
            assert await _refused(policy, tried), tried


async def test_every_benign_address_of_the_corpus_is_allowed():
    policy = Policy(resolve=names(example_com=["93.184.216.34"], hooks_slack_com=["3.68.124.1", "2600:1::1"]))
    for url in cases("ssrf_benign"):
        assert not await _refused(policy, url), url


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "100.100.100.200", "169.254.169.254", "192.0.0.192", "168.63.129.16",
        "255.255.255.255", "224.0.0.251", "0.0.0.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
        "::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "fe80::1",
        "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "100::1", "5f00::1", "3fff::1", "nonsense", "",
    ],
)  # fmt: skip
def test_an_address_that_is_not_everybodys_is_not_public(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_an_address_of_the_internet_is_public(address: str):
    assert is_public(address)


@given(st.integers(0, 2**32 - 1))
def test_whatever_python_calls_private_is_not_public(number: int):
    four = IPv4Address(number)
    if not four.is_global or four.is_multicast:
        assert not is_public(str(four)) or str(four) in {"192.0.0.9", "192.0.0.10"}
    for wrapped in (
        f"::ffff:{four}",
        f"64:ff9b::{four}",
        f"::{four}",
        str(IPv6Address((0x2002 << 112) + (number << 80))),
    ):
        assert not is_public(wrapped)


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(["{0}", "0x{0:x}", "0{0:o}", "0x{0:x}.", "1.{0}", "a.0x{0:x}"])
)
def test_a_number_in_another_notation_is_no_host(number: int, notation: str):
    with pytest.raises(NotAllowed):
        Policy().check(f"https://{notation.format(number)}/")


@given(st.text(max_size=40))
def test_no_text_breaks_the_check(text: str):
    for url in (text, f"https://{text}", f"https://{text}@example.com/", f"https://example.com:{text}/"):
        try:
            target = Policy().check(url)
        except NotAllowed:
            continue
        assert target.scheme == "https"
        assert target.port in addresses.PORTS
        assert re.fullmatch(r"[a-z0-9_.:-]+", target.host)


async def test_one_private_address_among_public_ones_refuses_the_name():
    policy = Policy(resolve=names(mixed_example=["93.184.216.34", "10.0.0.1"]))
    with pytest.raises(NotAllowed, match="private"):
        await policy.addresses(policy.check("https://mixed.example/"))


def test_an_entry_that_is_no_host_and_port_is_named():
    with pytest.raises(Misconfigured, match="localhost`"):
        Policy.of("intra:8080, localhost")


async def test_a_service_on_loopback_is_reached_only_when_the_operator_named_it():
    async with server(says(body=b"hello")) as there:
        url = f"http://127.0.0.1:{there.port}/hook"
        assert (await ours(there.port).ask("POST", url, content=b"x")).body == b"hello"
        for elsewhere in (Outbound(Policy()), ours(1)):
            with pytest.raises(NotAllowed):
                await elsewhere.ask("POST", url)
        assert there.connections == 1


@pytest.fixture
def internet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """127.0.0.2 counts as the internet, on any port; everything else of loopback stays private."""
    open_ = IPv4Network("127.0.0.2/32")
    rest = [n for network in addresses.CLOSED_IPV4 for n in _without(network, open_)]
    monkeypatch.setattr(addresses, "CLOSED_IPV4", tuple(rest))
    monkeypatch.setattr(addresses, "PORTS", frozenset(range(1, 65536)))
    return authority(tmp_path, "hook.example", "other.example")


def _without(network: IPv4Network, hole: IPv4Network) -> list[IPv4Network]:
    return list(network.address_exclude(hole)) if hole.subnet_of(network) else [network]


async def test_the_name_stays_in_tls_and_host_and_the_line_goes_to_the_address(internet: Authority):
    async with server(says(body=b"yes"), tls=internet.server, host="127.0.0.2") as there:
        out = Outbound(Policy(resolve=names(hook_example=["127.0.0.2"])), internet.client)
        await out.ask("POST", f"https://hook.example:{there.port}/a?b=c", content=b"body")
        assert there.asked[0].name == "hook.example"
        assert there.asked[0].headers["host"] == f"hook.example:{there.port}"
        assert there.asked[0].line == "POST /a?b=c HTTP/1.1"


async def test_a_certificate_for_another_name_is_refused(internet: Authority):
    async with server(says(), tls=internet.server, host="127.0.0.2") as there:
        out = Outbound(Policy(resolve=names(wrong_example=["127.0.0.2"])), internet.client)
        with pytest.raises(Unreachable, match="certificate"):
            await out.ask("GET", f"https://wrong.example:{there.port}/")
        assert not there.asked


async def test_a_name_that_changes_between_look_ups_leads_nowhere_else(internet: Authority):
    """DNS rebinding: there is one look-up a request, and what it says is both checked and connected to."""
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    async with (
        server(says(body=b"public"), tls=internet.server, host="127.0.0.2") as public,
        server(says(body=b"private"), tls=internet.server, host="127.0.0.1") as private,
    ):
        out = Outbound(Policy(resolve=resolve), internet.client)
        answer = await out.ask("GET", f"https://hook.example:{public.port}/")
        assert (answer.body, asked) == (b"public", ["hook.example"])
        with pytest.raises(NotAllowed):
            await out.ask("GET", f"https://hook.example:{private.port}/")
        assert private.connections == 0


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/x", "https://intra.example:{port}/"]
)
async def test_a_redirect_into_the_private_network_is_not_followed(internet: Authority, place: str):
    """Not even to a service that the operator has named: it was named for colleagues, not for strangers."""
    async with server(says(body=b"secret")) as private:
        target = place.format(port=private.port)
        async with server(
            says("302 Found", location=target), tls=internet.server, host="127.0.0.2"
        ) as public:
            policy = Policy(
                frozenset({("127.0.0.1", private.port), ("intra.example", private.port)}),
                names(hook_example=["127.0.0.2"], intra_example=["127.0.0.1"]),
            )
            with pytest.raises(NotAllowed):
                await Outbound(policy, internet.client).ask("GET", f"https://hook.example:{public.port}/")
            assert private.connections == 0


async def test_a_redirect_to_another_server_takes_no_secret_along(internet: Authority):
    async with server(says(body=b"end"), tls=internet.server, host="127.0.0.2") as second:
        place = f"https://other.example:{second.port}/end"
        async with server(
            says("307 Temporary Redirect", location=place), tls=internet.server, host="127.0.0.2"
        ) as first:
            policy = Policy(resolve=names(hook_example=["127.0.0.2"], other_example=["127.0.0.2"]))
            answer = await Outbound(policy, internet.client).ask(
                "POST",
                f"https://hook.example:{first.port}/",
                headers={"Authorization": "Bearer x"},
                content=b"b",
            )
            assert answer.body == b"end"
            assert "authorization" in first.asked[0].headers
            assert "authorization" not in second.asked[0].headers
            assert second.asked[0].body == b"b"


async def test_redirects_end_after_three():
    async with server(says("302 Found", location="/again")) as there:
        with pytest.raises(Unreachable, match="3 redirects"):
            await ours(there.port).ask("GET", f"http://127.0.0.1:{there.port}/")
        assert len(there.asked) == 4
        answer = await ours(there.port).ask("GET", f"http://127.0.0.1:{there.port}/", redirects=0)
        assert answer.status == 302


async def drips(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


async def never_ends(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        await writer.drain()


async def head_never_ends(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-more: " + b"y" * 1000 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize("answer", [drips, head_never_ends], ids=["drips", "head"])
async def test_an_answer_that_does_not_end_is_given_up_in_time(answer: Callable[..., Awaitable[None]]):
    async with server(answer) as there:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            await ours(there.port).ask("GET", f"http://127.0.0.1:{there.port}/", within=0.6)
        assert time.monotonic() - began < 3


async def test_silence_is_given_up_in_time():
    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with server(silent) as there:
        with pytest.raises(Unreachable, match=r"within 0\.4 seconds"):
            await ours(there.port).ask("GET", f"http://127.0.0.1:{there.port}/", within=0.4)


async def test_an_endless_body_is_cut_or_refused_at_a_megabyte():
    async with server(never_ends) as there:
        url = f"http://127.0.0.1:{there.port}/"
        with pytest.raises(TooLarge):
            await ours(there.port).ask("GET", url)
        answer: Answer = await ours(there.port).ask("GET", url, largest=4_000, cut=True)
        assert (len(answer.body), answer.cut) == (4_000, True)


async def test_a_bomb_is_unpacked_no_further_than_a_megabyte():
    bomb = gzip.compress(bytes(300_000_000), 9)
    assert len(bomb) < 400_000
    async with server(says(body=bomb, content_encoding="gzip")) as there:
        began = time.process_time()
        with pytest.raises(TooLarge):
            await ours(there.port).ask("GET", f"http://127.0.0.1:{there.port}/")
        assert time.process_time() - began < 0.5
    assert _unpacked(gzip.compress(b"fits"), "gzip", 10) == b"fits"


@pytest.mark.parametrize("junk", [b"SSH-2.0-OpenSSH\r\n", b"\x00" * 100, b"HTTP/1.1 999999 No\r\n\r\n", b""])
async def test_something_other_than_http_is_said_in_words(junk: bytes):
    async def babbles(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(junk)
        await writer.drain()

    async with server(babbles) as there:
        with pytest.raises(Unreachable, match="other than HTTP"):
            await ours(there.port).ask("GET", f"http://127.0.0.1:{there.port}/")


@pytest.mark.parametrize(
    ("headers", "url"),
    [({"x-a": "b\r\nx-c: d"}, "/"), ({"x\r\ny": "z"}, "/"), ({}, "/\r\nx-c: d"), ({}, "/a b")],
)
async def test_nothing_is_smuggled_into_the_request(headers: dict[str, str], url: str):
    async with server(says()) as there:
        with pytest.raises((NotAllowed, Unreachable)):
            await ours(there.port).ask("GET", f"http://127.0.0.1:{there.port}{url}", headers=headers)
        assert not there.asked


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch):
    async with server(says(body=b"proxy")) as proxy, server(says(body=b"direct")) as there:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = await ours(there.port).ask("GET", f"http://127.0.0.1:{there.port}/")
        assert (answer.body, proxy.connections) == (b"direct", 0)


async def test_what_went_wrong_is_said_in_words():
    with pytest.raises(Unreachable, match="refuses connections"):
        await ours(1).ask("GET", "http://127.0.0.1:1/")
    with pytest.raises(Unreachable, match="no server of this name"):
        await Outbound(Policy()).ask("GET", "https://there-is-no-such-host.invalid/")


@pytest.mark.parametrize(
    "place",
    [
        "169.254.169.254", "fe80::1", "fe80::1%1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254",
    ],
)  # fmt: skip
async def test_no_name_leads_to_where_machines_answer_for_themselves(place: str):
    """Whoever answers for a name that the operator has named must not choose what it means."""
    allowed = frozenset({("mail.internal", 993), (place, 993)})
    policy = Policy(allowed, names(mail_internal=[place]))
    for host in ("mail.internal", place):
        with pytest.raises(NotAllowed, match="answers for itself"):
            await policy.addresses(Target("line", host, 993))


async def test_a_line_is_dialled_to_the_next_address_where_the_first_is_dead():
    async with server(says()) as there:
        policy = Policy(frozenset({("two.example", there.port)}), names(two_example=["::1", "127.0.0.1"]))
        line = await dial(policy, "Two.example", there.port)
        assert line.getpeername() == ("127.0.0.1", there.port)
        line.close()
    for nobody in ("", "x" * 70, "two..example"):
        with pytest.raises(OSError, match="name"):
            await dial(Policy(), nobody, 25)
