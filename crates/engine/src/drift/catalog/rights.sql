SELECT g.sort, g.name, g.parent, 'rights of ' || CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END,
    string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END, ', ' ORDER BY a.privilege_type)
FROM (
    SELECT 'schema' AS sort, name, NULL::text AS parent, coalesce(nspacl, acldefault('n', nspowner)) AS acl, nspowner AS owner FROM schema
    UNION ALL SELECT sort, full_name, part_of, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)), relowner
    FROM relation WHERE relkind <> 'c'
    UNION ALL SELECT 'column', full_name || '.' || quote_ident(a.attname), full_name, a.attacl, relowner
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL SELECT 'routine', s.name || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')', NULL,
        coalesce(proacl, acldefault('f', proowner)), proowner
    FROM pg_proc p JOIN schema s ON s.oid = p.pronamespace WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM extension)
    UNION ALL SELECT 'type', s.name || '.' || quote_ident(t.typname), NULL, coalesce(typacl, acldefault('T', typowner)), typowner
    FROM pg_type t JOIN schema s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r', 'b') AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
      AND ('pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM extension)
    UNION ALL SELECT 'language', quote_ident(lanname), NULL, coalesce(lanacl, acldefault('l', lanowner)), lanowner FROM pg_language WHERE lanispl
    UNION ALL SELECT 'foreign data wrapper', quote_ident(fdwname), NULL, fdwacl, fdwowner FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'foreign server', quote_ident(srvname), NULL, srvacl, srvowner FROM pg_foreign_server
) AS g, LATERAL aclexplode(g.acl) AS a
WHERE $2 AND a.grantee NOT IN (g.owner, current_user::regrole) GROUP BY g.sort, g.name, g.parent, a.grantee
UNION ALL SELECT 'default rights', concat_ws(' ', 'of what is made by', CASE d.defaclrole WHEN current_user::regrole THEN 'the current user' ELSE d.defaclrole::regrole::text END,
        'in ' || (SELECT name FROM schema WHERE oid = d.defaclnamespace), 'for', d.defaclobjtype), NULL,
    'rights of ' || CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END,
    string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END, ', ' ORDER BY a.privilege_type)
FROM pg_default_acl d, LATERAL aclexplode(d.defaclacl) AS a
WHERE $2 AND d.defaclnamespace IN (SELECT 0 UNION ALL SELECT oid FROM schema) GROUP BY d.oid, d.defaclrole, d.defaclnamespace, d.defaclobjtype, a.grantee
