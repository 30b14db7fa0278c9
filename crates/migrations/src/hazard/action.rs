//! Owns what a statement can do to which object.

use std::ops::Range;

/// Something that a statement, or a part of an `ALTER TABLE`, does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    /// Bytes of the script.
    pub(super) range: Range<usize>,
    /// The table that it is done to, where there is one.
    pub(super) table: Option<String>,
    pub(super) deed: Deed,
}

/// What is done. Names are as PostgreSQL stores them, without `public`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    CreateTable(Vec<Column>),
    CreateIndex {
        name: String,
    },
    CreateType(String),
    AddColumn(Column),
    AddConstraint {
        name: String,
        kind: ConstraintKind,
        not_valid: bool,
    },
    ValidateConstraint(String),
    ChangeType {
        column: String,
        to: String,
        converted: bool,
    },
    SetNotNull(String),
    SetDefault(String),
    /// Anything else that is done to a column.
    Column(String),
    RenameColumn {
        from: String,
        to: String,
    },
    RenameTable {
        to: String,
    },
    RenameConstraint {
        from: String,
    },
    /// And anything else that is done to an index.
    RenameIndex(String),
    RenameType {
        from: String,
        to: String,
    },
    /// `SET UNLOGGED`, `VACUUM FULL` and the like, which write the table again.
    Rewrite,
    AttachPartition(String),
    /// `DROP` of something that is no table.
    Drop {
        what: String,
        name: String,
    },
    DropTable,
    Truncate,
    Data {
        verb: Verb,
        bounded: bool,
    },
    Refresh {
        concurrently: bool,
    },
    Opaque,
    /// Anything else, with the object that it names.
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Update,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConstraintKind {
    Check,
    Unique,
    PrimaryKey,
    ForeignKey,
    Exclusion,
    NotNull,
    /// It takes an index that is there already.
    UsingIndex,
}

/// A column as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its type in lower case, e.g. `varchar(10)`.
    pub(super) kind: String,
    pub(super) not_null: bool,
    pub(super) has_default: bool,
}

impl Action {
    /// The object's name as an exception names it: `users`, `users.email`.
    pub(super) fn object(&self) -> String {
        let own = match &self.deed {
            Deed::AddColumn(column) => &column.name,
            Deed::ChangeType { column, .. } => column,
            Deed::SetNotNull(column) | Deed::SetDefault(column) | Deed::Column(column) => column,
            Deed::RenameColumn { from, .. } | Deed::RenameConstraint { from } => from,
            Deed::AddConstraint { name, .. } | Deed::ValidateConstraint(name) => name,
            Deed::AttachPartition(name)
            | Deed::Drop { name, .. }
            | Deed::CreateType(name)
            | Deed::RenameType { from: name, .. }
            | Deed::RenameIndex(name)
            | Deed::Other(name) => name,
            Deed::CreateIndex { name } => return name.clone(),
            Deed::CreateTable(_)
            | Deed::RenameTable { .. }
            | Deed::Rewrite
            | Deed::DropTable
            | Deed::Truncate
            | Deed::Data { .. }
            | Deed::Refresh { .. }
            | Deed::Opaque => "",
        };
        match &self.table {
            Some(table) if own.is_empty() => table.clone(),
            Some(table) => format!("{table}.{own}"),
            None => own.to_owned(),
        }
    }
}
