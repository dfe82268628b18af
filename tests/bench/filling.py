"""A desk with many tickets, made by the database itself: five messages a ticket, a tenth of them open.

Texts come from a pool of 20,000; every message has a word of its own beside. Constraints and triggers rest
meanwhile and indexes are made afterwards, so a million tickets take some minutes.
"""

import time

import psycopg

from tests.bench.words import names, texts

POOL = 20_000
PEOPLE = 5_000
"""Names that contacts share."""
QUIET = (
    "contact",
    "contact_identity",
    "ticket",
    "ticket_tag",
    "message",
    "message_search",
    "event",
    "sla_clock",
)


def fill(
    superuser_url: str,
    tickets: int,
    *,
    inbox_id: int,
    agents: list[int],
    teams: list[int],
    told: bool = False,
) -> None:
    """Adds tickets to a desk that has none. `agents` and `teams` get company of their own."""
    values = {"tickets": tickets, "inbox": inbox_id, "agents": agents, "teams": teams}
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '768MB'")
        connection.execute("SET session_replication_role = replica")  # neither triggers nor foreign keys
        _pool(connection)
        indexes = _without_indexes(connection)
        for name, statement in STATEMENTS.items():
            began = time.monotonic()
            connection.execute(statement, values)
            if told:
                print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
        for definition in indexes:
            began = time.monotonic()
            connection.execute(definition)
            if told and time.monotonic() - began > 5:
                print(f"{definition[:80]}: {time.monotonic() - began:.0f} s", flush=True)
        connection.execute("VACUUM ANALYZE")


def _pool(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TEMP TABLE pool (id int, text text, document tsvector)")
    connection.execute("CREATE TEMP TABLE called (id int, name text)")
    with connection.cursor() as cursor:
        with cursor.copy("COPY pool (id, text) FROM STDIN") as copy:
            for row in enumerate(texts(POOL)):
                copy.write_row(row)
        with cursor.copy("COPY called FROM STDIN") as copy:
            for row in enumerate(names(PEOPLE)):
                copy.write_row(row)
    connection.execute("UPDATE pool SET document = to_tsvector('desk_english', text)")
    connection.execute(
        "CREATE UNIQUE INDEX ON pool (id); CREATE UNIQUE INDEX ON called (id); ANALYZE pool, called"
    )


def _without_indexes(connection: psycopg.Connection) -> list[str]:
    """Drops what no constraint needs; how to make it again."""
    rows = connection.execute(
        """
        SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
        WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisprimary
          AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
        """,
        [list(QUIET)],
    ).fetchall()
    for name, _definition in rows:
        connection.execute(f"DROP INDEX {name}")
    return [definition for _name, definition in rows]


# n is the ticket's number in the making; the newer, the likelier it is open.
MADE = """
(SELECT made.*, CASE WHEN open THEN (ARRAY['new', 'open', 'open', 'waiting', 'on_hold'])[1 + (n / 7) %% 5]
                     ELSE 'resolved' END AS category
 FROM (SELECT n, n > %(tickets)s * .94 OR random() < .035 AS open, random() AS luck, random() AS chance,
              now() - (1 - 1.0 * n / %(tickets)s) * interval '1000 days' AS at
       FROM generate_series(1, %(tickets)s) n OFFSET 0) made) made
"""
STATEMENTS = {
    "teams and agents": """
INSERT INTO team (name, colour) SELECT 'Team ' || n, 'teal' FROM generate_series(1, 8) n;
""",
    "agents": """
INSERT INTO agent (name, email, role, active) SELECT 'Agent ' || n, 'agent' || n || '@desk.example', 'agent', true
FROM generate_series(1, 40) n
""",
    "inboxes": """
INSERT INTO inbox (name, channel, address, active, sealed_settings)
SELECT 'Inbox ' || n, 'loopback', 'inbox' || n || '@desk.example', true, sealed_settings
FROM generate_series(1, 5) n, inbox WHERE inbox.id = %(inbox)s
""",
    "tags": """
INSERT INTO tag (name, colour) SELECT 'tag' || n, 'violet' FROM generate_series(1, 60) n
""",
    "custom fields": """
INSERT INTO custom_field (subject, key, name, kind, choices)
VALUES ('ticket', 'order_number', 'Order number', 'text', '{}'),
       ('ticket', 'plan', 'Plan', 'choice', '{free,team,enterprise}')
""",
    "companies": """
INSERT INTO company (name) SELECT 'Company ' || n FROM generate_series(1, 2000) n
""",
    "contacts": """
INSERT INTO contact (name, company_id)
SELECT called.name, CASE WHEN n %% 3 = 0 THEN (SELECT min(id) FROM company) + (n %% 2000) END
FROM generate_series(1, %(tickets)s / 4 + 1) n JOIN called ON called.id = n %% 5000
""",
    "identities": """
INSERT INTO contact_identity (contact_id, kind, value, proof)
SELECT id, 'email', 'person' || id || '@customers.example', 'none' FROM contact
""",
    "tickets": f"""
INSERT INTO ticket (subject, category, status_id, priority, inbox_id, contact_id, team_id, assignee_id, reply_key,
                    preview, last_direction, last_message_at, waiting_since, next_due_at, first_replied_at,
                    has_suggestion, created_at, fields, language)
SELECT left(pool.text, 48), category, array_position(ARRAY['new', 'open', 'waiting', 'on_hold', 'resolved'], category),
       (ARRAY['low', 'normal', 'normal', 'normal', 'normal', 'high', 'urgent'])[1 + n %% 7],
       CASE WHEN n %% 3 = 0 THEN (SELECT max(id) FROM inbox) - n %% 5 ELSE %(inbox)s END,
       (SELECT min(id) FROM contact) + floor(power(luck, 1.5) * %(tickets)s / 4)::bigint,
       CASE WHEN n %% 20 <> 0 THEN
         CASE WHEN chance < .6 THEN (%(teams)s::bigint[])[1 + n %% cardinality(%(teams)s::bigint[])]
              ELSE (SELECT max(id) FROM team) - floor(power(luck, 2) * 8)::int END END,
       CASE WHEN n %% 3 <> 0 OR NOT open THEN
         CASE WHEN chance < .2 THEN (%(agents)s::bigint[])[1 + n %% cardinality(%(agents)s::bigint[])]
              ELSE (SELECT max(id) FROM agent) - floor(power(chance, 2) * 40)::int END END,
       uuid_send(gen_random_uuid()), left(pool.text, 150),
       CASE category WHEN 'waiting' THEN 'outbound' ELSE 'inbound' END, at,
       CASE WHEN category IN ('new', 'open') THEN at END,
       CASE WHEN open AND chance < .8 THEN now() + (luck - .2) * interval '3 days' END,
       CASE WHEN category <> 'new' THEN at - interval '1 hour' END, n %% 11 = 0, at - luck * interval '20 days',
       CASE WHEN n %% 5 = 0 THEN jsonb_build_object('order_number', 'A-' || n %% 50000, 'plan',
         (ARRAY['free', 'team', 'enterprise'])[1 + n %% 3]) ELSE '{{}}' END, 'en'
FROM {MADE} JOIN pool ON pool.id = (n::bigint * 7919) %% 20000
ORDER BY n
""",
    "tags of tickets": """
INSERT INTO ticket_tag (ticket_id, tag_id)
SELECT DISTINCT id, (SELECT min(id) FROM tag) + floor(power(random(), 3) * 60)::int
FROM ticket CROSS JOIN generate_series(1, 2) WHERE id %% 3 = 0
""",
    "messages": """
INSERT INTO message (ticket_id, inbox_id, direction, author, contact_id, agent_id, text, sent_at, created_at,
                     external_id, dedup_key, sender, automatic, delivery)
SELECT t.id, t.inbox_id, CASE WHEN m %% 2 = 0 THEN 'outbound' ELSE 'inbound' END,
       CASE WHEN m %% 2 = 0 THEN 'agent' ELSE 'contact' END, CASE WHEN m %% 2 = 1 THEN t.contact_id END,
       CASE WHEN m %% 2 = 0 THEN (%(agents)s::bigint[])[1] END,
       pool.text || ' ref' || t.id * 10 + m,
       t.last_message_at - (5 - m) * interval '1 hour', t.last_message_at - (5 - m) * interval '1 hour',
       'bench.' || t.id || '.' || m || '@customers.example', lpad((t.id * 10 + m)::text, 14, '0'),
       CASE WHEN m %% 2 = 1 THEN 'person' || t.contact_id || '@customers.example' END, false,
       CASE WHEN m %% 2 = 0 THEN 'sent' END
FROM ticket t CROSS JOIN generate_series(1, 5) m JOIN pool ON pool.id = (t.id * 31 + m * 6007) %% 20000
ORDER BY t.id, m
""",
    "what is searched": """
INSERT INTO message_search (message_id, ticket_id, document)
SELECT m.id, m.ticket_id, pool.document || to_tsvector('desk_english', 'ref' || m.dedup_key::bigint)
FROM message m JOIN pool ON pool.id = (m.ticket_id * 31 + substr(m.dedup_key, 14)::int * 6007) %% 20000
ORDER BY m.id
""",
    "configurations": "INSERT INTO search_configuration VALUES ('desk_english') ON CONFLICT DO NOTHING",
    "events": """
INSERT INTO event (ticket_id, message_id, kind, actor, actor_id, data, created_at)
SELECT m.ticket_id, m.id, CASE m.direction WHEN 'outbound' THEN 'replied' ELSE 'message_received' END,
       m.author, coalesce(m.agent_id, m.contact_id), '{}', m.created_at FROM message m
""",
    "promises": """
INSERT INTO sla_clock (ticket_id, metric, started_at, due_at, met_at)
SELECT t.id, metric, t.created_at, coalesce(t.next_due_at, t.created_at + interval '1 day'),
       CASE WHEN t.settled THEN t.created_at + interval '1 hour' END
FROM ticket t CROSS JOIN unnest(ARRAY['first_response', 'resolution']) metric
""",
    "mentions": """
INSERT INTO mention (agent_id, ticket_id, at) SELECT (%(agents)s::bigint[])[2], id, now() FROM ticket
WHERE id %% 2000 = 0
""",
    "counts": """
INSERT INTO ticket_count SELECT team_id, assignee_id, inbox_id, ticket_queue(ticket),
       first_replied_at IS NULL OR waiting_since IS NOT NULL, count(*) FROM ticket GROUP BY 1, 2, 3, 4, 5
""",
}
