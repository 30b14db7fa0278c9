//! Owns what a script has made of its session: role, user, settings, and what no other session can
//! have. Read from the server, never guessed from the text, so that a resume goes on where it was.

use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::quote;
use crate::row::Row;
use crate::session::Session;
use migrations::script::Lasts;
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// A session as a script has left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    /// As the journal keeps it.
    pub(crate) json: String,
    /// `SET ROLE`; `none` without one.
    pub(crate) role: String,
    /// `SET SESSION AUTHORIZATION`, or who signed in.
    pub(crate) user: String,
    /// What was set, by its name.
    pub(crate) settings: BTreeMap<String, String>,
    /// What ends with the session, in words.
    pub(crate) bound: Vec<String>,
}

/// What the reader has to know of the script.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lens {
    /// Settings that the server does not list.
    pub(crate) custom: Vec<String>,
    /// Settings that are ours at the moment.
    pub(crate) ours: Vec<String>,
    /// The advisory keys that are ours.
    pub(crate) keys: Vec<i64>,
}

/// A transaction's own are over when it ends. `jsonb` writes its keys in one order, so equal
/// sessions are equal texts.
const READ: &str = "SELECT pg_catalog.jsonb_build_object(\
      'role', pg_catalog.current_setting('role'), \
      'user', session_user::text, \
      'settings', COALESCE((SELECT pg_catalog.jsonb_object_agg(s.name, s.setting) FROM (\
         SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session' AND NOT name = ANY ($2) \
           AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable') \
         UNION SELECT custom, pg_catalog.current_setting(custom, true) \
           FROM (SELECT pg_catalog.unnest($1) UNION FUNCTIONS_SET) AS named(custom) \
           WHERE NOT custom = ANY ($2) AND pg_catalog.current_setting(custom, true) IS NOT NULL) AS s), '{}'), \
      'bound', pg_catalog.to_jsonb(ARRAY(\
         SELECT 'the temporary ' || t.name FROM (\
           SELECT relname::text AS name FROM pg_catalog.pg_class WHERE pg_catalog.pg_my_temp_schema() <> 0 \
             AND relnamespace = pg_catalog.pg_my_temp_schema() AND relkind NOT IN ('i', 'I', 't') \
           UNION SELECT proname::text || '()' FROM pg_catalog.pg_proc WHERE pg_catalog.pg_my_temp_schema() <> 0 \
             AND pronamespace = pg_catalog.pg_my_temp_schema() \
           UNION SELECT typname::text FROM pg_catalog.pg_type WHERE pg_catalog.pg_my_temp_schema() <> 0 \
             AND typnamespace = pg_catalog.pg_my_temp_schema() AND typrelid = 0 AND typcategory <> 'A' \
           UNION SELECT pg_catalog.pg_describe_object(classid, objid, 0) FROM pg_catalog.pg_depend \
             WHERE pg_catalog.pg_my_temp_schema() <> 0 AND refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass \
             AND refobjid = pg_catalog.pg_my_temp_schema() AND classid NOT IN ('pg_catalog.pg_class'::pg_catalog.regclass, \
             'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)) AS t \
         UNION SELECT 'the prepared statement ' || name FROM pg_catalog.pg_prepared_statements WHERE from_sql \
         UNION SELECT 'the cursor ' || name FROM pg_catalog.pg_cursors WHERE is_holdable \
         UNION SELECT 'the channel ' || channel FROM pg_catalog.pg_listening_channels() AS channel \
         UNION SELECT 'an advisory lock of its own (' || l.classid::text || ', ' || l.objid::text || ')' \
           FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.pid = pg_catalog.pg_backend_pid() \
           AND NOT (l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = ANY ($3)) \
         ORDER BY 1)))::text AS json";

/// The parts of such a text.
pub(crate) const PARTS: &str = "j.json ->> 'role', j.json ->> 'user', \
    ARRAY(SELECT key FROM pg_catalog.jsonb_each_text(j.json -> 'settings') ORDER BY key), \
    ARRAY(SELECT value FROM pg_catalog.jsonb_each_text(j.json -> 'settings') ORDER BY key), \
    ARRAY(SELECT pg_catalog.jsonb_array_elements_text(j.json -> 'bound')), j.json::text";

impl Carried {
    /// Reads what the session is.
    pub(crate) async fn read(session: &Session, lens: &Lens) -> Result<Self, Fault> {
        let read = READ.replace("FUNCTIONS_SET", crate::custom::OF_FUNCTIONS);
        let sql =
            format!("SELECT {PARTS} FROM (SELECT r.json::jsonb AS json FROM ({read}) AS r) AS j");
        let row = session
            .one(
                &sql,
                &[
                    (&lens.custom, Type::TEXT_ARRAY),
                    (&lens.ours, Type::TEXT_ARRAY),
                    (&lens.keys, Type::INT8_ARRAY),
                ],
            )
            .await?;
        Self::of(&row, 0).ok_or_else(|| {
            Fault::Answer("the server's answer about the session cannot be read".to_owned())
        })
    }

    /// From the columns [`PARTS`] of a row, from this one on; none where it says nothing.
    pub(crate) fn of(row: &Row, first: usize) -> Option<Self> {
        let text = |at: usize| row.get::<Option<String>>(first + at).ok().flatten();
        let list = |at: usize| row.get::<Option<Vec<String>>>(first + at).ok().flatten();
        Some(Self {
            role: text(0)?,
            user: text(1)?,
            settings: list(2)?.into_iter().zip(list(3)?).collect(),
            bound: list(4)?,
            json: text(5)?,
        })
    }

    /// Makes another session the same, as far as one can be.
    pub(crate) async fn restore(&self, session: &Session, lens: &Lens) -> Result<(), Failed> {
        let now = Self::read(session, lens).await?;
        // What is ours now may have been written down by a run whose it was not.
        let mut wanted = self.clone();
        wanted.settings.retain(|name, _value| !lens.ours.contains(name));
        let refused = |fault: Fault| match fault {
            Fault::Server(db) => Failed::Refused(db.message().to_owned()),
            fault @ (Fault::Lost(_) | Fault::Answer(_)) => Failed::Fault(fault),
        };
        let gone = now.settings.keys().filter(|name| !wanted.settings.contains_key(*name));
        let mut sql: String =
            gone.fold(String::new(), |sql, name| format!("{sql}RESET {};", quote::setting(name)));
        for (name, value) in &wanted.settings {
            if now.settings.get(name) != Some(value) {
                let (name, value) = (quote::literal(name), quote::literal(value));
                sql = format!("{sql}SELECT pg_catalog.set_config({name}, {value}, false);");
            }
        }
        if now.user != self.user {
            sql = format!("{sql}SET SESSION AUTHORIZATION {};", quote::identifier(&self.user));
        }
        if self.role != "none" {
            sql = format!("{sql}SET ROLE {};", quote::identifier(&self.role));
        } else if now.role != "none" {
            sql.push_str("SET ROLE NONE;");
        }
        if !sql.is_empty() {
            session.run(&sql).await.map_err(refused)?;
        }
        let restored = Self::read(session, lens).await.map_err(refused)?;
        match wanted.difference(&restored) {
            None => Ok(()),
            Some(name) => Err(Failed::Refused(format!("{name} is another one now"))),
        }
    }

    /// What the session is when a transaction is over in which it looked like this and
    /// `before` which it was like that; or the name of what nobody can tell. PURE.
    pub(crate) fn after_transaction(
        &self,
        before: &Self,
        lasts: impl Fn(&str) -> Lasts,
    ) -> Result<Self, String> {
        let mut after = self.clone();
        for name in before.differences(self) {
            match (lasts(&name), before.settings.get(&name)) {
                (Lasts::Session, _) => {}
                (Lasts::Transaction, Some(value)) => {
                    after.settings.insert(name, value.clone());
                }
                (Lasts::Transaction, None) => {
                    after.settings.remove(&name);
                }
                (Lasts::Unknown, _) => return Err(name),
            }
        }
        for (name, mine, theirs) in [
            ("role", &mut after.role, &before.role),
            ("session_authorization", &mut after.user, &before.user),
        ] {
            match lasts(name) {
                _ if mine == theirs => {}
                Lasts::Session => {}
                Lasts::Transaction => mine.clone_from(theirs),
                Lasts::Unknown => return Err(name.to_owned()),
            }
        }
        Ok(after)
    }

    /// The first thing that is different and can be set, by its name.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        if self.user != other.user {
            return Some("session_authorization".to_owned());
        }
        if self.role != other.role {
            return Some("role".to_owned());
        }
        self.differences(other).into_iter().next()
    }

    /// Settings that are different.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut names: Vec<String> =
            self.settings.keys().chain(other.settings.keys()).cloned().collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.settings.get(name) != other.settings.get(name));
        names
    }
}

/// Why a session could not be made the same.
pub(crate) enum Failed {
    /// The server says no.
    Refused(String),
    /// The connection is gone.
    Fault(Fault),
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Why what is left of a migration cannot be run in another session.
pub(crate) fn cannot_resume(migration: &str, why: &str) -> Error {
    Error::new(
        Kind::PartlyApplied,
        format!("`{migration}` is part-way, and the rest of it cannot go on in another session: {why}"),
    )
    .hint("do the rest by hand, then `resolve --applied NAME`; or take back what is there, then `resolve --rolled-back NAME`")
    .migration(migration)
    .database(DatabaseState::NeedsAttention)
}

/// What ends with the session, in words.
pub(crate) fn bound_to_session(bound: &[String]) -> String {
    let shown: Vec<&str> = bound.iter().take(3).map(String::as_str).collect();
    let more = if bound.len() > 3 { ", …" } else { "" };
    let verb = if bound.len() == 1 { "was" } else { "were" };
    format!("{}{more} {verb} only in the session that ended", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(role: &str, settings: &[(&str, &str)]) -> Carried {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Carried {
            json: String::new(),
            role: role.to_owned(),
            user: "me".to_owned(),
            settings: settings.iter().map(owned).collect(),
            bound: Vec::new(),
        }
    }

    #[test]
    fn what_is_set_for_a_transaction_only_ends_with_it() {
        let before = carried("none", &[("search_path", "public")]);
        let inside = carried("owner", &[("search_path", "app"), ("work_mem", "64")]);
        let lasts = |answer| move |_name: &str| answer;
        assert_eq!(inside.after_transaction(&before, lasts(Lasts::Session)), Ok(inside.clone()));
        assert_eq!(
            inside.after_transaction(&before, lasts(Lasts::Transaction)),
            Ok(before.clone())
        );
        let unknown = inside.after_transaction(&before, lasts(Lasts::Unknown));
        assert_eq!(unknown, Err("search_path".to_owned()));
        assert_eq!(before.after_transaction(&before, lasts(Lasts::Unknown)), Ok(before.clone()));
    }

    #[test]
    fn what_ends_with_the_session_is_named() {
        let bound = ["the temporary t".to_owned(), "the channel c".to_owned()];
        assert_eq!(
            bound_to_session(&bound),
            "the temporary t, the channel c were only in the session that ended"
        );
        assert_eq!(
            bound_to_session(&bound[..1]),
            "the temporary t was only in the session that ended"
        );
    }
}
