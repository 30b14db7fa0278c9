-- What belongs to the database and to no schema. An extension of another schema is another's. Its
-- version is not compared: a dump has none either, and a newer server brings a newer one.
SELECT 'extension', quote_ident(e.extname), NULL, 'schema', quote_ident(n.nspname)
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE n.nspname = ANY ($1) OR n.nspname LIKE 'pg\_%' OR ('pg_namespace'::regclass, n.oid) IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'publication', quote_ident(p.pubname), NULL, f.facet, f.value FROM pg_publication p, LATERAL (VALUES
    ('definition', concat_ws(', ', CASE WHEN p.puballtables THEN 'all tables' END, CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
        CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END, CASE WHEN p.pubviaroot THEN 'by the root' END,
        CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'stored' WHEN 'true' THEN 'stored' END)),
    ('comment', obj_description(p.oid, 'pg_publication'))
) AS f(facet, value) WHERE ('pg_publication'::regclass, p.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'publication', quote_ident(p.pubname), NULL, 'table ' || r.prrelid::regclass, 'whole' || coalesce(' but columns ' || (
        SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum::text = ANY (string_to_array(to_jsonb(r) ->> 'prattrs', ' '))), '')
    || coalesce(' where ' || pg_get_expr((to_jsonb(r) ->> 'prqual')::pg_node_tree, r.prrelid), '')
FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
UNION ALL SELECT 'event trigger', quote_ident(t.evtname), NULL, f.facet, f.value FROM pg_event_trigger t, LATERAL (VALUES
    ('definition', concat_ws(' ', t.evtevent, t.evttags, t.evtfoid::regprocedure)),
    ('state', CASE t.evtenabled WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' ELSE 'enabled' END),
    ('comment', obj_description(t.oid, 'pg_event_trigger'))
) AS f(facet, value) WHERE ('pg_event_trigger'::regclass, t.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'security label', l.objtype || ' ' || l.objname || ' by ' || l.provider, NULL, 'label', l.label
FROM pg_seclabels l WHERE l.objnamespace IN (SELECT oid FROM schema)
UNION ALL SELECT 'dependence', i.type || ' ' || i.identity || ' on extension ' || quote_ident(e.extname), NULL, NULL, NULL
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid, LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x' AND i.schema IN (SELECT name FROM schema)
