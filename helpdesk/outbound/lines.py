"""A line to a server that somebody named, such as a mail server's: dialled to an address that was checked.

Who reads or writes on it keeps the name for TLS (`server_hostname`) and looks nothing up again, so that a name
cannot mean one server while it is checked and another while it is called.
"""

import asyncio
import socket
from ipaddress import ip_address

from helpdesk.outbound.addresses import Policy, Target

FIRST_WITHIN = 5.0  # seconds for an address that others come after


async def dial(policy: Policy, host: str, port: int) -> socket.socket:
    """Connected, for the event loop to use. Raises NotAllowed in words, OSError where nobody answers."""
    try:
        if not host:
            raise UnicodeError
        found = await policy.addresses(Target("line", host.lower(), port))
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "this is no name of a server") from None
    error: OSError = TimeoutError()
    for place, address in enumerate(found):
        within = FIRST_WITHIN if place < len(found) - 1 else None
        try:
            async with asyncio.timeout(within):
                return await _connected(address, port)
        except OSError as failed:  # TimeoutError is one
            error = failed
    raise error


async def _connected(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    line = socket.socket(family, socket.SOCK_STREAM)
    line.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(line, (address, port))
    except BaseException:
        line.close()
        raise
    return line
