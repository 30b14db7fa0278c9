//! Programs of others that the pages name in blocks which only are read, and why they are not run.

/// Name and reason.
pub(crate) const FOREIGN: [(&str, &str); 20] = [
    ("aws", "speaks to an account"),
    ("bun", "is a team's own tool"),
    ("curl", "goes to the network"),
    ("dbmate", "is a team's own tool"),
    ("docker", "needs a container engine"),
    ("flyctl", "speaks to an account"),
    ("fly", "speaks to an account"),
    ("gh", "speaks to an account"),
    ("git", "pushes"),
    ("jq", "is run by the test of --on-finish"),
    ("kubectl", "needs a cluster"),
    ("man", "shows a page on a terminal"),
    ("node", "is a team's own application"),
    ("npm", "is a team's own tool"),
    ("npx", "is a team's own tool"),
    ("openssl", "reads a team's own certificates"),
    ("pg_dump", "writes a team's own backup"),
    ("pg_restore", "reads a team's own backup"),
    ("psql", "asks a team's own database"),
    ("ssh", "goes to another machine"),
];

/// Programs of the system that do no harm where they are run.
pub(crate) const HARMLESS: [&str; 8] = ["cat", "cp", "cut", "date", "mkdir", "rm", "sleep", "tail"];
