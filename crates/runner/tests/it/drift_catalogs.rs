//! Each catalog of the server, and each column of it, is read by drift, or somebody said why not.

use crate::support::World;
use std::collections::BTreeSet;

/// Catalogs that drift does not read, and why.
const NOT_READ: &[(&str, &str)] = &[
    ("pg_auth_members", "of the server"),
    ("pg_authid", "of the server"),
    ("pg_database", "of the server; what is set for the database is the operator's"),
    ("pg_db_role_setting", "of the server; what is set for the database is the operator's"),
    ("pg_parameter_acl", "of the server"),
    ("pg_replication_origin", "of the server"),
    ("pg_shdepend", "of the server"),
    ("pg_shdescription", "of the server"),
    ("pg_shseclabel", "of the server"),
    (
        "pg_subscription",
        "never played: it would take another server's data; only superusers see it",
    ),
    ("pg_subscription_rel", "the state of a subscription"),
    ("pg_description", "by obj_description and col_description"),
    ("pg_seclabel", "by pg_seclabels"),
    ("pg_user_mapping", "by pg_user_mappings, which everybody may read"),
    ("pg_partitioned_table", "by pg_get_partkeydef"),
    ("pg_init_privs", "what extensions gave, which the server keeps to dump the rest"),
    ("pg_largeobject", "data"),
    ("pg_largeobject_metadata", "data"),
    ("pg_statistic", "made by ANALYZE"),
    ("pg_statistic_ext_data", "made by ANALYZE"),
];

/// Columns of catalogs that are read which are not, and why: by catalog, then each of them.
const NOT_COMPARED: &[(&str, &str)] = &[
    // The relation behind pg_get_constraintdef, pg_get_indexdef, pg_get_triggerdef, pg_get_ruledef,
    // pg_get_statisticsobjdef and pg_get_functiondef.
    (
        "pg_constraint",
        "condeferrable condeferred conenforced confrelid confupdtype confdeltype confmatchtype confkey conpfeqop conppeqop conffeqop confdelsetcols conexclop conbin conperiod connamespace",
    ),
    (
        "pg_index",
        "indnatts indnkeyatts indisunique indnullsnotdistinct indisprimary indisexclusion indimmediate indcheckxmin indisready indislive indkey indcollation indclass indoption indexprs indpred",
    ),
    (
        "pg_trigger",
        "tgfoid tgtype tgconstrrelid tgconstrindid tgdeferrable tginitdeferred tgnargs tgattr tgargs tgqual tgoldtable tgnewtable tgparentid",
    ),
    ("pg_rewrite", "ev_type is_instead ev_qual ev_action"),
    ("pg_statistic_ext", "stxkeys stxkind stxexprs stxowner"),
    (
        "pg_proc",
        "proowner prolang procost prorows provariadic prosupport prosecdef proleakproof proisstrict proretset provolatile pronargs pronargdefaults prorettype proargtypes proallargtypes proargmodes proargnames proargdefaults protrftypes prosrc probin prosqlbody proconfig proacl",
    ),
    // Numbers of the server's own, what it counts, and what follows from another column.
    (
        "pg_class",
        "relfilenode relpages reltuples relallvisible relallfrozen reltoastrelid relhasindex relisshared relnatts relchecks relhasrules relhastriggers relhassubclass relrewrite relfrozenxid relminmxid",
    ),
    (
        "pg_attribute",
        "attlen attcacheoff attndims attbyval attalign atthasdef atthasmissing attmissingval",
    ),
    ("pg_type", "typowner typarray typndims typcollation typdefaultbin typrelid typsubscript"),
    ("pg_sequence", ""),
    ("pg_enum", ""),
    ("pg_operator", "oprowner oprkind oprname oprleft oprright"),
    ("pg_opclass", "opcowner"),
    ("pg_opfamily", "opfowner"),
    ("pg_amop", "amoplefttype amoprighttype amoppurpose amopmethod"),
    ("pg_collation", "collowner collversion"),
    ("pg_conversion", "conowner"),
    ("pg_extension", "extowner extrelocatable extversion extconfig extcondition"),
    ("pg_publication", "pubowner"),
    ("pg_event_trigger", "evtowner"),
    ("pg_ts_config", "cfgowner"),
    ("pg_ts_dict", "dictowner"),
    ("pg_tablespace", "spcowner spcacl spcoptions"),
    ("pg_inherits", ""),
    ("pg_depend", ""),
    ("pg_range", ""),
];

/// The text of the queries, without their comments.
fn queries() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/src/drift/catalog");
    let files = std::fs::read_dir(folder).unwrap();
    let text = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let lines: Vec<String> =
        text.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines
        .into_iter()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A new version of PostgreSQL brings new catalogs and columns: each is read, or somebody said why not.
#[tokio::test]
async fn every_catalog_of_this_version_is_read_or_it_is_said_why_not() {
    let world = World::new().await;
    let queries = queries();
    let words: BTreeSet<&str> = queries.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let catalogs = world
        .column("SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' ORDER BY 1")
        .await;
    let mut wrong = Vec::new();
    for catalog in &catalogs {
        let reason = NOT_READ.iter().find(|(name, _)| name == catalog);
        match (words.contains(catalog.as_str()), reason) {
            (true, Some(_)) => wrong.push(format!("{catalog} is read, and said not to be")),
            (false, None) => wrong.push(format!("{catalog} is not read")),
            (false, Some(_)) => {}
            (true, None) => {
                let columns = format!(
                    "SELECT attname FROM pg_attribute WHERE attrelid = 'pg_catalog.{catalog}'::regclass AND attnum > 0 AND attname <> 'oid'"
                );
                let said = NOT_COMPARED
                    .iter()
                    .find(|(name, _)| name == catalog)
                    .map_or("", |(_, columns)| columns);
                let said: BTreeSet<&str> = said.split_whitespace().collect();
                let columns = world.column(&columns).await;
                let missing = columns.iter().filter(|column| {
                    !words.contains(column.as_str()) && !said.contains(column.as_str())
                });
                wrong.extend(missing.map(|column| format!("{catalog}.{column} is not read")));
            }
        }
    }
    assert!(catalogs.len() > 60, "{catalogs:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
