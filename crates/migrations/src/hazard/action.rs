//! Owns what a statement can do to which object.

use super::types::Conversion;
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
    CreateTable {
        columns: Vec<Column>,
        /// `IF NOT EXISTS`: it may be there with rows.
        perhaps: bool,
        /// It goes with the session.
        temporary: bool,
    },
    /// `ROLLBACK`, also to a savepoint: nobody knows what of the file is still so.
    Rollback,
    /// Its columns, where they can be told.
    CreateView(Option<Vec<String>>),
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
        conversion: Conversion,
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
    /// `SET SCHEMA`.
    SetSchema {
        to: String,
    },
    RenameSchema {
        from: String,
        to: String,
    },
    /// A table becomes a child of this one.
    Inherit(String),
    /// A trigger or a rule is switched off.
    Disable(String),
    CreateRule(String),
    /// `LOCK TABLE` in a mode that the application notices.
    Lock,
    /// `DROP OWNED BY` this role.
    DropOwned(String),
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
        cascade: bool,
    },
    DropTable,
    Truncate {
        cascade: bool,
    },
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
#[expect(clippy::struct_excessive_bools, reason = "four facts, each true without the others")]
pub(super) struct Column {
    pub(super) name: String,
    /// Its type in lower case, e.g. `varchar(10)`.
    pub(super) kind: String,
    pub(super) not_null: bool,
    pub(super) has_default: bool,
    /// Whether it has a CHECK.
    pub(super) checked: bool,
    /// Whether it brings an index: UNIQUE or PRIMARY KEY.
    pub(super) indexed: bool,
    /// `IF NOT EXISTS`: it may be there with values.
    pub(super) perhaps: bool,
}

impl Action {
    /// The column whose values go, where it is about one.
    pub(super) fn column_that_goes(&self) -> Option<&str> {
        if let Deed::ChangeType { column: name, .. } = &self.deed {
            return Some(name);
        }
        let Deed::Drop { what, name, .. } = &self.deed else { return None };
        (what == "COLUMN").then_some(name)
    }

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
            | Deed::Disable(name)
            | Deed::CreateRule(name)
            | Deed::DropOwned(name)
            | Deed::RenameSchema { from: name, .. }
            | Deed::Other(name) => name,
            Deed::CreateIndex { name } => return name.clone(),
            Deed::CreateTable { .. }
            | Deed::CreateView(_)
            | Deed::SetSchema { .. }
            | Deed::Inherit(_)
            | Deed::Lock
            | Deed::RenameTable { .. }
            | Deed::Rewrite
            | Deed::DropTable
            | Deed::Truncate { .. }
            | Deed::Data { .. }
            | Deed::Refresh { .. }
            | Deed::Rollback
            | Deed::Opaque => "",
        };
        match self.table.as_deref().map(shown) {
            Some(table) if own.is_empty() => table.to_owned(),
            Some(table) => format!("{table}.{own}"),
            None => own.to_owned(),
        }
    }
}

/// A table in a schema that cannot be told, as people write it.
pub(super) fn shown(table: &str) -> &str {
    match table.split_once('.') {
        Some((schema, name)) if schema.starts_with(UNTOLD) => name,
        Some(_) | None => table,
    }
}

/// What the schema's name begins with where the search path does not tell it: no name of a script's.
pub(super) const UNTOLD: char = '\u{1}';
