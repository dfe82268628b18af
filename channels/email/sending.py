"""Hand a mail over to an SMTP server, and say exactly how that went (RFC 5321)."""

import asyncio
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import aiosmtplib
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from channels.contract import ChannelError, Rejected, Unavailable, Uncertain
from channels.email.settings import EmailSettings
from channels.email.trouble import unreachable
from helpdesk.i18n import gettext
from helpdesk.messages import Receipt
from helpdesk.outbound import NotAllowed, Policy, dial

ANSWERS_WITHIN = 60.0
TAKES_OVER_WITHIN = 600.0  # RFC 5321 section 4.5.3.2.6: hanging up earlier is how duplicates are made
GREYLISTED = timedelta(minutes=5)
LOGIN_REFUSED = timedelta(minutes=10)  # a person has to mend it; do not lock the account meanwhile


async def send(
    settings: EmailSettings,
    policy: Policy,
    mail: bytes,
    *,
    external_id: str,
    sender: str,
    recipients: Sequence[str],
) -> Receipt:
    """Raises Rejected, Unavailable or Uncertain; where only some recipients are taken the receipt names the others."""
    smtp = await _connected(settings, sender, policy)
    try:
        options = _options(smtp, mail, [sender, *recipients])
        refused = await _envelope(smtp, sender, list(dict.fromkeys(recipients)), options)
        answer = await _hand_over(smtp, mail)
    finally:
        smtp.close()
    return Receipt(external_id=external_id, answer=answer, refused=refused)


async def check(settings: EmailSettings, sender: str, policy: Policy) -> None:
    (await _connected(settings, sender, policy)).close()


async def _connected(settings: EmailSettings, sender: str, policy: Policy) -> SMTP:
    host, port = settings.smtp_host, settings.smtp_port
    line: socket.socket | None = None
    try:
        async with asyncio.timeout(ANSWERS_WITHIN / 2):
            line = await dial(policy, host, port)
        smtp = SMTP(
            hostname=host,
            sock=line,
            timeout=ANSWERS_WITHIN / 2,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=settings.tls() if settings.smtp_security != "none" else None,
            local_hostname=sender.rpartition("@")[2] or None,
        )
        await smtp.connect()
    except NotAllowed as error:
        raise Unavailable(str(error), retry_after=LOGIN_REFUSED) from None
    except (SMTPResponseException, aiosmtplib.SMTPNotSupported) as error:
        raise Unavailable(
            gettext("{host} does not take mail on port {port}: {reason}").format(
                host=host, port=port, reason=_said(error)
            ),
            retry_after=GREYLISTED,
        ) from None
    except (TimeoutError, OSError, SMTPException) as error:
        if line:
            line.close()
        raise unreachable(_cause(error), host=host, port=port) from error
    try:
        await _login(smtp, settings)
    except BaseException:
        smtp.close()
        raise
    return smtp


async def _login(smtp: SMTP, settings: EmailSettings) -> None:
    user, password = settings.smtp_login
    try:
        await smtp.ehlo()
        if not smtp.supports_extension("auth"):  # a relay that knows us by our network
            return
        await smtp.login(user, password)
    except SMTPException as error:
        raise Unavailable(
            gettext(
                "{host} refuses the login of {user}: {reason}. Check user and password; "
                "many providers want an app password, made in their account settings."
            ).format(host=settings.smtp_host, user=user, reason=_said(error).rstrip(".")),
            retry_after=LOGIN_REFUSED,
        ) from None


def _options(smtp: SMTP, mail: bytes, addresses: Sequence[str]) -> list[str]:
    options = [f"size={len(mail)}"] if smtp.supports_extension("size") else []
    if all(address.isascii() for address in addresses):
        return options
    if not smtp.supports_extension("smtputf8"):
        foreign = next(address for address in addresses if not address.isascii())
        words = gettext("The mail server cannot send to {address}: it knows no international addresses.")
        raise Rejected(words.format(address=foreign))
    return [*options, "SMTPUTF8", "BODY=8BITMIME"]


async def _envelope(smtp: SMTP, sender: str, recipients: Sequence[str], options: list[str]) -> dict[str, str]:
    encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
    refused: dict[str, SMTPResponseException] = {}
    try:
        await smtp.mail(sender, options=options, encoding=encoding, timeout=ANSWERS_WITHIN)
        for recipient in recipients:
            try:
                await smtp.rcpt(recipient, encoding=encoding, timeout=ANSWERS_WITHIN)
            except aiosmtplib.SMTPRecipientRefused as refusal:
                if refusal.code == 421:
                    raise
                refused[recipient] = refusal
    except (TimeoutError, SMTPException, OSError) as error:
        raise _outcome(error) from None
    if len(refused) == len(recipients):
        reasons = "; ".join(f"{recipient}: {_said(refusal)}" for recipient, refusal in refused.items())
        later = any(400 <= refusal.code < 500 for refusal in refused.values())
        raise Unavailable(reasons, retry_after=GREYLISTED) if later else Rejected(reasons)
    return {recipient: _said(refusal) for recipient, refusal in refused.items()}


async def _hand_over(smtp: SMTP, mail: bytes) -> str:
    written = _watched(smtp.protocol)
    try:
        answer = await smtp.data(mail, timeout=TAKES_OVER_WITHIN)
    except SMTPResponseException as refusal:
        if refusal.code < 0:  # what came back was no SMTP
            raise Uncertain(_said(refusal)) from None
        raise _outcome(refusal) from None
    except (TimeoutError, SMTPException, OSError) as error:
        if written.done():
            raise Uncertain(
                gettext(
                    "The connection broke after the mail was handed over: it may or may not have been taken."
                )
            ) from error
        raise _outcome(error) from None
    except asyncio.CancelledError:
        if written.done():
            raise Uncertain(gettext("The desk was stopped while the mail was being handed over.")) from None
        raise
    return f"{answer.code} {answer.message}"


def _watched(protocol: Any) -> "asyncio.Future[None]":
    """Done once the final dot went to the socket: from then on only the server knows."""
    handed_over = asyncio.get_running_loop().create_future()
    write = protocol.write

    def watching(data: bytes) -> None:
        if data.endswith(b"\r\n.\r\n") and not handed_over.done():
            handed_over.set_result(None)
        write(data)

    protocol.write = watching
    return handed_over


def _outcome(error: BaseException) -> ChannelError:
    if isinstance(error, SMTPResponseException) and error.code >= 500:
        return Rejected(_said(error))
    return Unavailable(_said(error), retry_after=GREYLISTED)


def _said(error: BaseException) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}" if error.code > 0 else error.message
    return str(error) or type(error).__name__


def _cause(error: BaseException) -> BaseException:
    """aiosmtplib wraps what really happened."""
    while isinstance(error, SMTPException) and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__ or error
    return TimeoutError() if isinstance(error, aiosmtplib.SMTPTimeoutError) else error
