"""A mailbox tried step by step, so that whoever set it up sees how far it goes and what to mend."""

import asyncio
import socket
from collections.abc import AsyncIterator

from channels.contract import ChannelError, Step
from channels.email import sending
from channels.email.mailbox import Lost, Mailbox
from channels.email.settings import EmailSettings
from channels.email.trouble import unreachable
from helpdesk.i18n import gettext
from helpdesk.outbound import NotAllowed, Policy, Target, dial

PATIENCE = 8.0  # seconds for a name or a connection; a person waits


async def diagnose(settings: EmailSettings, address: str, policy: Policy) -> AsyncIterator[Step]:
    """Fetching first, then sending; of each, what comes after a step that fails is left out."""
    if settings.imap_host:
        async for step in _fetching(settings, policy):
            yield step
    async for step in _sending(settings, address, policy):
        yield step


async def _fetching(settings: EmailSettings, policy: Policy) -> AsyncIterator[Step]:
    host, port = settings.imap_host, settings.imap_port
    secure = settings.imap_security == "tls"
    async for step in _reaching(gettext("Fetching"), host, port, policy):
        yield step
        if step.trouble:
            return
    login = (
        gettext("Fetching: secure line, login and folder")
        if secure
        else gettext("Fetching: login and folder")
    )
    try:
        async with asyncio.timeout(PATIENCE * 2):
            mailbox = await Mailbox.open(settings, policy)
    except (ChannelError, Lost) as error:
        yield Step(login, trouble=str(error))
        return
    except TimeoutError as error:
        yield Step(login, trouble=str(unreachable(error, host=host, port=port)))
        return
    try:
        yield Step(
            login,
            found=gettext("%(user)s is let in, and the folder %(folder)s opens")
            % {"user": settings.imap_user, "folder": settings.folder},
        )
        if mailbox.read_only:
            words = gettext("The folder {folder} can only be read: the desk could not mark mails as seen.")
            yield Step(gettext("Fetching: marking as seen"), trouble=words.format(folder=settings.folder))
    finally:
        mailbox.close()


async def _sending(settings: EmailSettings, address: str, policy: Policy) -> AsyncIterator[Step]:
    host, port = settings.smtp_host, settings.smtp_port
    async for step in _reaching(gettext("Sending"), host, port, policy):
        yield step
        if step.trouble:
            return
    label = (
        gettext("Sending: login")
        if settings.smtp_security == "none"
        else gettext("Sending: secure line and login")
    )
    try:
        async with asyncio.timeout(PATIENCE * 2):
            await sending.check(settings, address, policy)
    except ChannelError as error:
        yield Step(label, trouble=str(error))
    except TimeoutError as error:
        yield Step(label, trouble=str(unreachable(error, host=host, port=port)))
    else:
        yield Step(label, found=gettext("%(host)s takes mail from the desk") % {"host": host})


async def _reaching(what: str, host: str, port: int, policy: Policy) -> AsyncIterator[Step]:
    name, line = gettext("%(what)s: the server's name"), gettext("%(what)s: the line")
    try:
        async with asyncio.timeout(PATIENCE):
            found = await policy.addresses(Target("line", host.lower(), port))
    except NotAllowed as error:
        yield Step(name % {"what": what}, trouble=str(error))
        return
    except (OSError, TimeoutError, UnicodeError) as error:
        why = error if isinstance(error, (OSError, TimeoutError)) else socket.gaierror()
        yield Step(name % {"what": what}, trouble=str(unreachable(why, host=host, port=port)))
        return
    yield Step(name % {"what": what}, found=f"{host} → {', '.join(found)}")
    try:
        async with asyncio.timeout(PATIENCE):
            (await dial(policy, host, port)).close()
    except (OSError, TimeoutError, NotAllowed) as error:
        yield Step(line % {"what": what}, trouble=str(unreachable(error, host=host, port=port)))
        return
    yield Step(
        line % {"what": what},
        found=gettext("%(host)s answers on port %(port)s") % {"host": host, "port": port},
    )
