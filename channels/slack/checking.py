"""Whether an app is set up as the desk needs it: step by step in the settings, and now and then at work."""

import asyncio
from collections.abc import AsyncIterator, Callable

from channels.contract import ChannelError, Step
from channels.slack import lines
from channels.slack.calling import GRANTED, Calls
from channels.slack.manifest import SCOPES
from helpdesk.i18n import gettext

EVERY = 600.0  # seconds between looks whether the app is still let in
AGAIN = 60.0  # after one that failed


async def steps(calls: Calls) -> AsyncIterator[Step]:
    """As far as it goes; each step in words."""
    chosen = calls.settings
    what = gettext("The app in its workspace")
    try:
        answer, scopes = await _signed_in(calls)
    except ChannelError as error:
        yield Step(what, trouble=str(error))
        return
    yield Step(what, found=gettext("{bot} in {team}").format(bot=answer.get("user"), team=answer.get("team")))
    what = gettext("What it may do")
    missing = [scope for scope in SCOPES if scopes and scope not in scopes]
    if missing:
        words = gettext("These scopes are missing: {scopes}. Add them and install the app again.")
        yield Step(what, trouble=words.format(scopes=", ".join(missing)))
    else:
        yield Step(what, found=gettext("Everything the desk needs"))
    yield await _way_in(calls)
    if chosen.triage_channel:
        yield await _triage(calls)


async def watched(calls: Calls, trouble: Callable[[ChannelError | None], None]) -> None:
    """For ever: Slack calls, so nobody would notice that the app was taken out of the workspace."""
    while True:
        try:
            await calls.ask("auth_test")
        except ChannelError as error:
            trouble(error)
            await asyncio.sleep(AGAIN)
        else:
            trouble(None)
            await asyncio.sleep(EVERY)


async def _signed_in(calls: Calls) -> tuple[dict[str, object], set[str]]:
    """Slack says in a header what the app was granted; empty where it does not."""
    answer = await calls.ask("auth_test")
    given = str(answer.get(GRANTED) or "")
    return dict(answer), {scope.strip() for scope in given.split(",") if scope.strip()}


async def _way_in(calls: Calls) -> Step:
    chosen = calls.settings
    what = gettext("How messages come in")
    if chosen.app_token:
        try:
            await calls.ask("apps_connections_open", app_token=chosen.app_token)
        except ChannelError as error:
            return Step(what, trouble=f"Socket Mode: {error}")
        return Step(what, found=gettext("The desk opens the connection (Socket Mode)"))
    if chosen.signing_secret:
        return Step(what, found=gettext("Slack calls the desk, and signs what it sends"))
    return Step(
        what,
        trouble=gettext("Enter the signing secret, so that Slack can call, or an app token for Socket Mode."),
    )


async def _triage(calls: Calls) -> Step:
    what = gettext("The triage channel")
    try:
        answer = await calls.ask("conversations_info", channel=calls.settings.triage_channel)
    except ChannelError as error:
        return Step(what, trouble=str(error))
    channel = answer.get("channel")
    known = channel if isinstance(channel, dict) else {}
    if not known.get("is_member"):
        return Step(what, trouble=gettext("The app is not in this channel. Invite it there."))
    if known.get("is_ext_shared"):
        return Step(what, trouble=lines.shared())
    return Step(what, found=f"#{known.get('name') or calls.settings.triage_channel}")
