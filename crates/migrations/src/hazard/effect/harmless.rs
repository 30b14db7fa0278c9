//! Owns which functions change no data.

/// Whether a function of this name changes no data; any other one may do anything.
pub(super) fn is(name: &str) -> bool {
    NAMES.split_ascii_whitespace().any(|harmless| harmless == name)
}

/// Functions of the server, and of extensions that make identifiers, as migrations call them. Sequences go
/// forward, locks and settings end with the session.
const NAMES: &str = "\
    abs age array_agg array_append array_cat array_length array_position array_remove \
    array_to_json array_to_string ascii avg bit_length bool_and bool_or btrim cardinality ceil \
    ceiling char_length character_length chr clock_timestamp coalesce col_description concat \
    concat_ws count current_database current_schema current_schemas current_setting current_user \
    date date_part date_trunc decode dense_rank digest encode every exp extract first_value \
    float8 floor format format_type gen_random_bytes gen_random_uuid generate_series \
    generate_subscripts greatest has_column_privilege has_database_privilege \
    has_schema_privilege has_table_privilege initcap int4 int8 json_agg json_array_elements \
    json_array_elements_text json_array_length json_build_array json_build_object json_each \
    json_each_text json_extract_path json_extract_path_text json_object_agg json_object_keys \
    json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length \
    jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path \
    jsonb_extract_path_text jsonb_insert jsonb_object_agg jsonb_object_keys jsonb_path_exists \
    jsonb_path_query jsonb_set jsonb_strip_nulls jsonb_typeof justify_interval lag last_value \
    lead least left length ln localtimestamp log lower lpad ltrim make_date make_interval \
    make_timestamp make_timestamptz max md5 min mod nextval now nullif num_nonnulls num_nulls \
    numeric obj_description octet_length overlay pg_advisory_lock pg_advisory_xact_lock \
    pg_backend_pid pg_get_constraintdef pg_get_expr pg_get_functiondef pg_get_indexdef \
    pg_get_serial_sequence pg_get_viewdef pg_notify pg_relation_size pg_sleep pg_table_is_visible \
    pg_total_relation_size pg_try_advisory_lock pg_try_advisory_xact_lock pg_typeof position \
    power quote_ident quote_literal quote_nullable random rank regexp_count regexp_instr \
    regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array \
    regexp_split_to_table regexp_substr repeat replace reverse right round row row_number \
    row_to_json rpad rtrim set_config setval setweight sha256 sign split_part sqrt starts_with \
    statement_timestamp string_agg string_to_array string_to_table strpos substr substring sum \
    text timezone to_char to_date to_hex to_json to_jsonb to_number to_regclass to_regnamespace \
    to_regproc to_regrole to_regtype to_timestamp to_tsquery to_tsvector transaction_timestamp \
    translate trim trunc ts_rank unaccent unnest upper uuid_generate_v1 uuid_generate_v1mc \
    uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuidv4 uuidv7 varchar version \
    websearch_to_tsquery width_bucket";
