"""How an answer gets into its thread, once: what may have been taken is looked for before it is posted again."""

from datetime import timedelta
from typing import Any

from channels.contract import Rejected, Uncertain
from channels.slack import reading, showing
from channels.slack.calling import Answer, Calls
from channels.slack.mrkdwn import LONGEST, blocks, mrkdwn
from helpdesk import clock
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext
from helpdesk.messages import OutboundMessage, Receipt, Upload
from helpdesk.outbound import TooLarge

MARK = "helpdesk_answer"
"""The kind of metadata by which the desk knows its own messages."""
DOUBTFUL = timedelta(seconds=8)
"""An answer that is older when it is sent was perhaps sent before, by somebody who was killed then: what they had in
hand is given to others after ten seconds at the earliest."""
PAGE = 200  # messages of a thread that are looked through
UPLOADING = 120.0  # seconds for one file


async def send(calls: Calls, message: OutboundMessage) -> Receipt:
    channel, thread = await _place(calls, message)
    text = mrkdwn(message.question.words if message.question else message.text)
    if len(text) > LONGEST:
        raise Rejected(
            gettext("This answer is too long for Slack: at most {n} characters.").format(n=LONGEST)
        )
    if found := await _sent_before(calls, message, channel, thread):
        return Receipt(external_id=reading.external_id(channel, found, thread), answer="it was there")
    ts = await _posted(calls, message, channel, thread, text)
    refused = {}
    for file in message.attachments:
        if trouble := await _uploaded(calls, file, channel, thread or ts):
            refused[file.name] = trouble
    return Receipt(external_id=reading.external_id(channel, ts, thread), answer=ts, refused=refused)


async def _place(calls: Calls, message: OutboundMessage) -> tuple[str, str]:
    """Where it was asked; where nothing was asked in Slack, a direct message to the customer."""
    for external in (message.in_reply_to, *reversed(message.references)):
        if external and (found := reading.place(external)):
            return found
    user = message.to[0].rpartition("/")[2] if message.to else ""
    if not user or "@" in user:
        raise Rejected(gettext("This customer is not known in Slack, so nothing can be sent to them there."))
    opened = await calls.ask("conversations_open", users=user)
    channel = opened.get("channel")
    if not isinstance(channel, dict) or not channel.get("id"):
        raise Rejected(gettext("Slack opened no direct message with this customer."))
    return str(channel["id"]), ""


async def _posted(calls: Calls, message: OutboundMessage, channel: str, thread: str, text: str) -> str:
    given: dict[str, Any] = {"thread_ts": thread} if thread else {}
    if shown := blocks(text):
        buttons = [showing.question(message.question)] if message.question else []
        given["blocks"] = [*shown, *buttons]
    answer = await calls.tell(
        "chat_postMessage",
        channel=channel,
        text=text,
        username=message.from_name[:80],
        metadata={"event_type": MARK, "event_payload": {"id": str(message.message_id)}},
        unfurl_links=False,
        unfurl_media=False,
        **given,
    )
    if not answer.get("ts"):
        raise Uncertain(gettext("Slack did not say what became of this answer."))
    return str(answer["ts"])


async def _sent_before(calls: Calls, message: OutboundMessage, channel: str, thread: str) -> str:
    """The ts of this very answer, where an attempt before was taken after all."""
    if not message.written_at or clock.now() - message.written_at < DOUBTFUL:
        return ""
    since = f"{message.written_at.timestamp() - 60:.6f}"
    given: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "oldest": since, "limit": PAGE}
    if thread:
        answer: Answer = await calls.ask("conversations_replies", ts=thread, **given)
    else:
        answer = await calls.ask("conversations_history", **given)
    for said in answer.get("messages") or ():
        mark = said.get("metadata") or {}
        about = mark.get("event_payload") or {}
        if mark.get("event_type") == MARK and str(about.get("id")) == str(message.message_id):
            return str(said.get("ts") or "")
    return ""


async def _uploaded(calls: Calls, file: Upload, channel: str, thread: str) -> str:
    """Why it could not be sent along, in words; the answer itself stands there already."""
    try:
        given = await calls.ask("files_getUploadURLExternal", filename=file.name, length=len(file.content))
        there = await calls.outbound.ask(
            "POST",
            str(given.get("upload_url") or ""),
            headers={"content-type": "application/octet-stream"},
            content=file.content,
            within=UPLOADING,
        )
        if there.status >= 300:
            return gettext("Slack did not take the file ({status}).").format(status=there.status)
        await calls.tell(
            "files_completeUploadExternal",
            files=[{"id": str(given.get("file_id") or ""), "title": file.name}],
            channel_id=channel,
            thread_ts=thread,
        )
    except TooLarge:
        return ""  # a long answer to an upload says nothing about the upload
    except HelpdeskError as error:
        return str(error)
    return ""
