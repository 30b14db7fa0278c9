-- From PostgreSQL 15 on.
SELECT 'publication', quote_ident(p.pubname), NULL::text, 'tables of ' || quote_ident(s.nspname), 'all'
FROM pg_publication p JOIN pg_publication_namespace n ON n.pnpubid = p.oid JOIN pg_namespace s ON s.oid = n.pnnspid
