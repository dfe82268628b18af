"""What was judged, done: a handful of statements over all rows at once, and what each contact was before."""

COMPANIES = """
INSERT INTO company (name) SELECT company FROM import_row r
WHERE status IN ('new', 'changed') AND company <> '' AND NOT EXISTS (SELECT FROM company f WHERE f.name = r.company)
GROUP BY company RETURNING id
"""
APPLYING = (
    """
    UPDATE import_row SET contact_id = nextval(pg_get_serial_sequence('contact', 'id')) WHERE status = 'new'
    """,
    "ANALYZE import_row",
    "ANALYZE import_identity",
    """
    INSERT INTO contact (id, name, title, language, time_zone, fields, company_id, blocked_at, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT r.contact_id,
      coalesce(nullif(r.name, ''), (SELECT min(value) FROM import_identity i WHERE i.line = r.line)),
      r.title, r.language, r.time_zone, r.fields, f.id, CASE WHEN r.blocked THEN clock_timestamp() END,
      clock_timestamp()
    FROM import_row r LEFT JOIN company f ON f.name = r.company AND r.company <> ''
    WHERE r.status = 'new' ORDER BY r.line
    """,
    """
    WITH known AS (
      INSERT INTO contact_identity (contact_id, kind, value, proof, origin)
      SELECT r.contact_id, i.kind, i.value, 'none', 'import' FROM import_identity i JOIN import_row r USING (line)
      WHERE i.contact_id IS NULL AND r.status IN ('new', 'changed') ORDER BY r.line
      RETURNING id, contact_id),
    added AS (SELECT contact_id, array_agg(id) AS ids FROM known GROUP BY contact_id)
    INSERT INTO contact_import_change (import_id, contact_id, made, was, became, identities)
    SELECT :import, c.id, r.status = 'new', CASE WHEN r.status = 'new' THEN '{}' ELSE
      jsonb_strip_nulls(jsonb_build_object(
        'name', CASE WHEN r.name <> '' AND r.name <> btrim(c.name) THEN c.name END,
        'title', CASE WHEN r.title <> '' AND r.title <> btrim(c.title) THEN c.title END,
        'language', CASE WHEN r.language <> '' AND r.language <> c.language THEN c.language END,
        'time_zone', CASE WHEN r.time_zone <> '' AND r.time_zone <> c.time_zone THEN c.time_zone END,
        'company', CASE WHEN r.company <> '' AND r.company IS DISTINCT FROM f.name THEN coalesce(c.company_id, 0) END,
        'blocked', CASE WHEN r.blocked <> (c.blocked_at IS NOT NULL) THEN coalesce(c.blocked_at::text, '') END,
        'fields', CASE WHEN NOT c.fields @> r.fields THEN (
           SELECT jsonb_object_agg(key, coalesce(c.fields -> key, 'false'::jsonb) ) FROM jsonb_each(r.fields) e
           WHERE c.fields ? key AND c.fields -> key <> e.value) END,
        'added', CASE WHEN NOT c.fields @> r.fields THEN (
           SELECT jsonb_agg(key) FROM jsonb_object_keys(r.fields) key WHERE NOT c.fields ? key) END)) END,
      CASE WHEN r.status = 'new' THEN '{}' ELSE jsonb_build_object(
        'name', r.name, 'title', r.title, 'language', r.language, 'time_zone', r.time_zone,
        'company', (SELECT id FROM company n WHERE n.name = r.company AND r.company <> ''),
        'blocked', r.blocked, 'fields', r.fields) END,
      coalesce(a.ids, '{}')
    FROM import_row r JOIN contact c ON c.id = r.contact_id LEFT JOIN company f ON f.id = c.company_id
    LEFT JOIN added a ON a.contact_id = r.contact_id
    WHERE r.status IN ('new', 'changed')
    """,
    """
    UPDATE contact c SET
      name = CASE WHEN r.name = '' OR r.name = btrim(c.name) THEN c.name ELSE r.name END,
      title = CASE WHEN r.title = '' OR r.title = btrim(c.title) THEN c.title ELSE r.title END,
      language = coalesce(nullif(r.language, ''), c.language),
      time_zone = coalesce(nullif(r.time_zone, ''), c.time_zone), fields = c.fields || r.fields,
      company_id = CASE WHEN r.company = '' THEN c.company_id
                        ELSE (SELECT id FROM company f WHERE f.name = r.company) END,
      blocked_at = CASE WHEN r.blocked THEN coalesce(c.blocked_at, clock_timestamp())
                        WHEN r.blocked IS NULL THEN c.blocked_at END
    FROM import_row r WHERE r.contact_id = c.id AND r.status = 'changed'
    """,
)
