//! Owns which settings with a dot, such as `app.tenant`, the database's own functions may set. The server
//! lists such settings nowhere (PostgreSQL, "Customized Options"), so only a text can name them: a
//! script's, or a function's that it calls. A body in the form of `BEGIN ATOMIC` is kept as no text, and
//! names nothing here.

/// What initdb makes has a smaller number (PostgreSQL, `access/transam.h`: `FirstNormalObjectId`).
pub(crate) const FIRST_OF_OTHERS: u32 = 16_384;

/// A query of their names; each once, in small letters.
pub(crate) const OF_FUNCTIONS: &str = "SELECT pg_catalog.lower(found[1]) FROM pg_catalog.pg_proc, \
    pg_catalog.regexp_matches(prosrc, '([a-z_][a-z0-9_$]*(?:[.][a-z_][a-z0-9_$]*)+)', 'gi') AS found \
    WHERE oid >= 16384 AND (pg_catalog.strpos(pg_catalog.lower(prosrc), 'set_config') > 0 \
    OR prosrc ~* '\\mset\\s+(session\\s+)?[a-z_][a-z0-9_$]*[.]')";

/// Whether one of them is an empty text: then it was set, and no reset makes nothing of it again.
pub(crate) fn is_left() -> String {
    format!(
        "SELECT EXISTS (SELECT FROM ({OF_FUNCTIONS}) AS named(custom) \
         WHERE pg_catalog.current_setting(custom, true) = '')"
    )
}
