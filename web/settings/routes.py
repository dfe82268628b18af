"""Every page of the settings."""

from typing import Any

from web.settings import frame, me, notices

ROUTES: list[Any] = [
    frame.index,
    me.Me,
    me.Safety,
    notices.Notices,
    notices.Signatures,
]
