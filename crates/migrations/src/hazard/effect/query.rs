//! Owns what queries and data statements do, wherever in a statement they stand.

use super::super::words::{Reader, Word, parts, words};
use super::Effect;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

/// Functions of the server that change no data, by their names in lower case: what migrations call. Any
/// other one may do anything.
const HARMLESS: &[&str] = &[
    "abs", "age", "array_agg", "array_append", "array_cat", "array_length", "array_position",
    "array_remove", "array_to_json", "array_to_string", "ascii", "avg", "bit_length", "bool_and", "bool_or",
    "btrim", "cardinality", "ceil", "ceiling", "char_length", "character_length", "chr",
    "clock_timestamp", "coalesce", "col_description", "concat", "concat_ws", "count", "current_database",
    "current_schema", "current_schemas", "current_setting", "current_user", "date", "date_part", "date_trunc",
    "decode", "dense_rank", "digest", "encode", "every", "exp", "extract", "first_value", "float8", "floor", "format", "format_type",
    "gen_random_bytes", "gen_random_uuid", "generate_series", "generate_subscripts", "greatest",
    "has_column_privilege", "has_database_privilege", "has_schema_privilege",
    "has_table_privilege", "initcap", "int4", "int8", "json_agg", "json_array_elements",
    "json_array_elements_text", "json_array_length", "json_build_array", "json_build_object", "json_each",
    "json_each_text", "json_extract_path", "json_extract_path_text", "json_object_agg",
    "json_object_keys", "json_typeof", "jsonb_agg", "jsonb_array_elements",
    "jsonb_array_elements_text", "jsonb_array_length", "jsonb_build_array", "jsonb_build_object",
    "jsonb_each", "jsonb_each_text", "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_insert", "jsonb_object_agg",
    "jsonb_object_keys", "jsonb_path_exists", "jsonb_path_query", "jsonb_set", "jsonb_strip_nulls", "jsonb_typeof", "justify_interval", "lag", "last_value", "lead", "least",
    "left", "length", "ln", "localtimestamp", "log", "lower", "lpad", "ltrim", "make_date",
    "make_interval", "make_timestamp", "make_timestamptz", "max", "md5", "min", "mod", "nextval", "now",
    "nullif", "num_nonnulls", "num_nulls", "numeric", "obj_description", "octet_length", "overlay", "pg_advisory_lock",
    "pg_advisory_xact_lock", "pg_backend_pid", "pg_get_constraintdef", "pg_get_expr",
    "pg_get_functiondef", "pg_get_indexdef", "pg_get_serial_sequence", "pg_get_viewdef",
    "pg_relation_size", "pg_sleep", "pg_table_is_visible", "pg_total_relation_size", "pg_try_advisory_lock",
    "pg_try_advisory_xact_lock", "pg_typeof", "position", "power", "quote_ident", "quote_literal",
    "quote_nullable", "random", "rank", "regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_matches", "regexp_replace",
    "regexp_split_to_array", "regexp_split_to_table", "regexp_substr", "repeat", "replace", "reverse", "right", "round",
    "row", "row_number", "row_to_json", "rpad", "rtrim", "set_config", "setval", "setweight", "sha256", "sign",
    "split_part", "sqrt", "starts_with", "statement_timestamp", "string_agg", "string_to_array", "string_to_table",
    "strpos", "substr", "substring", "sum", "text", "timezone", "to_char", "to_date", "to_hex", "to_json",
    "to_jsonb", "to_number", "to_regclass", "to_regnamespace", "to_regproc", "to_regrole",
    "to_regtype", "to_timestamp", "to_tsquery", "to_tsvector", "transaction_timestamp",
    "translate", "trim", "trunc", "ts_rank", "unaccent", "unnest", "upper", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v4",
    "uuid_generate_v5", "uuidv4", "uuidv7", "varchar", "version", "websearch_to_tsquery", "width_bucket",
];

/// What the node and everything in it does.
pub(super) fn effects(node: &SyntaxNode) -> Vec<Effect> {
    let mut effects = calls(node);
    for inner in node.descendants() {
        if let Some(delete) = ast::Delete::cast(inner.clone()) {
            let table = name(delete.relation_name().map(|name| name.syntax().clone()));
            effects.push(Effect::Deletes { table });
        } else if let Some(update) = ast::Update::cast(inner.clone()) {
            let table = name(update.relation_name().map(|name| name.syntax().clone()));
            let filter = update.where_clause_or_current_of().map(|part| part.syntax().to_string());
            let set = update.set_clause().map(|set| set.syntax().to_string());
            effects.extend(overwrites(table, set, filter.as_deref().unwrap_or_default()));
        } else if let Some(merge) = ast::Merge::cast(inner.clone()) {
            let table = name(merge.table_relation_name().map(|name| name.syntax().clone()));
            effects.extend(merges(&merge, &table));
        } else if let Some(insert) = ast::Insert::cast(inner.clone()) {
            let table = name(insert.relation_name_ref().map(|name| name.syntax().clone()));
            let conflict = insert.on_conflict_clause().and_then(|clause| clause.conflict_action());
            if let Some(ast::ConflictAction::ConflictDoUpdateSet(update)) = conflict {
                let set = update.set_clause().map(|set| set.syntax().to_string());
                effects.extend(overwrites(table, set, ""));
            }
        }
    }
    effects
}

/// The functions that the node calls and that may do anything.
pub(super) fn calls(node: &SyntaxNode) -> Vec<Effect> {
    let callee = |inner: SyntaxNode| {
        let called = ast::CallExpr::cast(inner)?.expr()?.syntax().to_string();
        let name = name_of(&called).unwrap_or_else(|| called.clone());
        let plain = name.strip_prefix("pg_catalog.").unwrap_or(&name);
        (!HARMLESS.contains(&plain)).then_some(Effect::Calls(name))
    };
    node.descendants().filter_map(callee).collect()
}

fn merges(merge: &ast::Merge, table: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for clause in merge.merge_when_clauses() {
        for inner in clause.syntax().descendants() {
            if ast::MergeDelete::can_cast(inner.kind()) {
                effects.push(Effect::Deletes { table: table.to_owned() });
            } else if let Some(update) = ast::MergeUpdate::cast(inner) {
                let set = update.set_clause().map(|set| set.syntax().to_string());
                effects.extend(overwrites(table.to_owned(), set, ""));
            }
        }
    }
    effects
}

/// What `SET …` writes over, but for columns of which the filter says that they are empty.
fn overwrites(table: String, set: Option<String>, filter: &str) -> Option<Effect> {
    let set = set.unwrap_or_default();
    let set = words(&set, 0..set.len());
    let filter = words(filter, 0..filter.len());
    let empty = empty_columns(&filter);
    let mut columns = Vec::new();
    for part in parts(set.get(1..).unwrap_or_default()) {
        match Reader::new(part).part_names() {
            Some(names) if names.len() == 1 => {
                columns.extend(names.into_iter().filter(|column| !empty.contains(column)));
            }
            // Several at once, or a part of one.
            Some(_) | None => return Some(Effect::Overwrites { table, columns: Vec::new() }),
        }
    }
    (!columns.is_empty()).then_some(Effect::Overwrites { table, columns })
}

/// The columns that are NULL in every row that `WHERE a IS NULL AND …` lets through.
fn empty_columns(filter: &[Word<'_>]) -> Vec<String> {
    let mut reader = Reader::new(filter);
    if !reader.eat("WHERE") || reader.has_outside("OR") {
        return Vec::new();
    }
    let conjuncts = split_outside(reader.left, "AND");
    let empty = |part: &[Word<'_>]| {
        let mut reader = Reader::new(part);
        let names = reader.part_names()?;
        (reader.eat("IS NULL") && reader.left.is_empty()).then(|| names.last().cloned())?
    };
    conjuncts.into_iter().filter_map(empty).collect()
}

fn split_outside<'a>(all: &'a [Word<'a>], by: &str) -> Vec<&'a [Word<'a>]> {
    let (mut depth, mut begin) = (0_usize, 0);
    let mut found = Vec::new();
    for (at, word) in all.iter().enumerate() {
        if word.is("(") {
            depth += 1;
        } else if word.is(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && word.is(by) {
            found.push(&all[begin..at]);
            begin = at + 1;
        }
    }
    found.push(&all[begin..]);
    found
}

fn name(node: Option<SyntaxNode>) -> String {
    node.and_then(|node| name_of(&node.to_string())).unwrap_or_default()
}

/// A name as it is written, without `ONLY`.
fn name_of(text: &str) -> Option<String> {
    let words = words(text, 0..text.len());
    let mut reader = Reader::new(&words);
    while reader.eat("ONLY") || reader.eat("(") {}
    reader.name()
}
