SELECT 'type', s.name || '.' || quote_ident(t.typname), NULL, f.facet, f.value
FROM pg_type t JOIN schema s ON s.oid = t.typnamespace LEFT JOIN pg_range g ON g.rngtypid = t.oid, LATERAL (VALUES
    ('sort', CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' WHEN 'p' THEN 'shell' ELSE 'base' END),
    ('values', (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)),
    ('base', CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END),
    ('default', t.typdefault), ('nullability', CASE WHEN t.typnotnull THEN 'not null' END),
    ('collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> (SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype) THEN t.typcollation::regcollation::text END),
    ('checks', (SELECT string_agg(quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid), ', ' ORDER BY c.conname) FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c')),
    ('range of', format_type(g.rngsubtype, NULL)),
    ('range operators', (SELECT n.nspname || '.' || o.opcname FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE o.oid = g.rngsubopc)),
    ('range functions', CASE WHEN g.rngtypid IS NOT NULL THEN concat_ws(' ', g.rngcanonical, g.rngsubdiff, nullif(g.rngcollation, 0)::regcollation) END),
    ('multirange', (SELECT format_type(m.oid, NULL) FROM pg_type m WHERE m.oid = (to_jsonb(g) ->> 'rngmultitypid')::oid)),
    ('functions', CASE WHEN t.typtype = 'b' THEN concat_ws(' ', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, nullif(to_jsonb(t) ->> 'typsubscript', '-')) END),
    ('shape', CASE WHEN t.typtype = 'b' THEN concat_ws(' ', t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory, t.typispreferred, t.typdelim, format_type(nullif(t.typelem, 0), NULL), nullif(t.typcollation, 0)) END),
    ('comment', obj_description(t.oid, 'pg_type'))
) AS f(facet, value)
WHERE (t.typtype IN ('e', 'd', 'r', 'b') OR t.typtype = 'p' AND NOT t.typisdefined)
  AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) AND ('pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'type', full_name, NULL, f.facet, f.value FROM relation r, LATERAL (VALUES
    ('attributes', (
        SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END, ', ' ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped)),
    ('comment', obj_description(r.reltype, 'pg_type'))
) AS f(facet, value) WHERE relkind = 'c'
