//! Owns what the catalog says is behind the things that a script reaches: the functions of triggers, rules,
//! defaults, checks, indexes, views, domains, casts and operators. Of a function in C that an extension
//! brings, behind anything but a trigger, it is taken for granted that it changes no data.

use crate::error::Fault;
use crate::row::Row;
use crate::session::Session;
use migrations::hazard::behind::{Body, Fires, Reach, reached_by, sentence};
use std::collections::BTreeSet;
use tokio_postgres::types::Type;

/// How often the functions' own tables are looked behind.
const DEPTH: usize = 8;

/// A function that a statement calls without naming it, and may lose by.
pub(super) struct Behind {
    pub(super) line: u32,
    pub(super) function: String,
    pub(super) sentence: String,
}

/// What is behind a name or a symbol.
struct Code {
    name: String,
    via: String,
    function: String,
    body: Body,
    /// A trigger's events; none for what is no trigger.
    fires: Option<Fires>,
}

/// Looks behind what the statements of a script reach.
pub(super) async fn look(session: &Session, reaches: Vec<Reach>) -> Result<Vec<Behind>, Fault> {
    let mut found = Vec::new();
    let mut judged = BTreeSet::new();
    let mut left = reaches;
    for _depth in 0..DEPTH {
        if left.is_empty() {
            return Ok(found);
        }
        let codes = codes(session, &left).await?;
        let mut next = Vec::new();
        for reach in &left {
            for code in codes.iter().filter(|code| code.is_reached_by(reach)) {
                if !judged.insert((reach.line, code.via.clone(), code.function.clone())) {
                    continue;
                }
                next.push(reached_by(&code.body, reach.line));
                let fires = code.fires.unwrap_or_default().both(reach.fires);
                found.extend(code.body.may_lose(fires).map(|why| Behind {
                    line: reach.line,
                    function: code.function.clone(),
                    sentence: sentence(&code.function, &code.via, &why),
                }));
            }
        }
        left = next;
    }
    Ok(found)
}

impl Code {
    fn is_reached_by(&self, reach: &Reach) -> bool {
        let named = match self.name.as_str() {
            "" => reach.defines,
            name => reach.names.contains(name) || reach.symbols.contains(name),
        };
        named && self.fires.is_none_or(|fires| fires.meet(reach.fires))
    }
}

async fn codes(session: &Session, reaches: &[Reach]) -> Result<Vec<Code>, Fault> {
    let all = |of: fn(&Reach) -> &BTreeSet<String>| -> Vec<&String> {
        let all: BTreeSet<&String> = reaches.iter().flat_map(of).collect();
        all.into_iter().collect()
    };
    let (names, symbols) = (all(|reach| &reach.names), all(|reach| &reach.symbols));
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&names, Type::TEXT_ARRAY), (&symbols, Type::TEXT_ARRAY)];
    let rows = session.query(include_str!("behind.sql"), &parameters).await?;
    rows.iter().map(code).collect()
}

/// Bits of `pg_trigger.tgtype` (PostgreSQL, `catalog/pg_trigger.h`).
const ON_INSERT: i32 = 4;
const ON_DELETE: i32 = 8;
const ON_UPDATE: i32 = 16;
const ON_TRUNCATE: i32 = 32;

fn code(row: &Row) -> Result<Code, Fault> {
    let fires = row.get::<Option<i32>>(5)?.filter(|bits| *bits != 0).map(|bits| Fires {
        on_insert: bits & ON_INSERT != 0,
        on_update: bits & ON_UPDATE != 0,
        on_delete: bits & (ON_DELETE | ON_TRUNCATE) != 0,
    });
    Ok(Code {
        name: row.get(0)?,
        via: row.get(1)?,
        function: row.get(2)?,
        body: Body { language: row.get(3)?, text: row.get(4)? },
        fires,
    })
}
