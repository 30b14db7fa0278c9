SELECT 'schema', name, NULL::text, f.facet, f.value
FROM schema, LATERAL (VALUES (NULL, NULL), 
    -- Who drops `public` and makes it again, as a reset does, makes it without the server's own words.
    ('comment', nullif(obj_description(oid, 'pg_namespace'), 'standard public schema'))
) AS f(facet, value)
UNION ALL SELECT sort, full_name, part_of, f.facet, f.value
FROM relation r, LATERAL (VALUES
    ('persistence', CASE relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END),
    ('row security', CASE WHEN relforcerowsecurity THEN 'forced' WHEN relrowsecurity THEN 'on' ELSE 'off' END),
    ('partition key', pg_get_partkeydef(oid)),
    ('partition', part_of || ' ' || pg_get_expr(relpartbound, oid)
        || CASE WHEN (SELECT bool_or(to_jsonb(i) ->> 'inhdetachpending' = 'true') FROM pg_inherits i WHERE inhrelid = r.oid) THEN ', about to be detached' ELSE '' END),
    ('parents', CASE WHEN NOT relispartition THEN (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = oid) END),
    -- What inherits is dumped with the parents' columns first.
    ('columns', CASE WHEN relispartition OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = r.oid) THEN
        (SELECT string_agg(quote_ident(attname), chr(31) ORDER BY attnum) FROM pg_attribute WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped) END),
    ('type of its rows', CASE WHEN reloftype <> 0 THEN format_type(reloftype, NULL) END),
    ('replica identity', CASE relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN
        'index ' || (SELECT indexrelid::regclass FROM pg_index WHERE indrelid = r.oid AND indisreplident) END),
    ('server', (SELECT quote_ident(v.srvname) FROM pg_foreign_table t JOIN pg_foreign_server v ON v.oid = t.ftserver WHERE t.ftrelid = r.oid)),
    ('foreign options', (SELECT array_to_string(t.ftoptions, ', ') FROM pg_foreign_table t WHERE t.ftrelid = r.oid))
) AS f(facet, value) WHERE relkind IN ('r', 'p', 'f')
UNION ALL SELECT sort, full_name, part_of, f.facet, f.value
FROM relation r, LATERAL (VALUES
    ('options', (SELECT string_agg(o, ', ' ORDER BY o) FROM (SELECT unnest(r.reloptions) UNION ALL SELECT 'toast.' || unnest(t.reloptions) FROM pg_class t WHERE t.oid = r.reltoastrelid) AS stored(o) WHERE o !~ 'autovacuum')),
    ('autovacuum', (SELECT string_agg(o, ', ' ORDER BY o) FROM (SELECT unnest(r.reloptions) UNION ALL SELECT 'toast.' || unnest(t.reloptions) FROM pg_class t WHERE t.oid = r.reltoastrelid) AS stored(o) WHERE o ~ 'autovacuum')),
    ('access method', (SELECT quote_ident(amname) FROM pg_am WHERE oid = relam)),
    ('tablespace', (SELECT quote_ident(spcname) FROM pg_tablespace WHERE oid = reltablespace)),
    ('comment', CASE WHEN relkind <> 'c' THEN obj_description(oid, 'pg_class') END)
) AS f(facet, value)
UNION ALL SELECT sort, full_name, NULL, f.facet, f.value
FROM relation, LATERAL (VALUES
    ('definition', pg_get_viewdef(oid)),
    ('contents', CASE WHEN relkind = 'm' THEN CASE WHEN relispopulated THEN 'filled' ELSE 'none' END END)
) AS f(facet, value)
WHERE relkind IN ('v', 'm')
UNION ALL SELECT 'sequence', r.full_name, owner.name, f.facet, f.value
FROM relation r JOIN pg_sequence q ON q.seqrelid = r.oid
LEFT JOIN LATERAL (
    SELECT o.full_name AS name, o.full_name || '.' || quote_ident(a.attname) AS place
    FROM pg_depend d JOIN relation o ON o.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
) AS owner ON true, LATERAL (VALUES
    ('type', format_type(q.seqtypid, NULL)), ('start', q.seqstart::text), ('increment', q.seqincrement::text),
    ('range', q.seqmin || ' to ' || q.seqmax), ('cycle', CASE WHEN q.seqcycle THEN 'yes' ELSE 'no' END),
    ('cache', q.seqcache::text), ('owner', owner.place), ('persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END)
) AS f(facet, value)
