SELECT 'column', full_name || '.' || quote_ident(a.attname), full_name, f.facet, f.value
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum, LATERAL (VALUES
    ('type', format_type(a.atttypid, a.atttypmod)),
    -- PostgreSQL 18 names NOT NULL. A name of the server's own is no one's choice: a column that was
    -- renamed keeps the old one, and an upgrade from an earlier version makes a new one.
    ('nullability', CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END || coalesce(
        (SELECT CASE WHEN c.conname !~ '_not_null[0-9]*$' THEN ' by ' || quote_ident(c.conname) ELSE '' END
             || CASE WHEN c.connoinherit THEN ', not inherited' ELSE '' END || CASE WHEN NOT c.convalidated THEN ', not valid' ELSE '' END
         FROM pg_constraint c WHERE c.conrelid = r.oid AND c.contype = 'n' AND c.conkey = ARRAY[a.attnum]), '')),
    (CASE a.attgenerated WHEN '' THEN 'default' WHEN 'v' THEN 'generated when read' ELSE 'generated' END, pg_get_expr(d.adbin, d.adrelid)),
    ('identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END),
    ('collation', CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END),
    ('storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END),
    ('compression', nullif(to_jsonb(a) ->> 'attcompression', '')),
    ('foreign options', array_to_string(a.attfdwoptions, ', ')),
    ('inherited', CASE WHEN a.attinhcount > 0 AND NOT r.relispartition THEN CASE WHEN a.attislocal THEN 'and its own' ELSE 'yes' END END)
) AS f(facet, value) WHERE r.relkind IN ('r', 'p', 'f')
UNION ALL SELECT CASE WHEN is_table THEN 'column' ELSE sort END, CASE WHEN is_table THEN full_name || '.' || quote_ident(a.attname) ELSE full_name END,
    CASE WHEN is_table THEN full_name END, CASE WHEN is_table THEN f.facet ELSE f.facet || ' of ' || quote_ident(a.attname) END, f.value
FROM relation r CROSS JOIN LATERAL (SELECT r.relkind IN ('r', 'p', 'f')) AS k(is_table)
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped, LATERAL (VALUES
    ('default', CASE WHEN r.relkind = 'v' THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = r.oid AND d.adnum = a.attnum) END),
    ('statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END),
    ('options', array_to_string(a.attoptions, ', ')),
    ('comment', col_description(r.oid, a.attnum))
) AS f(facet, value) WHERE f.value IS NOT NULL
