-- What every query begins with: the schemas asked for, what extensions own, and the relations.
-- A column that only some versions have is read as JSON, where it is NULL on the others.
WITH schema AS (SELECT oid, quote_ident(nspname) AS name, nspacl, nspowner FROM pg_namespace WHERE nspname = ANY ($1)),
extension(classid, objid) AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
relation AS (
    SELECT c.*, s.name || '.' || quote_ident(c.relname) AS full_name,
        CASE c.relkind WHEN 'f' THEN 'foreign table' WHEN 'm' THEN 'materialized view' WHEN 'v' THEN 'view'
            WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END AS sort,
        CASE WHEN c.relispartition THEN (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid) END AS part_of
    FROM pg_class c JOIN schema s ON s.oid = c.relnamespace
    WHERE c.relname <> '_prisma_migrations' AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
      AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
),
facet(sort, name, parent, facet, value) AS (
