"""A desk with many tickets, made by the database itself: three messages a ticket, believable lengths."""

import psycopg

WORDS = (
    "invoice refund charge card plan seat export import label printer calendar sync booking customer error "
    "message please help cannot find yesterday morning account password reset login mobile app offline report "
    "workshop job twice payment the and but with from when after before still again never always because"
)

TEXT = (
    "(SELECT string_agg((%(words)s::text[])[1 + floor(random() * {n})::int], ' ') "
    "FROM generate_series(1, {size} + n %% 1))"  # n makes it another text in every row
)


def fill(owner_url: str, tickets: int, *, inbox_id: int, agents: list[int], teams: list[int]) -> None:
    """Adds tickets, 70 % of them settled; every step is one statement, so 100,000 take about a minute."""
    values = {
        "words": WORDS.split(),
        "tickets": tickets,
        "inbox": inbox_id,
        "agents": agents,
        "teams": teams,
    }
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_after_insert")
        for statement in STATEMENTS:
            connection.execute(statement, values)
        connection.execute("ALTER TABLE event ENABLE TRIGGER event_after_insert")
        connection.execute("VACUUM ANALYZE")


def _text(size: int) -> str:
    return TEXT.format(n=len(WORDS.split()), size=size)


CONTACTS = f"""
INSERT INTO contact (name) SELECT initcap({_text(2)}) FROM generate_series(1, %(tickets)s / 4 + 1) n
"""
IDENTITIES = """
INSERT INTO contact_identity (contact_id, kind, value, proof)
SELECT id, 'email', 'person' || id || '@customers.example', 'none' FROM contact c
WHERE NOT EXISTS (SELECT FROM contact_identity i WHERE i.contact_id = c.id)
"""
TICKETS = f"""
INSERT INTO ticket (subject, status, priority, inbox_id, contact_id, team_id, assignee_id, reply_key, preview,
                    last_direction, last_message_at, waiting_since, next_due_at, has_suggestion, created_at)
SELECT {_text(5)},
       CASE WHEN n %% 10 < 7 THEN 'resolved' ELSE (ARRAY['new', 'open', 'waiting'])[n %% 10 - 6] END,
       (ARRAY['low', 'normal', 'normal', 'high', 'urgent'])[1 + n %% 5],
       %(inbox)s,
       (SELECT min(id) FROM contact) + (n %% (%(tickets)s / 4 + 1)),
       (%(teams)s::bigint[])[1 + n %% cardinality(%(teams)s::bigint[])],
       CASE WHEN n %% 3 = 0 THEN NULL ELSE (%(agents)s::bigint[])[1 + n %% cardinality(%(agents)s::bigint[])] END,
       uuid_send(gen_random_uuid()), {_text(20)},
       CASE WHEN n %% 10 = 9 THEN 'outbound' ELSE 'inbound' END,
       now() - (%(tickets)s - n) * interval '1 minute',
       CASE WHEN n %% 10 IN (7, 8) THEN now() - (%(tickets)s - n) * interval '1 minute' END,
       now() + (n %% 5000) * interval '1 minute', false,
       now() - (%(tickets)s - n + 60) * interval '1 minute'
FROM generate_series(1, %(tickets)s) n
"""
MESSAGES = f"""
INSERT INTO message (ticket_id, inbox_id, direction, author, contact_id, agent_id, text, sent_at, created_at,
                     external_id, dedup_key, sender, automatic, delivery)
SELECT t.id, t.inbox_id, CASE m WHEN 2 THEN 'outbound' ELSE 'inbound' END,
       CASE m WHEN 2 THEN 'agent' ELSE 'contact' END, CASE m WHEN 2 THEN NULL ELSE t.contact_id END,
       CASE m WHEN 2 THEN (%(agents)s::bigint[])[1] END, {_text(60)},
       t.created_at + m * interval '10 minutes', t.created_at + m * interval '10 minutes',
       'bench.' || t.id || '.' || m || '@customers.example', md5(t.id || '.' || m),
       CASE m WHEN 2 THEN NULL ELSE 'person' || t.contact_id || '@customers.example' END, false,
       CASE m WHEN 2 THEN 'sent' END
FROM ticket t CROSS JOIN generate_series(1, 3) m, LATERAL (SELECT t.id AS n) numbered
WHERE NOT EXISTS (SELECT FROM message x WHERE x.ticket_id = t.id)
"""
EVENTS = """
INSERT INTO event (ticket_id, message_id, kind, actor, actor_id, data, created_at)
SELECT m.ticket_id, m.id, CASE m.direction WHEN 'outbound' THEN 'replied' ELSE 'message_received' END,
       m.author, coalesce(m.agent_id, m.contact_id), '{}', m.created_at
FROM message m WHERE NOT EXISTS (SELECT FROM event e WHERE e.message_id = m.id)
"""
CLOCKS = """
INSERT INTO sla_clock (ticket_id, metric, started_at, due_at, met_at)
SELECT t.id, metric, t.created_at, t.next_due_at, CASE WHEN t.settled THEN t.created_at + interval '1 hour' END
FROM ticket t CROSS JOIN unnest(ARRAY['first_response', 'resolution']) metric
WHERE NOT EXISTS (SELECT FROM sla_clock c WHERE c.ticket_id = t.id)
"""
STATEMENTS = [CONTACTS, IDENTITIES, TICKETS, MESSAGES, EVENTS, CLOCKS]
