"""Why a mail server could not be used, in words that say what to do."""

import asyncio
import socket
import ssl

from channels.contract import Unavailable
from helpdesk.i18n import gettext


def unreachable(error: BaseException, *, host: str, port: int) -> Unavailable:
    if not host:
        return Unavailable(gettext("No server is named. Type its name, such as mail.example.com."))
    return Unavailable(_why(error).format(host=host, port=port, reason=_reason(error)))


def _why(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return gettext(
            "There is no server named {host}. Check how the name is spelled, and that this machine can look up names."
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return gettext(
            "The certificate of {host} is not trusted: {reason}. Check the server's name; "
            "for a private authority give its certificate in ca_file."
        )
    if isinstance(error, ssl.SSLError):
        return gettext(
            "{host} does not speak TLS on port {port}. Check port and security: IMAP with TLS is 993, "
            "SMTP with TLS 465, SMTP with STARTTLS 587."
        )
    if isinstance(error, ConnectionRefusedError):
        return gettext(
            "{host} refuses connections on port {port}. Check the port, and that the server is running."
        )
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return gettext(
            "{host} does not answer on port {port}. Check the port, and whether a firewall is in the way."
        )
    if isinstance(error, FileNotFoundError):
        return gettext("The file that ca_file names does not exist.")
    return gettext("The connection to {host}, port {port}, failed: {reason}.")


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    return str(error).rstrip(".") or type(error).__name__
