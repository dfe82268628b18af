"""The domain of the desk: what a ticket is and may do.

How a message moves:
  channels/<name>            bytes or JSON  →  InboundMessage
  helpdesk/intake.py         keep(): the raw bytes, committed; receive(): contact, ticket, SLA, events, committed
  helpdesk/events.py         one insert-only table: timeline, audit and outbox
  workers/dispatch.py        events  →  jobs, as workers/reactions.py says
  ai/triage · ai/suggestions propose; a person, or a rule, decides
  helpdesk/tickets.py        ticket.reply() queues an answer
  workers/delivery.py        channels/<name>.send()  →  customer
  web/live.py                NOTIFY  →  the consoles that are open
"""
