//! Which statements are a hazard, and which are none.

use migrations::hazard::{Finding, Grade, Known, Level, Policy, Rule, assess};
use migrations::script::Script;

/// What the databases have already.
const BEFORE: &str = "\
CREATE TABLE users (id int PRIMARY KEY, email varchar(100) NOT NULL, age int, nick text DEFAULT '', role \"Role\" NOT NULL DEFAULT 'a');
CREATE TABLE posts (id int PRIMARY KEY, user_id int);
CREATE INDEX posts_user ON posts (user_id);";

fn findings(sql: &str) -> Vec<Finding> {
    let mut known = Known::default();
    assess(&Script::parse(BEFORE), &mut known);
    known.settle();
    let script = Script::parse(sql);
    assert_eq!(script.unparsable, None, "{sql}");
    let mut found = assess(&script, &mut known);
    found.retain(|finding| Policy::default().level(finding) != Level::Off);
    found
}

fn names(sql: &str) -> Vec<String> {
    findings(sql)
        .iter()
        .map(|finding| format!("{} {}", finding.name(), finding.grade().word()))
        .collect()
}

#[test]
fn every_hazard_has_its_grade() {
    let mut wrong = Vec::new();
    for (sql, expected) in [
        ("CREATE INDEX i ON users (email)", "create-index:i blocks"),
        ("CREATE UNIQUE INDEX i ON users (email)", "create-index:i blocks"),
        ("DROP INDEX posts_user", "drop-index:posts_user advice"),
        ("REINDEX TABLE users", "reindex:users blocks"),
        (
            "ALTER TABLE posts ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id)",
            "add-foreign-key:posts.f blocks",
        ),
        ("ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0)", "add-check:users.c blocks"),
        ("ALTER TABLE users ALTER COLUMN age SET NOT NULL", "set-not-null:users.age breaks"),
        ("ALTER TABLE users ADD COLUMN a int NOT NULL", "add-required-column:users.a breaks"),
        (
            "ALTER TABLE users ADD COLUMN a uuid DEFAULT gen_random_uuid()",
            "add-column-rewrite:users.a blocks",
        ),
        ("ALTER TABLE users ADD COLUMN a bigserial", "add-column-rewrite:users.a blocks"),
        (
            "ALTER TABLE users ADD COLUMN a int GENERATED ALWAYS AS (age + 1) STORED",
            "add-column-rewrite:users.a blocks",
        ),
        ("ALTER TABLE users ALTER COLUMN age TYPE text", "change-column-type:users.age breaks"),
        (
            "ALTER TABLE users ALTER COLUMN age SET DATA TYPE bigint",
            "change-column-type:users.age blocks",
        ),
        ("ALTER TABLE other ALTER COLUMN x TYPE text", "change-column-type:other.x breaks"),
        ("ALTER TABLE log ADD PRIMARY KEY (id)", "add-primary-key:log.primary-key blocks"),
        ("ALTER TABLE users ADD CONSTRAINT u UNIQUE (email)", "add-unique:users.u blocks"),
        (
            "ALTER TABLE users ADD CONSTRAINT e EXCLUDE USING gist (age WITH =)",
            "add-exclusion:users.e blocks",
        ),
        ("ALTER TABLE users RENAME COLUMN email TO mail", "rename-column:users.email breaks"),
        ("ALTER TABLE users RENAME TO people", "rename-table:users breaks"),
        ("ALTER TYPE \"Role\" RENAME VALUE 'a' TO 'b'", "rename-object:Role breaks"),
        ("ALTER SCHEMA app RENAME TO old", "rename-object:app breaks"),
        ("ALTER TABLE users SET SCHEMA app", "set-schema:users breaks"),
        ("ALTER TABLE users DROP COLUMN email", "drop-column:users.email loses"),
        ("DROP TABLE users", "drop-table:users loses"),
        ("ALTER TABLE posts DROP CONSTRAINT f; DROP TABLE posts;", "drop-table:posts loses"),
        ("DROP SCHEMA app CASCADE", "drop-schema:app loses"),
        ("DROP VIEW v", "drop-view:v breaks"),
        ("DROP TYPE \"Role\"", "drop-type:Role breaks"),
        ("DROP FUNCTION f(int)", "drop-function:f breaks"),
        ("DROP SEQUENCE s", "drop-sequence:s breaks"),
        ("DROP DOMAIN d", "drop-domain:d breaks"),
        ("DROP EXTENSION citext", "drop-extension:citext loses"),
        ("ALTER TABLE posts DROP CONSTRAINT f", "drop-constraint:posts.f advice"),
        ("ALTER TABLE users ALTER COLUMN role DROP DEFAULT", "drop-default:users.role breaks"),
        ("ALTER TABLE users ALTER COLUMN nick DROP DEFAULT", "drop-default:users.nick advice"),
        // Code that runs does not know the column, and nothing fills it any more.
        (
            "ALTER TABLE users ADD COLUMN quota int NOT NULL DEFAULT 0; ALTER TABLE users ALTER COLUMN quota DROP DEFAULT",
            "drop-default:users.quota breaks",
        ),
        ("ALTER TABLE users ALTER COLUMN email DROP NOT NULL", "drop-not-null:users.email advice"),
        ("TRUNCATE users", "truncate:users loses"),
        ("TRUNCATE users CASCADE", "truncate:users loses"),
        ("DELETE FROM users", "delete-all:users loses"),
        ("ALTER TABLE users ADD COLUMN b int; UPDATE users SET b = 1;", "backfill:users advice"),
        ("ALTER TYPE \"Role\" ADD VALUE 'c'", "enum-order:Role advice"),
        ("ALTER TABLE users ADD COLUMN j json", "json-column:users.j advice"),
        ("ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)", "domain-constraint:d blocks"),
        ("ALTER TABLE logs DETACH PARTITION old", "detach-partition:logs blocks"),
        (
            "ALTER TABLE logs ATTACH PARTITION new FOR VALUES FROM (1) TO (2)",
            "attach-partition:logs.new blocks",
        ),
        ("REFRESH MATERIALIZED VIEW v", "refresh-materialized-view:v blocks"),
        ("VACUUM FULL users", "rewrite-table:users blocks"),
        ("CLUSTER users", "rewrite-table:users blocks"),
        ("ALTER TABLE users SET UNLOGGED", "rewrite-table:users blocks"),
        ("REVOKE SELECT ON users FROM app", "revoke:users breaks"),
        ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", "row-security:users breaks"),
        ("DROP POLICY p ON users", "drop-policy:users.p breaks"),
        ("DO $$ BEGIN END $$", "opaque-block: advice"),
        (
            "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT c;",
            "validate-in-same-file:users.c blocks",
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON users (age); CREATE INDEX CONCURRENTLY j ON users (email);",
            "not-one-transaction:file advice",
        ),
        ("BEGIN; SELECT 1;", "refused:file wrong"),
        ("COPY users FROM STDIN", "refused:file wrong"),
        ("SELECT 1;\n-- ecs-migrate: phase=after-deploy\n", "directive:file wrong"),
    ] {
        let found = names(sql);
        if found != [expected] {
            wrong.push(format!("{sql}: {found:?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_hurts_nobody_is_not_said() {
    let mut wrong = Vec::new();
    for sql in [
        "ALTER TABLE users ADD COLUMN a int",
        "ALTER TABLE users ADD COLUMN a int NOT NULL DEFAULT 0",
        "ALTER TABLE users ADD COLUMN a timestamptz DEFAULT now()",
        "ALTER TABLE users ADD COLUMN p int REFERENCES posts (id)",
        "CREATE INDEX CONCURRENTLY i ON users (email)",
        "DROP INDEX CONCURRENTLY posts_user",
        "ALTER TABLE posts ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID",
        "ALTER TABLE posts VALIDATE CONSTRAINT f",
        "ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX i",
        "ALTER TABLE users ALTER COLUMN email TYPE text",
        "ALTER TABLE users ALTER COLUMN email TYPE varchar(200)",
        "CREATE TABLE t (id int PRIMARY KEY, u int); CREATE INDEX i ON t (u); \
         ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (u) REFERENCES users (id); ALTER TABLE t ADD COLUMN n int NOT NULL; DROP TABLE t;",
        "ALTER TABLE users ADD COLUMN a int; ALTER TABLE users RENAME COLUMN a TO b; ALTER TABLE users DROP COLUMN b;",
        "CREATE TYPE \"New\" AS ENUM ('a'); ALTER TYPE \"New\" RENAME TO \"Newer\"; DROP TYPE \"Newer\";",
        "UPDATE users SET age = 1 WHERE age IS NULL",
        "UPDATE users SET age = 1, nick = 'x' WHERE age IS NULL AND nick IS NULL",
        "ALTER TABLE posts RENAME CONSTRAINT f TO g",
        "ALTER INDEX posts_user RENAME TO posts_user_id",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1",
        "ALTER TYPE \"Role\" RENAME TO \"Role_old\"; CREATE TYPE \"Role\" AS ENUM ('a'); DROP TYPE \"Role_old\"",
        "CREATE TABLE \"T\" (id int); ALTER TABLE public.\"T\" ADD CONSTRAINT c CHECK (id > 0)",
    ] {
        wrong.extend(names(sql).into_iter().map(|name| format!("{sql}: {name}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_enum_that_prisma_changes_stays_where_it_was() {
    let sql = "BEGIN;\nCREATE TYPE \"Role_new\" AS ENUM ('a', 'b');\n\
        ALTER TABLE \"users\" ALTER COLUMN \"role\" DROP DEFAULT;\n\
        ALTER TABLE \"users\" ALTER COLUMN \"role\" TYPE \"Role_new\" USING (\"role\"::text::\"Role_new\");\n\
        ALTER TYPE \"Role\" RENAME TO \"Role_old\";\nALTER TYPE \"Role_new\" RENAME TO \"Role\";\n\
        DROP TYPE \"Role_old\";\nALTER TABLE \"users\" ALTER COLUMN \"role\" SET DEFAULT 'a';\nCOMMIT;";
    assert_eq!(names(sql), ["change-column-type:users.role blocks"]);
}

#[test]
fn a_finding_says_where_it_is() {
    let found =
        findings("-- why\n  ALTER TABLE users\n    ADD COLUMN ä int,\n    DROP COLUMN email;\n");
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.line, finding.column, finding.rule), (4, 5, Rule::DropColumn));
    assert_eq!(finding.meaning(), "loses data, breaks the running API");
    assert!(finding.fix.contains("after-deploy"));
}

#[test]
fn after_the_rollout_nothing_breaks_but_data_is_still_lost() {
    let after = "-- ecs-migrate: phase=after-deploy\n";
    assert_eq!(names(&format!("{after}ALTER TABLE users RENAME COLUMN age TO a")), [""; 0]);
    let found = findings(&format!("{after}ALTER TABLE users DROP COLUMN age"));
    assert_eq!(found[0].grades, [Grade::Loses]);
}

#[test]
fn an_exception_is_as_narrow_as_its_finding_and_has_a_reason() {
    let sql =
        |comment: &str| format!("{comment}\nALTER TABLE users DROP COLUMN email, DROP COLUMN age;");
    let found =
        findings(&sql("-- ecs-migrate: allow=drop-column:users.email reason=\"unused since 4.2\""));
    let allowed: Vec<_> = found.iter().map(|f| (f.object.as_str(), f.allowed.as_deref())).collect();
    assert_eq!(allowed, [("users.email", Some("unused since 4.2")), ("users.age", None)]);
    for (comment, complaint) in [
        ("-- ecs-migrate: allow=drop-column:users.email", "gives no reason"),
        ("-- ecs-migrate: allow=drop-column:users.email reason=\" \"", "gives no reason"),
        ("-- ecs-migrate: allow=drop-column reason=\"x\"", "which object"),
        ("-- ecs-migrate: allow=drop-column:users.nick reason=\"x\"", "allows nothing"),
        ("-- ecs-migrate: allow=drop-colum:users.age reason=\"x\"", "no rule `drop-colum`"),
    ] {
        let found = findings(&sql(comment));
        assert_eq!(found.len(), 3, "{comment}");
        assert_eq!((found[0].rule, found[0].line), (Rule::Exception, 1), "{comment}");
        assert!(found[0].sentence.contains(complaint), "{}", found[0].sentence);
        assert!(found.iter().all(|finding| finding.allowed.is_none()), "{comment}");
    }
    for comment in ["-- ecs-migrate: alow=x", "-- ecs-migrate: transacton=off"] {
        let found = findings(&sql(comment));
        assert_eq!((found.len(), found[0].rule), (3, Rule::Directive), "{comment}");
        assert!(found[0].sentence.contains("is not understood"), "{}", found[0].sentence);
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(text in "(ALTER TABLE |DROP |CREATE |ADD |\\(|\\)|,|\"|t|'|;|-- ecs-migrate: allow=|é| ){0,30}") {
        assess(&Script::parse(text), &mut Known::default());
    }
}

/// What teams write down as safe and as breaking, so that nobody has to remember it.
#[test]
fn what_teams_call_safe_passes_and_what_they_call_breaking_blocks() {
    let verdict = |sql: &str| {
        let policy = Policy::default();
        findings(sql).iter().any(|finding| policy.level(finding) == Level::Block)
    };
    for safe in [
        "CREATE TABLE tags (id serial PRIMARY KEY, post_id int REFERENCES posts (id), name text NOT NULL UNIQUE)",
        "ALTER TABLE users ADD COLUMN phone text",
        "ALTER TABLE users ADD COLUMN active boolean NOT NULL DEFAULT true",
        "CREATE INDEX CONCURRENTLY users_age ON users (age)",
        "DROP INDEX CONCURRENTLY posts_user",
        "ALTER TABLE users ALTER COLUMN email TYPE varchar(255)",
        "ALTER TABLE users ALTER COLUMN email DROP NOT NULL",
        "ALTER TABLE users ALTER COLUMN age SET DEFAULT 18",
        "ALTER TYPE \"Role\" ADD VALUE 'b' AFTER 'a'",
        "ALTER TABLE users ADD CONSTRAINT adult CHECK (age > 17) NOT VALID",
        "ALTER TABLE users VALIDATE CONSTRAINT adult",
        "CREATE VIEW adults AS SELECT * FROM users WHERE age > 17",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "INSERT INTO posts (id) VALUES (1)",
        "UPDATE users SET age = 18 WHERE age IS NULL",
        "GRANT SELECT ON users TO app",
        // Its order makes it safe: behind the rollout.
        "-- ecs-migrate: phase=after-deploy\nALTER TABLE users RENAME COLUMN nick TO name",
    ] {
        assert!(!verdict(safe), "{safe}: {:?}", names(safe));
    }
    for breaking in [
        "DROP TABLE posts",
        "ALTER TABLE users DROP COLUMN nick",
        "ALTER TABLE users RENAME COLUMN nick TO name",
        "ALTER TABLE posts RENAME TO articles",
        "ALTER TABLE users ALTER COLUMN age TYPE text",
        "ALTER TABLE users ALTER COLUMN id TYPE uuid USING gen_random_uuid()",
        "ALTER TABLE users ALTER COLUMN email TYPE varchar(10)",
        "ALTER TABLE users ADD COLUMN phone text NOT NULL",
        "ALTER TABLE users ALTER COLUMN age SET NOT NULL",
        "ALTER TABLE users ADD CONSTRAINT one_email UNIQUE (email)",
        "CREATE UNIQUE INDEX one_email ON users (email)",
        "ALTER TABLE posts ADD CONSTRAINT by_user FOREIGN KEY (user_id) REFERENCES users (id)",
        "DROP TYPE \"Role\"",
        "ALTER TYPE \"Role\" RENAME VALUE 'a' TO 'b'",
        "DROP VIEW adults",
        "DROP FUNCTION one()",
        "TRUNCATE posts",
        "DELETE FROM users",
    ] {
        assert!(verdict(breaking), "{breaking}: {:?}", names(breaking));
    }
}
