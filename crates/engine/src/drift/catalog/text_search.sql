SELECT 'text search configuration', s.name || '.' || quote_ident(c.cfgname), NULL, f.facet, f.value
FROM pg_ts_config c JOIN schema s ON s.oid = c.cfgnamespace, LATERAL (VALUES
    ('parser', (SELECT n.nspname || '.' || p.prsname FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace WHERE p.oid = c.cfgparser)),
    ('dictionaries', (SELECT string_agg(k.alias || ' ' || m.mapdict::regdictionary, ', ' ORDER BY m.maptokentype, m.mapseqno)
        FROM pg_ts_config_map m JOIN ts_token_type(c.cfgparser) k ON k.tokid = m.maptokentype WHERE m.mapcfg = c.oid)),
    ('comment', obj_description(c.oid, 'pg_ts_config'))
) AS f(facet, value) WHERE ('pg_ts_config'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'text search dictionary', s.name || '.' || quote_ident(d.dictname), NULL, f.facet, f.value
FROM pg_ts_dict d JOIN schema s ON s.oid = d.dictnamespace, LATERAL (VALUES
    ('template', (SELECT n.nspname || '.' || t.tmplname FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace WHERE t.oid = d.dicttemplate)),
    ('options', d.dictinitoption), ('comment', obj_description(d.oid, 'pg_ts_dict'))
) AS f(facet, value) WHERE ('pg_ts_dict'::regclass, d.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'text search parser', s.name || '.' || quote_ident(p.prsname), NULL, f.facet, f.value
FROM pg_ts_parser p JOIN schema s ON s.oid = p.prsnamespace, LATERAL (VALUES
    ('definition', concat_ws(' ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)), ('comment', obj_description(p.oid, 'pg_ts_parser'))
) AS f(facet, value) WHERE ('pg_ts_parser'::regclass, p.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'text search template', s.name || '.' || quote_ident(t.tmplname), NULL, f.facet, f.value
FROM pg_ts_template t JOIN schema s ON s.oid = t.tmplnamespace, LATERAL (VALUES
    ('definition', concat_ws(' ', t.tmplinit, t.tmpllexize)), ('comment', obj_description(t.oid, 'pg_ts_template'))
) AS f(facet, value) WHERE ('pg_ts_template'::regclass, t.oid) NOT IN (SELECT classid, objid FROM extension)
