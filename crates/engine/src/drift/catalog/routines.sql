SELECT 'routine', s.name || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')', NULL, f.facet, f.value
FROM pg_proc p JOIN schema s ON s.oid = p.pronamespace, LATERAL (VALUES
    ('definition', CASE WHEN p.prokind = 'a' THEN (
        SELECT concat_ws(' ', 'aggregate', a.aggkind, a.aggtransfn, format_type(a.aggtranstype, NULL), a.aggtransspace, a.agginitval,
            a.aggfinalfn, a.aggfinalextra, a.aggfinalmodify, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
            a.aggmtransfn, a.aggminvtransfn, CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END, a.aggmtransspace, a.aggminitval,
            a.aggmfinalfn, a.aggmfinalextra, a.aggmfinalmodify, nullif(a.aggsortop, 0)::regoperator, a.aggnumdirectargs, p.proparallel)
        FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
        ELSE pg_get_functiondef(p.oid) END),
    ('comment', obj_description(p.oid, 'pg_proc'))
) AS f(facet, value)
WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'language', quote_ident(l.lanname), NULL, f.facet, f.value FROM pg_language l, LATERAL (VALUES
    ('definition', concat_ws(' ', CASE WHEN l.lanpltrusted THEN 'trusted' END, l.lanplcallfoid::regproc, l.laninline::regproc, l.lanvalidator::regproc)),
    ('comment', obj_description(l.oid, 'pg_language'))
) AS f(facet, value) WHERE l.oid >= 16384 AND ('pg_language'::regclass, l.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'transform', format_type(t.trftype, NULL) || ' for ' || (SELECT quote_ident(lanname) FROM pg_language WHERE oid = t.trflang), NULL, f.facet, f.value
FROM pg_transform t, LATERAL (VALUES
    ('definition', concat_ws(' ', t.trffromsql::regprocedure, t.trftosql::regprocedure)), ('comment', obj_description(t.oid, 'pg_transform'))
) AS f(facet, value) WHERE ('pg_transform'::regclass, t.oid) NOT IN (SELECT classid, objid FROM extension)
