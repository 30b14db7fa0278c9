//! Programs of others that the pages name in blocks which only are read, and why they are not run.

/// Name and reason.
pub(crate) const FOREIGN: [(&str, &str); 9] = [
    ("aws", "speaks to an account"),
    ("cargo", "builds for minutes"),
    ("curl", "goes to the network"),
    ("docker", "needs a container engine"),
    ("gh", "speaks to an account"),
    ("jq", "is run by the test of --on-finish"),
    ("npx", "is a team's own tool"),
    ("pg_dump", "writes a team's own backup"),
    ("ssh", "goes to another machine"),
];

/// Programs of the system that do no harm where they are run.
pub(crate) const HARMLESS: [&str; 8] = ["cat", "cp", "cut", "date", "mkdir", "rm", "sleep", "tail"];
