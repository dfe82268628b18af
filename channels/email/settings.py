"""What one mailbox needs: where to fetch, where to send. Flat, so that a form or `--set` can fill it."""

import ssl
from typing import Literal

import msgspec


class EmailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    smtp_host: str
    imap_host: str = ""
    """Empty: nothing is fetched; mail is handed to the desk by other means."""
    imap_user: str = ""
    imap_password: str = ""
    imap_port: int = 993
    imap_security: Literal["tls", "none"] = "tls"
    """`none` sends the password in the clear: for a server on the same machine only."""
    smtp_port: int = 465
    smtp_security: Literal["tls", "starttls", "none"] = "tls"
    """`tls` is usual on port 465, `starttls` on 587; `none` sends everything in the clear."""
    smtp_user: str = ""
    """Empty: the same user and password as for IMAP."""
    smtp_password: str = ""
    folder: str = "INBOX"
    existing: Literal["unread", "all", "none"] = "unread"
    """Which mails that lie there already become tickets when the mailbox is connected."""
    from_name: str = "{agent} via {inbox}"
    """How answers are signed in From: `{agent}` is who wrote, `{inbox}` the part of the address before the @."""
    authserv_id: str = ""
    """The name your mail server puts first into Authentication-Results; empty: senders stay unproven."""
    ca_file: str = ""
    """Certificates to trust besides the system's, for a server with a private authority."""

    @property
    def smtp_login(self) -> tuple[str, str]:
        return (
            (self.smtp_user, self.smtp_password) if self.smtp_user else (self.imap_user, self.imap_password)
        )

    def tls(self) -> ssl.SSLContext:
        """Always verifies the certificate and the host's name. Raises OSError where ca_file is none."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file:
            context.load_verify_locations(self.ca_file)
        return context
