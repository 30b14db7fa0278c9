//! Owns the rules: the name, the grades, the cost and the way out of each. A table as data.

/// What a hazard does to a running system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// It cannot be deployed as it is, or it is not what the author believes.
    Wrong,
    /// Rows or columns are gone for good.
    Loses,
    /// The API that runs now fails on the new schema.
    Breaks,
    /// Its reads or writes wait while the statement works.
    Blocks,
    /// Worth a look.
    Advice,
}

impl Grade {
    /// Every grade, the worst first.
    pub const ALL: [Self; 5] = [Self::Wrong, Self::Loses, Self::Breaks, Self::Blocks, Self::Advice];

    /// The stable word, also in the settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Loses => "loses",
            Self::Breaks => "breaks",
            Self::Blocks => "blocks",
            Self::Advice => "advice",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Wrong => "cannot be deployed",
            Self::Loses => "loses data",
            Self::Breaks => "breaks the running API",
            Self::Blocks => "blocks its traffic",
            Self::Advice => "advice",
        }
    }
}

/// What a statement does while it holds its lock; the table's size decides how long that takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A change of the catalog, or nothing that a size would change.
    None,
    /// Reads every row once.
    Scan,
    /// Reads every row and looks for its parent.
    Join,
    /// Sorts every row into an index.
    Build,
    /// Writes every row again, and its indexes.
    Rewrite,
}

macro_rules! rules {
    ($($rule:ident $name:literal [$($grade:ident),+] $work:ident $fix:literal;)+) => {
        /// A rule. The documentation of each is its [`Rule::fix`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "name and fix say it")]
        #[expect(clippy::enum_variant_names, reason = "PostgreSQL has rules of its own")]
        pub enum Rule { $($rule),+ }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$rule),+];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name),+ }
            }

            /// What it does to a running system, the worst first.
            pub const fn grades(self) -> &'static [Grade] {
                match self { $(Self::$rule => &[$(Grade::$grade),+]),+ }
            }

            /// What it costs.
            pub const fn work(self) -> Work {
                match self { $(Self::$rule => Work::$work),+ }
            }

            /// What to do instead.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$rule => $fix),+ }
            }
        }
    };
}

rules! {
    DropColumn "drop-column" [Loses, Breaks] None "release code that no longer uses it first; then drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropTable "drop-table" [Loses, Breaks] None "release code that no longer uses it first; then drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropSchema "drop-schema" [Loses, Breaks] None "release code that no longer uses it first; then drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropDatabase "drop-database" [Loses, Breaks] None "a migration must not drop a database";
    Truncate "truncate" [Loses] None "delete what is meant, in batches, outside of the migration";
    DeleteAll "delete-all" [Loses] Rewrite "name the rows with WHERE, or delete in batches outside of the migration";
    DeleteRows "delete-rows" [Loses] Rewrite "make sure that nobody misses them, and approve it by name; many of them are deleted in batches outside of the migration";
    DeleteNamed "delete-named-rows" [Loses] Rewrite "make sure that nobody misses them";
    OverwriteRows "overwrite-rows" [Loses] Rewrite "write into a new column, or name the rows whose value is NULL: what stood there before is gone otherwise";
    MayLose "may-lose" [Loses] None "look at what it does, and approve it by name: from its words alone nobody can say that no data goes";
    OpaqueCall "opaque-call" [Loses] None "look at what the function does, and approve it by name: a call can do anything";
    DropOwned "drop-owned" [Loses, Breaks] None "name what is to go: this takes everything that the role owns and every right that it has";
    DisableTrigger "disable-trigger" [Loses, Breaks] None "leave it enabled: what it checks or keeps, foreign keys too, is not checked or kept meanwhile";
    CreateRule "create-rule" [Loses, Breaks] None "a trigger: a rule replaces statements of the running code, or adds to them";
    DropRule "drop-rule" [Breaks] None "drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    RenameColumn "rename-column" [Breaks] None "add the new column, write both, move the rows, drop the old one after the rollout";
    RenameTable "rename-table" [Breaks] None "keep a view under the old name until the old code is gone";
    RenameObject "rename-object" [Breaks] None "make the new one beside it, and drop the old one after the rollout";
    SetSchema "set-schema" [Breaks] None "keep a view in the old schema until the old code is gone";
    DropView "drop-view" [Breaks] None "drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropType "drop-type" [Breaks] None "drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropFunction "drop-function" [Breaks] None "drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropSequence "drop-sequence" [Breaks] None "drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropDomain "drop-domain" [Breaks] None "drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropExtension "drop-extension" [Loses, Breaks] None "drop it in a migration with `-- ecs-migrate: phase=after-deploy`";
    DropExpression "drop-expression" [Breaks] None "release code that writes the column first";
    DropIdentity "drop-identity" [Breaks] None "release code that gives the value itself first";
    DropDefault "drop-default" [Breaks] None "release code that always gives the value first; then drop the default after the rollout";
    Revoke "revoke" [Breaks] None "revoke after the rollout, when nothing uses the right any more";
    RowSecurity "row-security" [Breaks] None "make the policies first, and look at them as the application's role";
    DropPolicy "drop-policy" [Breaks] None "make the new policy first: without one the rows are hidden";
    AddRequiredColumn "add-required-column" [Breaks] None "add it nullable or with a DEFAULT: old code does not write it, and with rows in the table the statement fails";
    ChangeColumnType "change-column-type" [Breaks, Blocks] Rewrite "add a new column, write both, move the rows, drop the old one after the rollout";
    CreateIndex "create-index" [Blocks] Build "CREATE INDEX CONCURRENTLY, alone in its migration";
    Reindex "reindex" [Blocks] Build "REINDEX … CONCURRENTLY, alone in its migration";
    AddForeignKey "add-foreign-key" [Blocks] Join "add it NOT VALID, and VALIDATE CONSTRAINT in a migration behind it";
    AddCheck "add-check" [Blocks] Scan "add it NOT VALID, and VALIDATE CONSTRAINT in a migration behind it";
    ValidateHere "validate-in-same-file" [Blocks] Scan "VALIDATE CONSTRAINT in a migration of its own: here the lock of ADD CONSTRAINT is held during the scan";
    SetNotNull "set-not-null" [Breaks, Blocks] Scan "release code that always writes it first; then ADD CHECK (column IS NOT NULL) NOT VALID, VALIDATE it in a migration behind, and SET NOT NULL in one with `-- ecs-migrate: phase=after-deploy`";
    LockTable "lock-table" [Blocks] None "leave it out: each statement takes the lock that it needs";
    AddColumnRewrite "add-column-rewrite" [Blocks] Rewrite "add the column without it, SET DEFAULT, and fill the rows in batches";
    AddPrimaryKey "add-primary-key" [Blocks] Build "CREATE UNIQUE INDEX CONCURRENTLY, then ADD PRIMARY KEY USING INDEX";
    AddUnique "add-unique" [Blocks] Build "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX";
    AddExclusion "add-exclusion" [Blocks] Build "there is no way beside a maintenance window, or a new table";
    DomainConstraint "domain-constraint" [Blocks] Scan "add it NOT VALID, and VALIDATE CONSTRAINT in a migration behind it";
    AttachPartition "attach-partition" [Blocks] Scan "add a CHECK with the partition's bounds NOT VALID and validate it first, so that nothing is scanned";
    DetachPartition "detach-partition" [Blocks] None "DETACH PARTITION … CONCURRENTLY, alone in its migration";
    RefreshView "refresh-materialized-view" [Blocks] Build "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index";
    RewriteTable "rewrite-table" [Blocks] Rewrite "pg_repack, or a maintenance window";
    Backfill "backfill" [Advice] Rewrite "fill the rows in batches outside of the migration: here every row stays locked until its end";
    DropIndex "drop-index" [Advice] None "DROP INDEX CONCURRENTLY, alone in its migration, waits without stopping anybody";
    DropConstraint "drop-constraint" [Advice] None "see whether the running code relies on it, e.g. in ON CONFLICT";
    DropNotNull "drop-not-null" [Advice] None "see whether the running code can read NULL";
    DropTrigger "drop-trigger" [Advice] None "see whether the running code relies on it";
    DomainInTable "create-domain-constraint" [Advice] None "a CHECK on the table can be changed without a scan of every table of the domain";
    EnumOrder "enum-order" [Advice] None "say BEFORE or AFTER, if the order matters";
    OpaqueBlock "opaque-block" [Advice] None "what a DO block does cannot be seen here: read it with the same questions";
    JsonColumn "json-column" [Advice] None "jsonb has an equality operator, so DISTINCT and UNION work";
    LongName "identifier-too-long" [Advice] None "PostgreSQL cuts it after 63 bytes";
    NotOneTransaction "not-one-transaction" [Advice] None "keep what needs no transaction of its own in another migration, so that a failure leaves nothing half done";
    Style "style" [Advice] None "squawk's documentation has the reasons: https://squawkhq.com/docs/rules";
    Refused "refused" [Wrong] None "the runner would refuse it";
    Exception "exception" [Wrong] None "write `-- ecs-migrate: allow=RULE:OBJECT reason=\"…\"`, and take away what allows nothing";
    Directive "directive" [Wrong] None "one of `-- ecs-migrate: phase=after-deploy` and `-- ecs-migrate: transaction=off`, before the first statement, or of `-- ecs-migrate: allow=RULE:OBJECT reason=\"…\"`";
    Unreadable "unreadable" [Wrong] None "a migration is a directory with a readable `migration.sql` in UTF-8";
    LockFile "migration-lock" [Wrong] None "`migration_lock.toml` says provider = \"postgresql\"; commit it";
    Edited "edited-migration" [Wrong] None "restore the file as it is on the base branch, and put the change into a new migration";
    Deleted "deleted-migration" [Wrong] None "restore its directory: databases that applied it still name it";
    Renamed "renamed-migration" [Wrong] None "give it back its name: for a database that applied it, it would be deleted and new";
    OutOfOrder "out-of-order-migration" [Wrong] None "give it a newer timestamp: databases that have the newer ones would stop at it";
    BadName "migration-name" [Wrong] None "name it YYYYMMDDHHMMSS_what_it_does";
    EmptyName "name-says-nothing" [Advice] None "say what it does: the name is what people read in the history";
    Replay "replay" [Wrong] None "mend the migration that fails: it cannot be applied to an empty database";
    SchemaDiffers "schema-differs" [Wrong] None "run `prisma migrate dev` and commit what it makes";
}

impl Rule {
    /// The rule of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_no_grade_is_one() {
        for rule in Rule::ALL {
            assert_eq!(Rule::from_name(rule.name()), Some(*rule));
            let is_grade = Grade::ALL.iter().any(|grade| grade.word() == rule.name());
            assert!(!is_grade, "{}", rule.name());
            assert!(rule.grades().is_sorted(), "{}", rule.name());
        }
    }
}
