SELECT 'foreign data wrapper', quote_ident(w.fdwname), NULL, f.facet, f.value FROM pg_foreign_data_wrapper w, LATERAL (VALUES
    ('definition', concat_ws(' ', nullif(w.fdwhandler, 0)::regproc, nullif(w.fdwvalidator, 0)::regproc)),
    ('foreign options', array_to_string(w.fdwoptions, ', ')), ('comment', obj_description(w.oid, 'pg_foreign_data_wrapper'))
) AS f(facet, value) WHERE ('pg_foreign_data_wrapper'::regclass, w.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL SELECT 'foreign server', quote_ident(v.srvname), NULL, f.facet, f.value FROM pg_foreign_server v, LATERAL (VALUES
    ('wrapper', (SELECT quote_ident(fdwname) FROM pg_foreign_data_wrapper WHERE oid = v.srvfdw)), ('type', v.srvtype), ('version', v.srvversion),
    ('foreign options', array_to_string(v.srvoptions, ', ')), ('comment', obj_description(v.oid, 'pg_foreign_server'))
) AS f(facet, value) WHERE ('pg_foreign_server'::regclass, v.oid) NOT IN (SELECT classid, objid FROM extension)
-- pg_user_mapping itself is for superusers. Who plays the history may be another role than who applied it.
UNION ALL SELECT 'user mapping', CASE m.usename WHEN current_user THEN 'of the current user' ELSE 'of ' || quote_ident(m.usename) END || ' for ' || quote_ident(m.srvname),
    NULL, f.facet, f.value
FROM pg_user_mappings m, LATERAL (VALUES (NULL, NULL), ('foreign options', array_to_string(m.umoptions, ', '))) AS f(facet, value)
