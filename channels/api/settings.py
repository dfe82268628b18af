"""What one inbox for programs and forms is set to. Flat, so that a form or `--set` can fill it."""

from datetime import datetime

import msgspec


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    key: str = ""
    """What programs prove themselves by. Empty: none may send; the settings page makes one."""
    key_before: str = ""
    """The key before, good until `key_before_until`, so that programs can change theirs at leisure."""
    key_before_until: str = ""
    vouches: bool = False
    """The programs have checked who their senders are, where they say `verified`."""
    callback_url: str = ""
    """Where answers are sent; empty: programs ask for them, or they leave through another inbox."""
    callback_secret: str = ""
    """What callbacks are signed with."""
    form_open: bool = False
    """Whether anybody may write through a form on the web."""
    form_title: str = ""
    form_words: str = ""
    """What stands above the form."""
    form_consent: str = ""
    """What everybody who writes has to agree to; empty: nothing."""
    form_origins: str = ""
    """The sites that may show the form in a frame, separated by spaces: `https://www.example.com`."""

    form_files: bool = False
    """Whether files can be sent along with it."""
    form_fields: str = ""
    """Keys of the tickets' custom fields that it asks for, separated by spaces."""

    def keys(self, now: datetime) -> list[str]:
        """Those that are good at this time."""
        before = self.key_before if self.key_before_until and now.isoformat() < self.key_before_until else ""
        return [key for key in (self.key, before) if key]
