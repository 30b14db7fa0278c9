WITH RECURSIVE rel AS (
  SELECT c.oid, c.relname::text AS name FROM pg_catalog.pg_class c
  WHERE c.relname = ANY ($1) AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION
  SELECT next.oid, rel.name FROM rel, LATERAL (
    SELECT i.inhrelid AS oid FROM pg_catalog.pg_inherits i WHERE i.inhparent = rel.oid
    UNION ALL
    SELECT d.refobjid FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    WHERE r.ev_class = rel.oid) AS next
), typ AS (
  SELECT t.oid, t.name FROM (
    SELECT a.atttypid AS oid, rel.name FROM rel JOIN pg_catalog.pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION SELECT oid, typname::text FROM pg_catalog.pg_type WHERE typname = ANY ($1)) AS t
  WHERE t.oid >= 16384
  UNION
  SELECT next.oid, typ.name FROM typ JOIN pg_catalog.pg_type t ON t.oid = typ.oid, LATERAL (
    VALUES (t.typbasetype), (t.typelem)) AS next(oid) WHERE next.oid >= 16384
), thing AS (
  SELECT rel.name, 'pg_catalog.pg_attrdef'::pg_catalog.regclass AS class, x.oid, 'a default of ' || rel.oid::pg_catalog.regclass::text AS via
    FROM rel JOIN pg_catalog.pg_attrdef x ON x.adrelid = rel.oid
  UNION SELECT rel.name, 'pg_catalog.pg_constraint', x.oid, 'the constraint ' || x.conname FROM rel JOIN pg_catalog.pg_constraint x ON x.conrelid = rel.oid
  UNION SELECT rel.name, 'pg_catalog.pg_class', x.indexrelid, 'the index ' || x.indexrelid::pg_catalog.regclass::text FROM rel JOIN pg_catalog.pg_index x ON x.indrelid = rel.oid
  UNION SELECT rel.name, 'pg_catalog.pg_rewrite', x.oid, CASE WHEN x.rulename = '_RETURN' THEN 'the view ' ELSE 'a rule of ' END || rel.oid::pg_catalog.regclass::text FROM rel JOIN pg_catalog.pg_rewrite x ON x.ev_class = rel.oid
  UNION SELECT rel.name, 'pg_catalog.pg_policy', x.oid, 'the policy ' || x.polname FROM rel JOIN pg_catalog.pg_policy x ON x.polrelid = rel.oid
  UNION SELECT rel.name, 'pg_catalog.pg_trigger', x.oid, 'the condition of the trigger ' || x.tgname FROM rel JOIN pg_catalog.pg_trigger x ON x.tgrelid = rel.oid AND x.tgqual IS NOT NULL
  UNION SELECT typ.name, 'pg_catalog.pg_constraint', x.oid, 'the domain ' || typ.oid::pg_catalog.regtype::text FROM typ JOIN pg_catalog.pg_constraint x ON x.contypid = typ.oid
  UNION SELECT typ.name, 'pg_catalog.pg_type', typ.oid, 'the type ' || typ.oid::pg_catalog.regtype::text FROM typ
), code AS (
  SELECT rel.name, 'the trigger ' || t.tgname AS via, t.tgfoid AS oid, t.tgtype::int4 AS on_what
    FROM rel JOIN pg_catalog.pg_trigger t ON t.tgrelid = rel.oid WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
  UNION SELECT '', 'the event trigger ' || evtname, evtfoid, 0 FROM pg_catalog.pg_event_trigger WHERE evtenabled IN ('O', 'A')
  UNION SELECT thing.name, thing.via, COALESCE(o.oprcode::pg_catalog.oid, d.refobjid), NULL
    FROM thing JOIN pg_catalog.pg_depend d ON d.classid = thing.class AND d.objid = thing.oid
      AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
    LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid
    WHERE NOT (thing.class = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND d.refobjid = (SELECT tgfoid FROM pg_catalog.pg_trigger WHERE pg_trigger.oid = thing.oid))
  UNION SELECT o.oprname::text, 'the operator ' || o.oprname, o.oprcode::pg_catalog.oid, NULL FROM pg_catalog.pg_operator o WHERE o.oprname = ANY ($2) AND o.oid >= 16384
  UNION SELECT typ.name, 'a cast of ' || typ.oid::pg_catalog.regtype::text, c.castfunc, NULL FROM typ JOIN pg_catalog.pg_cast c ON typ.oid IN (c.castsource, c.casttarget)
)
SELECT code.name, code.via, p.oid::pg_catalog.regproc::text, l.lanname::text, p.prosrc, code.on_what
FROM code JOIN pg_catalog.pg_proc p ON p.oid = code.oid JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.oid >= 16384 AND NOT ((l.lanname IN ('c', 'internal') OR code.on_what = 0) AND COALESCE(code.on_what, 0) = 0
  AND EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'))
ORDER BY 1, 2, 3
