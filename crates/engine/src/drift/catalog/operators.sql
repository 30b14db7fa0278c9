SELECT 'operator', o.oid::regoperator::text, NULL, f.facet, f.value
FROM pg_operator o JOIN schema s ON s.oid = o.oprnamespace, LATERAL (VALUES
    ('definition', concat_ws(' ', o.oprcode::regprocedure, 'returns ' || format_type(o.oprresult, NULL),
        'commutator ' || nullif(o.oprcom, 0)::regoperator, 'negator ' || nullif(o.oprnegate, 0)::regoperator,
        'restrict ' || nullif(o.oprrest, 0)::regproc, 'join ' || nullif(o.oprjoin, 0)::regproc,
        CASE WHEN o.oprcanhash THEN 'hashes' END, CASE WHEN o.oprcanmerge THEN 'merges' END)),
    ('comment', obj_description(o.oid, 'pg_operator'))
) AS f(facet, value) WHERE ('pg_operator'::regclass, o.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'operator class', s.name || '.' || quote_ident(c.opcname) || ' using ' || a.amname, NULL, f.facet, f.value
FROM pg_opclass c JOIN schema s ON s.oid = c.opcnamespace JOIN pg_am a ON a.oid = c.opcmethod, LATERAL (VALUES
    ('definition', concat_ws(' ', format_type(c.opcintype, NULL), CASE WHEN c.opcdefault THEN 'default' END, 'keeps ' || format_type(nullif(c.opckeytype, 0), NULL),
        (SELECT 'of ' || n.nspname || '.' || y.opfname FROM pg_opfamily y JOIN pg_namespace n ON n.oid = y.opfnamespace WHERE y.oid = c.opcfamily))),
    ('comment', obj_description(c.oid, 'pg_opclass'))
) AS f(facet, value) WHERE ('pg_opclass'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'operator family', s.name || '.' || quote_ident(y.opfname) || ' using ' || a.amname, NULL, f.facet, f.value
FROM pg_opfamily y JOIN schema s ON s.oid = y.opfnamespace JOIN pg_am a ON a.oid = y.opfmethod, LATERAL (VALUES
    (NULL, NULL),
    ('operators', (SELECT string_agg(o.amopstrategy || ' ' || o.amopopr::regoperator || coalesce(' order by ' || (SELECT n.nspname || '.' || z.opfname FROM pg_opfamily z JOIN pg_namespace n ON n.oid = z.opfnamespace WHERE z.oid = o.amopsortfamily), ''), ', '
        ORDER BY o.amopstrategy, o.amopopr::regoperator::text) FROM pg_amop o WHERE o.amopfamily = y.oid)),
    ('functions', (SELECT string_agg(p.amprocnum || ' ' || format_type(p.amproclefttype, NULL) || ' ' || format_type(p.amprocrighttype, NULL) || ' ' || p.amproc::regprocedure, ', '
        ORDER BY p.amprocnum, p.amproc::regprocedure::text) FROM pg_amproc p WHERE p.amprocfamily = y.oid)),
    ('comment', obj_description(y.oid, 'pg_opfamily'))
) AS f(facet, value) WHERE ('pg_opfamily'::regclass, y.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'access method', quote_ident(a.amname), NULL, f.facet, f.value FROM pg_am a, LATERAL (VALUES
    ('definition', concat_ws(' ', a.amtype, a.amhandler)), ('comment', obj_description(a.oid, 'pg_am'))
) AS f(facet, value) WHERE a.oid >= 16384 AND ('pg_am'::regclass, a.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'cast', format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL), NULL, f.facet, f.value FROM pg_cast c, LATERAL (VALUES
    ('definition', concat_ws(' ', CASE c.castcontext WHEN 'a' THEN 'on assignment' WHEN 'i' THEN 'implicit' ELSE 'explicit' END,
        CASE c.castmethod WHEN 'b' THEN 'without a function' WHEN 'i' THEN 'by text' END, nullif(c.castfunc, 0)::regprocedure)),
    ('comment', obj_description(c.oid, 'pg_cast'))
) AS f(facet, value) WHERE c.oid >= 16384 AND ('pg_cast'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'collation', s.name || '.' || quote_ident(c.collname), NULL, f.facet, f.value
FROM pg_collation c JOIN schema s ON s.oid = c.collnamespace, LATERAL (VALUES
    ('definition', concat_ws(' ', c.collprovider, CASE WHEN c.collisdeterministic THEN NULL ELSE 'not deterministic' END, c.collencoding,
        c.collcollate, c.collctype, coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale'), to_jsonb(c) ->> 'collicurules')),
    ('comment', obj_description(c.oid, 'pg_collation'))
) AS f(facet, value) WHERE ('pg_collation'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'conversion', s.name || '.' || quote_ident(c.conname), NULL, f.facet, f.value
FROM pg_conversion c JOIN schema s ON s.oid = c.connamespace, LATERAL (VALUES
    ('definition', concat_ws(' ', CASE WHEN c.condefault THEN 'default' END, pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc)),
    ('comment', obj_description(c.oid, 'pg_conversion'))
) AS f(facet, value) WHERE ('pg_conversion'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
