"""What one Slack inbox is set to. Flat, so that a form or `--set` can fill it."""

import msgspec

API = "https://slack.com/api/"


class SlackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    bot_token: str
    """xoxb-…: what the desk calls Slack with."""
    signing_secret: str = ""
    """What Slack signs its calls to the desk with. Empty: nobody may call; then an app token is needed."""
    app_token: str = ""
    """xapp-…: with it the desk opens the connection itself (Socket Mode) and needs no public address."""
    triage_channel: str = ""
    """The channel (C…) in which colleagues see a card of each ticket. Empty: no cards."""
    group_minutes: int = 2
    """What one person writes within so many minutes, outside of threads, is one ticket."""
    ticket_emoji: str = "ticket"
    """The reaction that makes a ticket of a message."""
    direct_messages: bool = True
    """Whether a message to the app itself opens a ticket, whoever writes it."""
    api_url: str = API
    """Where Slack's Web API is; other than for everybody only for GovSlack."""
