//! Owns what the earlier migrations tell about the schema: which tables are new, what columns they
//! have. Only for fewer false alarms: what is not known here is judged as if it were there.

use super::action::{Action, Column, ConstraintKind, Deed};
use super::reading::actions;
use crate::script::Script;
use std::collections::{BTreeMap, BTreeSet};

/// The schema as far as the scripts tell.
#[derive(Debug, Clone, Default)]
pub struct Known {
    tables: BTreeMap<String, BTreeMap<String, Column>>,
    /// Tables and columns that no database has yet.
    new_tables: BTreeSet<String>,
    new_columns: BTreeSet<(String, String)>,
    new_types: BTreeSet<String>,
    /// Types that got another name, by that name, with the old one.
    renamed_types: BTreeMap<String, String>,
    /// Constraints that are not valid because this file added them so.
    not_valid: BTreeSet<(String, String)>,
}

impl Known {
    /// Takes in a script that the databases have.
    pub fn read(&mut self, script: &Script) {
        for action in actions(script) {
            self.learn(&action);
        }
        self.settle();
    }

    /// From here on everything so far is in the databases.
    pub fn settle(&mut self) {
        self.new_tables.clear();
        self.new_columns.clear();
        self.new_types.clear();
        self.renamed_types.clear();
        self.end_of_file();
    }

    /// Locks end with the file.
    pub(super) fn end_of_file(&mut self) {
        self.not_valid.clear();
    }

    pub(super) fn is_new_table(&self, table: &str) -> bool {
        self.new_tables.contains(table)
    }

    pub(super) fn is_new_column(&self, table: &str, column: &str) -> bool {
        self.new_columns.contains(&(table.to_owned(), column.to_owned()))
    }

    pub(super) fn is_new_type(&self, name: &str) -> bool {
        self.new_types.contains(name)
    }

    /// The name that a type had before this deployment.
    pub(super) fn old_name_of_type(&self, name: &str) -> Option<&str> {
        self.renamed_types.get(name).map(String::as_str)
    }

    pub(super) fn column(&self, table: &str, column: &str) -> Option<&Column> {
        self.tables.get(table)?.get(column)
    }

    pub(super) fn was_added_not_valid(&self, table: &str, constraint: &str) -> bool {
        self.not_valid.contains(&(table.to_owned(), constraint.to_owned()))
    }

    /// Takes in what an action does.
    pub(super) fn learn(&mut self, action: &Action) {
        let table = action.table.clone().unwrap_or_default();
        match &action.deed {
            Deed::CreateTable(columns) => {
                let columns = columns.iter().map(|column| (column.name.clone(), column.clone()));
                // With IF NOT EXISTS it may be there already: then nothing is known to be new.
                if !self.tables.contains_key(&table) {
                    self.new_tables.insert(table.clone());
                    self.tables.insert(table, columns.collect());
                }
            }
            Deed::CreateType(name) => {
                self.new_types.insert(name.clone());
            }
            Deed::AddColumn(column) => {
                let columns = self.tables.entry(table.clone()).or_default();
                columns.insert(column.name.clone(), column.clone());
                self.new_columns.insert((table, column.name.clone()));
            }
            Deed::ChangeType { column, to, .. } => {
                if let Some(known) = self.column_mut(&table, column) {
                    known.kind.clone_from(to);
                }
            }
            Deed::SetNotNull(column) => {
                if let Some(known) = self.column_mut(&table, column) {
                    known.not_null = true;
                }
            }
            Deed::Drop { what, name } if what == "COLUMN" => {
                self.tables.entry(table).or_default().remove(name);
            }
            Deed::Drop { what, name } if what == "TYPE" => {
                self.new_types.remove(name);
            }
            Deed::RenameColumn { from, to } => {
                let columns = self.tables.entry(table.clone()).or_default();
                if let Some(column) = columns.remove(from) {
                    columns.insert(to.clone(), Column { name: to.clone(), ..column });
                }
                if self.new_columns.remove(&(table.clone(), from.clone())) {
                    self.new_columns.insert((table, to.clone()));
                }
            }
            Deed::RenameTable { to } => {
                if let Some(columns) = self.tables.remove(&table) {
                    self.tables.insert(to.clone(), columns);
                }
                if self.new_tables.remove(&table) {
                    self.new_tables.insert(to.clone());
                }
            }
            Deed::RenameType { from, to } => {
                if self.new_types.remove(from) {
                    self.new_types.insert(to.clone());
                } else {
                    self.renamed_types.insert(to.clone(), from.clone());
                }
            }
            Deed::DropTable => {
                self.tables.remove(&table);
                self.new_tables.remove(&table);
            }
            Deed::AddConstraint { name, kind, not_valid: true } => {
                if matches!(kind, ConstraintKind::Check | ConstraintKind::ForeignKey) {
                    self.not_valid.insert((table, name.clone()));
                }
            }
            Deed::AddConstraint { .. }
            | Deed::CreateIndex { .. }
            | Deed::ValidateConstraint(_)
            | Deed::SetDefault(_)
            | Deed::Column(_)
            | Deed::RenameConstraint { .. }
            | Deed::RenameIndex(_)
            | Deed::Rewrite
            | Deed::AttachPartition(_)
            | Deed::Drop { .. }
            | Deed::Truncate
            | Deed::Data { .. }
            | Deed::Refresh { .. }
            | Deed::Opaque
            | Deed::Other(_) => {}
        }
    }

    fn column_mut(&mut self, table: &str, column: &str) -> Option<&mut Column> {
        self.tables.get_mut(table)?.get_mut(column)
    }
}
