SELECT 'constraint', full_name || '.' || quote_ident(c.conname), full_name, f.facet, f.value
FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
LEFT JOIN pg_class x ON x.oid = c.conindid AND c.contype IN ('p', 'u', 'x')
LEFT JOIN pg_index i ON i.indexrelid = x.oid, LATERAL (VALUES
    ('definition', pg_get_constraintdef(c.oid)),
    ('inherited', CASE WHEN c.coninhcount > 0 AND NOT r.relispartition THEN CASE WHEN c.conislocal THEN 'and its own' ELSE 'yes' END END),
    ('triggers', CASE WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = c.oid AND t.tgisinternal AND t.tgenabled <> 'O') THEN 'changed' END),
    ('options', array_to_string(x.reloptions, ', ')),
    ('tablespace', (SELECT quote_ident(spcname) FROM pg_tablespace WHERE oid = x.reltablespace)),
    ('state', CASE WHEN NOT i.indisvalid THEN 'invalid' END),
    ('clustered', CASE WHEN i.indisclustered THEN 'yes' END),
    ('comment', obj_description(c.oid, 'pg_constraint'))
) AS f(facet, value) WHERE c.contype IN ('c', 'p', 'u', 'x') OR c.contype = 'f' AND c.conparentid = 0
UNION ALL SELECT 'index', n.name || '.' || quote_ident(x.relname), full_name, f.facet, f.value
FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class x ON x.oid = i.indexrelid JOIN schema n ON n.oid = x.relnamespace, LATERAL (VALUES
    ('definition', pg_get_indexdef(i.indexrelid)), ('state', CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END),
    ('part of', (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = x.oid)),
    ('clustered', CASE WHEN i.indisclustered THEN 'yes' END),
    ('tablespace', (SELECT quote_ident(spcname) FROM pg_tablespace WHERE oid = x.reltablespace)),
    ('statistics', (SELECT string_agg(attnum || ': ' || attstattarget, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = x.oid AND attstattarget >= 0)),
    ('comment', obj_description(x.oid, 'pg_class'))
) AS f(facet, value) WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
UNION ALL SELECT 'statistics', s.name || '.' || quote_ident(e.stxname), full_name, f.facet, f.value
FROM pg_statistic_ext e JOIN schema s ON s.oid = e.stxnamespace JOIN relation r ON r.oid = e.stxrelid, LATERAL (VALUES
    ('definition', pg_get_statisticsobjdef(e.oid)),
    ('target', CASE WHEN (to_jsonb(e) ->> 'stxstattarget')::int >= 0 THEN to_jsonb(e) ->> 'stxstattarget' END),
    ('comment', obj_description(e.oid, 'pg_statistic_ext'))
) AS f(facet, value)
UNION ALL SELECT 'trigger', full_name || '.' || quote_ident(t.tgname), full_name, f.facet, f.value
FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal, LATERAL (VALUES
    ('definition', pg_get_triggerdef(t.oid)),
    ('state', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' ELSE 'enabled' END),
    ('comment', obj_description(t.oid, 'pg_trigger'))
) AS f(facet, value)
UNION ALL SELECT 'rule', full_name || '.' || quote_ident(w.rulename), full_name, f.facet, f.value
FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid, LATERAL (VALUES
    ('definition', pg_get_ruledef(w.oid)),
    ('state', CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' ELSE 'enabled' END),
    ('comment', obj_description(w.oid, 'pg_rewrite'))
) AS f(facet, value) WHERE w.rulename <> '_RETURN'
UNION ALL SELECT 'policy', full_name || '.' || quote_ident(p.polname), full_name, f.facet, f.value
FROM relation r JOIN pg_policy p ON p.polrelid = r.oid, LATERAL (VALUES
    ('command', p.polcmd::text), ('permissive', p.polpermissive::text),
    ('roles', (SELECT string_agg(CASE m WHEN 0 THEN 'public' ELSE m::regrole::text END, ', ' ORDER BY m) FROM unnest(p.polroles) m)),
    ('using', pg_get_expr(p.polqual, p.polrelid)), ('check', pg_get_expr(p.polwithcheck, p.polrelid)),
    ('comment', obj_description(p.oid, 'pg_policy'))
) AS f(facet, value)
