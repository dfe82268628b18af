"""Slack as a customer channel: threads are tickets, people of other workspaces are customers.

reading.py      what one payload is; pure        richtext.py, mrkdwn.py   Slack's words ↔ ours
arriving.py     Events API and Socket Mode, by slack-bolt: stored first, then acknowledged
calling.py      the Web API, through the guarded way out
happening.py    what a stored payload changes: messages, edits, tickets, notes, answers
triage.py       cards of tickets in a channel for colleagues
"""

from channels.slack.channel import SlackChannel

CHANNEL = SlackChannel
