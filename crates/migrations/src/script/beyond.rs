//! Owns what of a script acts beyond the database it runs in: on roles and other databases, on the
//! server and its files, on other servers. Who plays a history to look at it leaves that out. PURE.

use super::elsewhere::names;
use super::untold;
use super::words::{Word, words};
use std::collections::BTreeSet;

/// Whose the server is on which a history is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ground {
    /// The database's own: nothing beyond the scratch database may change.
    Live,
    /// One that was named for it, which has these roles: they stay as they are, but those that a history
    /// makes may be made there.
    Apart(BTreeSet<String>),
}

/// A statement that acts beyond its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// Line of the file, from 1.
    pub line: u32,
    /// What it does, as a noun phrase: "ALTER ROLE".
    pub what: String,
}

/// What is played of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The script with blanks for what is left out: lines stay where they are.
    pub text: String,
    /// What that is.
    pub left_out: Vec<Beyond>,
}

/// Where a script is played.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    /// The scratch database's name.
    pub database: &'a str,
    /// Whose its server is.
    pub ground: &'a Ground,
    /// Whether the role may write the server's files: then what nobody can see before it runs is not played.
    pub writes_files: bool,
    /// Functions of the history that act beyond the database at once; kept from script to script.
    pub reaching: &'a mut BTreeSet<String>,
}

/// What one statement does.
enum Effect {
    Within,
    /// Makes this role.
    MakesRole(String),
    /// Is about these roles otherwise.
    Roles(&'static str, Vec<String>),
    /// Nothing in the database depends on it.
    Beyond(String),
    /// The rest may depend on it.
    Needed(String),
    /// Makes a function that acts beyond the database when it is called.
    Reaches(String),
}

/// Functions that act at once, whatever becomes of the transaction: slots, origins, sessions, the server
/// itself, its files, other servers (PostgreSQL, "System Administration Functions", "dblink"; AWS,
/// "aws_s3", "aws_lambda"; pg_cron, pg_net, http).
const AT_ONCE: [&str; 24] = [
    "pg_create_physical_replication_slot",
    "pg_create_logical_replication_slot",
    "pg_copy_physical_replication_slot",
    "pg_copy_logical_replication_slot",
    "pg_drop_replication_slot",
    "pg_replication_slot_advance",
    "pg_sync_replication_slots",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_switch_wal",
    "pg_create_restore_point",
    "pg_promote",
    "pg_stat_reset_shared",
    "lo_export",
    "http",
    "http_get",
    "http_post",
    "http_put",
    "http_patch",
    "http_delete",
    "http_head",
    "query_export_to_s3",
];
const AT_ONCE_BEGINNINGS: [&str; 8] = [
    "dblink",
    "pg_replication_origin_",
    "pg_file_",
    "pg_background_",
    "pg_wal_replay_",
    "pg_logical_slot_get_",
    "pg_logical_slot_peek_",
    "pg_backup_",
];
const AT_ONCE_SCHEMAS: [&str; 4] = ["cron", "net", "aws_s3", "aws_lambda"];

/// What is played of `text`, which is already for the scratch database. Fails with what cannot be left
/// out, because the rest may depend on it.
pub(super) fn rehearse(text: &str, place: &mut Rehearsal<'_>) -> Result<Rehearsed, Beyond> {
    let mut out = text.to_owned();
    let mut left_out = Vec::new();
    for statement in statements(&words(text)) {
        let (Some(first), Some(last)) = (statement.first(), statement.last()) else { continue };
        let range = first.start..last.start + last.text.len();
        let line = u32::try_from(text[..first.start].matches('\n').count() + 1).unwrap_or(u32::MAX);
        let said = Said::of(statement);
        let what = match (said.effect(place), place.ground) {
            (Effect::Within, _) => continue,
            (Effect::Reaches(function), _) => {
                place.reaching.insert(function);
                continue;
            }
            (Effect::MakesRole(role), Ground::Apart(roles)) if !roles.contains(&role) => continue,
            (Effect::Roles(_, names), Ground::Apart(roles))
                if !names.iter().all(|name| roles.contains(name)) =>
            {
                continue;
            }
            (Effect::Needed(_), Ground::Apart(_)) => continue,
            (Effect::Needed(what), Ground::Live) => return Err(Beyond { line, what }),
            (Effect::MakesRole(_), _) => "CREATE ROLE".to_owned(),
            (Effect::Roles(what, _), _) => what.to_owned(),
            (Effect::Beyond(what), _) => what,
        };
        out.replace_range(range.clone(), &blank(&text[range]));
        left_out.push(Beyond { line, what });
    }
    Ok(Rehearsed { text: out, left_out })
}

/// As many bytes, and the same lines.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// The words between the semicolons that end statements: those of a `BEGIN ATOMIC` body do not.
fn statements<'w, 't>(words: &'w [Word<'t>]) -> Vec<&'w [Word<'t>]> {
    let mut found = Vec::new();
    let (mut start, mut atomic) = (0, 0);
    for (at, word) in words.iter().enumerate() {
        let is = |wanted: &str| word.text.eq_ignore_ascii_case(wanted);
        if is("atomic") && at > 0 && words[at - 1].text.eq_ignore_ascii_case("begin") {
            atomic = 1;
        } else if atomic > 0 && is("case") {
            atomic += 1;
        } else if atomic > 0 && is("end") {
            atomic -= 1;
        } else if atomic == 0 && word.text == ";" {
            found.push(&words[start..at]);
            start = at + 1;
        }
    }
    found.push(&words[start..]);
    found
}

/// A statement's words in lower case, and what stands in its strings.
struct Said {
    words: Vec<String>,
    bodies: Vec<Vec<String>>,
    /// Whether a body runs what its text does not tell.
    untold: bool,
}

impl Said {
    fn of(statement: &[Word<'_>]) -> Self {
        let mut said = Self { words: Vec::new(), bodies: Vec::new(), untold: false };
        for word in statement {
            match body(word.text) {
                Some(body) => {
                    said.collect(body, 3);
                    said.untold |= untold::is_untold(body);
                    said.words.push("''".to_owned());
                }
                None => said.words.push(word.text.to_lowercase()),
            }
        }
        let language = said.after("language").map(|at| said.word(at));
        said.untold |= language.is_some_and(untold::is_untrusted);
        said
    }

    /// A string may be a body, and have strings with statements in it.
    fn collect(&mut self, text: &str, depth: u32) {
        let mut found = Vec::new();
        for word in words(text) {
            match body(word.text) {
                Some(inner) if depth > 0 => {
                    self.collect(inner, depth - 1);
                    found.push("''".to_owned());
                }
                _ => found.push(word.text.to_lowercase()),
            }
        }
        self.bodies.push(found);
    }

    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn after(&self, word: &str) -> Option<usize> {
        self.words.iter().position(|found| found == word).map(|at| at + 1)
    }

    fn effect(&self, place: &Rehearsal<'_>) -> Effect {
        let here = |word: &str| names(word, place.database);
        let (verb, object) = (self.word(0), self.word(1));
        let defines = ["create", "alter", "drop"].contains(&verb);
        match (verb, object) {
            (_, "role" | "user" | "group") if defines && self.word(2) != "mapping" => {
                return self.of_role(here);
            }
            ("create" | "drop", "database") => return Effect::Beyond(title(verb, "DATABASE")),
            ("alter", "database") => {
                let setting =
                    ["set", "reset"].contains(&self.word(3)) && self.word(4) != "tablespace";
                if here(self.word(2)) && setting {
                    return Effect::Within;
                }
                return Effect::Beyond("ALTER DATABASE".to_owned());
            }
            (_, "tablespace") if defines => return Effect::Beyond(title(verb, "TABLESPACE")),
            (_, "subscription") if defines => return Effect::Beyond(title(verb, "SUBSCRIPTION")),
            ("alter", "system") => return Effect::Beyond("ALTER SYSTEM".to_owned()),
            ("reassign" | "drop", "owned") => return Effect::Needed(title(verb, "OWNED")),
            ("grant" | "revoke", _) => return self.of_right(here),
            ("comment", _) | ("security", "label") => return self.of_word(here),
            ("copy", _) if leaves(&self.words) => {
                return Effect::Beyond("COPY to a file or a program".to_owned());
            }
            (_, _) => {}
        }
        self.of_calls(place)
    }

    fn of_role(&self, here: impl Fn(&str) -> bool) -> Effect {
        let verb = self.word(0);
        if verb == "create" {
            return Effect::MakesRole(unquoted(self.word(2)));
        }
        // `ALTER ROLE … SET` was made one of this database only.
        let set_here = self
            .words
            .windows(3)
            .any(|found| found[0] == "in" && found[1] == "database" && here(&found[2]));
        match verb {
            "alter" if set_here => Effect::Within,
            "alter" => Effect::Roles("ALTER ROLE", self.names_from(2, &[])),
            _ => Effect::Roles("DROP ROLE", self.names_from(2, &["if", "exists"])),
        }
    }

    /// The names of a list that begins at this word.
    fn names_from(&self, at: usize, skipped: &[&str]) -> Vec<String> {
        let mut rest = self.words.iter().skip(at).filter(|word| !skipped.contains(&word.as_str()));
        let mut names = Vec::new();
        while let Some(name) = rest.next() {
            names.push(unquoted(name));
            if rest.next().is_none_or(|next| next != ",") {
                break;
            }
        }
        names
    }

    fn of_right(&self, here: impl Fn(&str) -> bool) -> Effect {
        let Some(on) = self.after("on") else {
            let (what, before) = match self.word(0) {
                "grant" => ("GRANT of a role", "to"),
                _ => ("REVOKE of a role", "from"),
            };
            let members = self.after(before).unwrap_or_default();
            return Effect::Roles(what, self.names_from(members, &[]));
        };
        match self.word(on) {
            "tablespace" => Effect::Beyond("GRANT on a tablespace".to_owned()),
            "parameter" => Effect::Beyond("GRANT on a parameter".to_owned()),
            "database" => {
                let to =
                    self.words.iter().skip(on).take_while(|word| *word != "to" && *word != "from");
                let mut databases = to.skip(1).filter(|word| *word != ",");
                if databases.all(|word| here(word)) {
                    Effect::Within
                } else {
                    Effect::Beyond("GRANT on another database".to_owned())
                }
            }
            _ => Effect::Within,
        }
    }

    /// `COMMENT ON`, `SECURITY LABEL … ON`.
    fn of_word(&self, here: impl Fn(&str) -> bool) -> Effect {
        let on = self.after("on").unwrap_or_default();
        match self.word(on) {
            "database" if here(self.word(on + 1)) => Effect::Within,
            object @ ("database" | "role" | "tablespace" | "subscription") => {
                Effect::Beyond(format!("what is said of a {object}"))
            }
            _ => Effect::Within,
        }
    }

    fn of_calls(&self, place: &Rehearsal<'_>) -> Effect {
        let makes_routine = self.word(0) == "create"
            && self.words.iter().take(4).any(|word| word == "function" || word == "procedure");
        // Any other string is data.
        let bodies = if makes_routine || self.word(0) == "do" { &self.bodies[..] } else { &[] };
        let in_body = bodies.iter().find_map(|body| call(body, place.reaching));
        let untold = (place.writes_files && self.untold && (makes_routine || self.word(0) == "do"))
            .then(|| "what a block puts together, and may write files".to_owned());
        let found = call(&self.words, place.reaching).or(in_body).or(untold);
        let Some(found) = found else { return Effect::Within };
        if makes_routine {
            return Effect::Reaches(self.routine());
        }
        // What is said of a routine does not call it.
        let about = ["alter", "drop", "comment", "grant", "revoke"].contains(&self.word(0));
        if about {
            return Effect::Within;
        }
        let only_calls =
            ["select", "call", "values"].contains(&self.word(0)) && self.after("into").is_none();
        let known = !place.reaching.contains(&found);
        if only_calls && known && call(&self.words, &BTreeSet::new()).is_some() {
            return Effect::Beyond(format!("a call of {found}"));
        }
        Effect::Needed(format!("a call of {found}"))
    }

    /// The name of the routine that is made, without its schema.
    fn routine(&self) -> String {
        let end = self.words.iter().position(|word| word == "(").unwrap_or(self.words.len());
        unquoted(self.word(end.saturating_sub(1)))
    }
}

/// What of these words acts beyond the database at once.
fn call(words: &[String], reaching: &BTreeSet<String>) -> Option<String> {
    if leaves(words) && words.iter().any(|word| word == "copy") {
        return Some("COPY to a file or a program".to_owned());
    }
    words.iter().enumerate().find_map(|(at, word)| {
        let name = unquoted(word);
        let before = at.checked_sub(1).map_or("", |before| words[before].as_str());
        let called = words.get(at + 1).is_some_and(|next| next == "(")
            && !["table", "exists", "into", "on", "references"].contains(&before);
        let of_schema = words.get(at + 1).is_some_and(|next| next == ".")
            && AT_ONCE_SCHEMAS.contains(&name.as_str())
            && words.get(at + 3).is_some_and(|next| next == "(");
        let at_once = called
            && (AT_ONCE.contains(&name.as_str())
                || AT_ONCE_BEGINNINGS.iter().any(|start| name.starts_with(start)));
        (at_once || of_schema || reaching.contains(&name)).then_some(name)
    })
}

/// Whether a `COPY` among these words writes a file, or starts a program.
fn leaves(words: &[String]) -> bool {
    let Some(copy) = words.iter().position(|word| word == "copy") else { return false };
    let rest = &words[copy..];
    rest.windows(2).any(|pair| {
        pair[1] == "program" && ["to", "from"].contains(&pair[0].as_str())
            || pair[0] == "to" && pair[1] == "''"
    })
}

/// What a string constant holds; none for any other word.
pub(super) fn body(word: &str) -> Option<&str> {
    if word.starts_with('$') {
        let end = word.get(1..)?.find('$')? + 2;
        let inner = word.get(end..)?;
        return inner.get(..inner.len().checked_sub(end)?);
    }
    let start = word.find('\'')?;
    let prefix = &word[..start];
    if !["", "e", "n", "u&"].iter().any(|known| prefix.eq_ignore_ascii_case(known)) {
        return None;
    }
    let inner = word.get(start + 1..)?;
    Some(inner.strip_suffix('\'').unwrap_or(inner))
}

/// A name as the server keeps it.
fn unquoted(word: &str) -> String {
    match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => word.to_lowercase(),
    }
}

fn title(verb: &str, object: &str) -> String {
    format!("{} {object}", verb.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(text: &str, ground: &Ground) -> Result<Rehearsed, Beyond> {
        let mut reaching = BTreeSet::new();
        rehearse(
            text,
            &mut Rehearsal { database: "s", ground, writes_files: true, reaching: &mut reaching },
        )
    }

    #[test]
    fn what_acts_beyond_is_left_out_on_a_live_server() {
        for (script, what) in [
            ("ALTER ROLE app PASSWORD 'x'", "ALTER ROLE"),
            ("alter user app connection limit 1", "ALTER ROLE"),
            ("CREATE USER app", "CREATE ROLE"),
            ("DROP GROUP IF EXISTS g", "DROP ROLE"),
            ("ALTER ROLE app IN DATABASE other SET x = 1", "ALTER ROLE"),
            ("GRANT a TO b", "GRANT of a role"),
            ("REVOKE ADMIN OPTION FOR a FROM b", "REVOKE of a role"),
            ("GRANT CREATE ON TABLESPACE t TO app", "GRANT on a tablespace"),
            ("GRANT SET ON PARAMETER x TO app", "GRANT on a parameter"),
            ("GRANT CONNECT ON DATABASE \"s\", other TO app", "GRANT on another database"),
            ("CREATE DATABASE d", "CREATE DATABASE"),
            ("ALTER DATABASE other SET x = 1", "ALTER DATABASE"),
            ("ALTER DATABASE \"s\" RENAME TO x", "ALTER DATABASE"),
            ("ALTER DATABASE \"s\" SET TABLESPACE x", "ALTER DATABASE"),
            ("DROP TABLESPACE t", "DROP TABLESPACE"),
            ("ALTER SYSTEM SET x = 1", "ALTER SYSTEM"),
            ("CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", "CREATE SUBSCRIPTION"),
            ("COMMENT ON ROLE app IS 'x'", "what is said of a role"),
            ("SECURITY LABEL FOR p ON ROLE app IS 'x'", "what is said of a role"),
            ("COPY t TO '/tmp/x'", "COPY to a file or a program"),
            ("COPY t FROM PROGRAM 'cat'", "COPY to a file or a program"),
            ("COPY (SELECT 1) TO PROGRAM 'cat'", "COPY to a file or a program"),
            ("SELECT pg_drop_replication_slot('x')", "a call of pg_drop_replication_slot"),
            ("SELECT * FROM dblink_exec('', 'DROP TABLE x')", "a call of dblink_exec"),
            ("SELECT cron.schedule('a', 'b', 'c')", "a call of cron"),
        ] {
            let text = format!("SELECT 1;\n{script};\nSELECT 2;");
            let Ok(found) = played(&text, &Ground::Live) else { panic!("{script}") };
            let expected = Beyond { line: 2, what: what.to_owned() };
            assert_eq!(found.left_out, [expected], "{script}");
            assert_eq!(
                found.text.split_whitespace().collect::<Vec<_>>(),
                ["SELECT", "1;", ";", "SELECT", "2;"]
            );
            assert_eq!(found.text.lines().count(), 3, "{script}");
        }
    }

    #[test]
    fn what_stays_within_is_played() {
        for script in [
            "ALTER ROLE app IN DATABASE \"s\" SET x = 1",
            "ALTER DATABASE \"s\" SET x = 1",
            "GRANT CONNECT ON DATABASE \"s\" TO app",
            "GRANT SELECT ON t TO app",
            "CREATE USER MAPPING FOR app SERVER s",
            "COMMENT ON TABLE role IS 'ALTER ROLE'",
            "COPY t FROM '/tmp/x'",
            "COPY t TO STDOUT",
            "DO $$ BEGIN IF false THEN CREATE ROLE app; END IF; END $$",
            "INSERT INTO t(copy, \"to\") VALUES ('x', 'pg_reload_conf()')",
            "CREATE TABLE http(a int)",
            "CREATE FUNCTION f() RETURNS void BEGIN ATOMIC; SELECT CASE WHEN true THEN 1 END; ALTER ROLE x; END",
        ] {
            let found = played(script, &Ground::Live);
            assert_eq!(found.map(|found| found.left_out), Ok(Vec::new()), "{script}");
        }
    }

    #[test]
    fn what_the_rest_may_depend_on_needs_another_server() {
        for script in [
            "DROP OWNED BY app",
            "CREATE TABLE t AS SELECT * FROM dblink('', '') AS x(a int)",
            "DO $$ BEGIN PERFORM pg_terminate_backend(1); END $$",
            "DO $a$ BEGIN EXECUTE 'COPY t TO PROGRAM ''cat'''; END $a$",
            "CREATE FUNCTION app.f() RETURNS int AS 'SELECT pg_reload_conf()' LANGUAGE sql; SELECT app.f()",
            "CREATE FUNCTION f() RETURNS bool BEGIN ATOMIC; SELECT pg_reload_conf(); END; CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f()",
        ] {
            assert!(played(script, &Ground::Live).is_err(), "{script}");
            let apart = played(script, &Ground::Apart(BTreeSet::new()));
            assert_eq!(apart.map(|found| found.left_out), Ok(Vec::new()), "{script}");
        }
        let defined = "CREATE FUNCTION f() RETURNS int AS 'SELECT pg_reload_conf()' LANGUAGE sql; DROP FUNCTION f()";
        assert!(played(defined, &Ground::Live).is_ok());
    }

    #[test]
    fn another_server_may_have_the_roles() {
        let script = "CREATE ROLE a; CREATE ROLE b; ALTER ROLE a LOGIN; ALTER SYSTEM SET x = 1; ALTER ROLE b LOGIN; \
                      GRANT b TO a; GRANT a TO b; GRANT b TO b, a; DROP ROLE IF EXISTS b, a; DROP ROLE IF EXISTS b";
        let apart = Ground::Apart(BTreeSet::from(["b".to_owned()]));
        let found = played(script, &apart).unwrap();
        let left: Vec<&str> = found.left_out.iter().map(|beyond| beyond.what.as_str()).collect();
        assert_eq!(
            left,
            ["CREATE ROLE", "ALTER SYSTEM", "ALTER ROLE", "GRANT of a role", "DROP ROLE"]
        );
        assert!(found.text.starts_with("CREATE ROLE a;              ; ALTER ROLE a LOGIN;"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_keeps_its_length_and_lines(text in "[ -~\\n'\";$éÄ]{0,120}") {
            if let Ok(found) = played(&text, &Ground::Live) {
                assert_eq!(found.text.len(), text.len());
                assert_eq!(found.text.matches('\n').count(), text.matches('\n').count());
            }
        }
    }
}
