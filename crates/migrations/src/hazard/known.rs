//! Owns what the earlier migrations tell about the schema: which tables are new, what columns they
//! have. Only for fewer false alarms: what is not known here is judged as if it were there.

use super::action::{Action, Column, ConstraintKind, Deed};
use super::behind::{self, Armed, Reach};
use super::reading::actions;
use crate::script::Script;
use std::collections::{BTreeMap, BTreeSet};

/// The schema as far as the scripts tell.
#[derive(Debug, Clone, Default)]
pub struct Known {
    tables: BTreeMap<String, BTreeMap<String, Column>>,
    /// Tables and columns that no database has yet.
    new_tables: BTreeSet<String>,
    /// Tables that were made only if they were not there.
    perhaps_new: BTreeSet<String>,
    /// Tables that go with the session, which is one file.
    temporary: BTreeSet<String>,
    /// Names that a table of the database had, and has no longer.
    given_away: BTreeSet<String>,
    /// Columns that were added only if they were not there.
    perhaps_new_columns: BTreeSet<(String, String)>,
    /// New views, and new tables that got rows of older ones by becoming their parent.
    with_old_rows: BTreeSet<String>,
    /// Columns of views.
    views: BTreeMap<String, Vec<String>>,
    /// Tables that got another name or schema, by that name, with the one that the database knows.
    renamed: BTreeMap<String, String>,
    renamed_schemas: BTreeMap<String, String>,
    new_columns: BTreeSet<(String, String)>,
    new_types: BTreeSet<String>,
    /// Types that got another name, by that name, with the old one.
    renamed_types: BTreeMap<String, String>,
    /// What is behind the tables.
    pub(super) armed: Armed,
    /// Constraints that are not valid because this file added them so.
    not_valid: BTreeSet<(String, String)>,
}

impl Known {
    /// Takes in a script that the databases have.
    pub fn read(&mut self, script: &Script) {
        for action in actions(script) {
            self.learn(&action);
        }
        for statement in &script.statements {
            self.armed.learn(script.text_of(statement));
        }
        self.settle();
    }

    /// What the statements of a script may reach, with the names that others stand for.
    pub fn reaches(&self, script: &Script) -> Vec<Reach> {
        let each = behind::reaches(script).into_iter();
        each.map(|reach| self.armed.expanded(reach)).collect()
    }

    /// From here on everything so far is in the databases.
    pub fn settle(&mut self) {
        self.new_tables.clear();
        self.perhaps_new.clear();
        self.given_away.clear();
        self.perhaps_new_columns.clear();
        self.with_old_rows.clear();
        self.renamed.clear();
        self.renamed_schemas.clear();
        self.new_columns.clear();
        self.new_types.clear();
        self.renamed_types.clear();
        self.end_of_file();
    }

    /// Locks end with the file, and so do temporary tables.
    pub(super) fn end_of_file(&mut self) {
        self.not_valid.clear();
        for table in std::mem::take(&mut self.temporary) {
            self.tables.remove(&table);
            self.new_tables.remove(&table);
        }
    }

    pub(super) fn is_new_table(&self, table: &str) -> bool {
        self.new_tables.contains(table)
    }

    /// Whether no row of it can be older than this deployment.
    pub(super) fn has_only_new_rows(&self, table: &str) -> bool {
        self.is_new_table(table) && !self.with_old_rows.contains(table)
    }

    /// Whether it is new unless it was there already.
    pub(super) fn is_perhaps_new(&self, table: &str) -> bool {
        self.perhaps_new.contains(table)
    }

    /// Whether a table of the database had this name, and lost it in this deployment.
    pub(super) fn was_given_away(&self, table: &str) -> bool {
        self.given_away.contains(table)
    }

    /// Whether it is new unless it was there already.
    pub(super) fn is_perhaps_new_column(&self, table: &str, column: &str) -> bool {
        self.perhaps_new_columns.contains(&(table.to_owned(), column.to_owned()))
    }

    /// From here on nothing of this deployment is sure to be there.
    fn roll_back(&mut self) {
        self.perhaps_new.append(&mut self.new_tables);
        self.new_columns.clear();
        self.given_away.clear();
    }

    /// The columns of a view, where they are known.
    pub(super) fn view(&self, name: &str) -> Option<&[String]> {
        self.views.get(name).map(Vec::as_slice)
    }

    /// What the database calls a table before this deployment.
    pub(super) fn original(&self, table: &str) -> String {
        if let Some(original) = self.renamed.get(table) {
            return original.clone();
        }
        match table.split_once('.') {
            Some((schema, name)) => match self.renamed_schemas.get(schema) {
                Some(original) => format!("{original}.{name}"),
                None => table.to_owned(),
            },
            None => table.to_owned(),
        }
    }

    /// It gets another name.
    fn rename(&mut self, from: &str, to: String) {
        let original = self.original(from);
        self.renamed.remove(from);
        if let Some(columns) = self.tables.remove(from) {
            self.tables.insert(to.clone(), columns);
        }
        for set in [&mut self.perhaps_new, &mut self.with_old_rows, &mut self.temporary] {
            if set.remove(from) {
                set.insert(to.clone());
            }
        }
        let columns: Vec<String> = self
            .new_columns
            .iter()
            .filter(|(table, _)| table == from)
            .map(|(_, column)| column.clone())
            .collect();
        for column in columns {
            self.new_columns.remove(&(from.to_owned(), column.clone()));
            self.new_columns.insert((to.clone(), column.clone()));
            if self.perhaps_new_columns.remove(&(from.to_owned(), column.clone())) {
                self.perhaps_new_columns.insert((to.clone(), column));
            }
        }
        if self.new_tables.remove(from) {
            self.new_tables.insert(to);
        } else {
            self.given_away.insert(from.to_owned());
            self.renamed.insert(to, original);
        }
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
    #[expect(clippy::too_many_lines, reason = "one arm for each deed")]
    pub(super) fn learn(&mut self, action: &Action) {
        let table = action.table.clone().unwrap_or_default();
        match &action.deed {
            Deed::Rollback => self.roll_back(),
            Deed::CreateTable { columns, perhaps, temporary } => {
                if *temporary {
                    self.temporary.insert(table.clone());
                }
                let columns = columns.iter().map(|column| (column.name.clone(), column.clone()));
                if !self.tables.contains_key(&table) {
                    let new = if *perhaps { &mut self.perhaps_new } else { &mut self.new_tables };
                    new.insert(table.clone());
                    self.tables.insert(table, columns.collect());
                }
            }
            Deed::CreateView(columns) => {
                match columns {
                    Some(columns) => self.views.insert(table.clone(), columns.clone()),
                    None => self.views.remove(&table),
                };
                if !self.tables.contains_key(&table) {
                    self.new_tables.insert(table.clone());
                    self.with_old_rows.insert(table.clone());
                    self.tables.insert(table, BTreeMap::new());
                }
            }
            Deed::AttachPartition(child) => {
                if !self.has_only_new_rows(child) {
                    self.with_old_rows.insert(table);
                }
            }
            Deed::Inherit(parent) => {
                if !self.has_only_new_rows(&table) {
                    self.with_old_rows.insert(parent.clone());
                }
            }
            Deed::RenameSchema { from, to } => {
                let original = self.renamed_schemas.remove(from).unwrap_or_else(|| from.clone());
                self.renamed_schemas.insert(to.clone(), original);
            }
            Deed::SetSchema { to } => {
                let name = table.rsplit_once('.').map_or(table.as_str(), |(_, name)| name);
                let moved = if to == "public" { name.to_owned() } else { format!("{to}.{name}") };
                self.rename(&table, moved);
            }
            Deed::CreateType(name) => {
                self.new_types.insert(name.clone());
            }
            Deed::AddColumn(column) => {
                let columns = self.tables.entry(table.clone()).or_default();
                columns.insert(column.name.clone(), column.clone());
                if column.perhaps {
                    self.perhaps_new_columns.insert((table.clone(), column.name.clone()));
                }
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
            Deed::Drop { what, name, .. } if what == "COLUMN" => {
                self.tables.entry(table).or_default().remove(name);
            }
            Deed::Drop { what, name, .. } if what == "TYPE" => {
                self.new_types.remove(name);
            }
            Deed::RenameColumn { from, to } => {
                let columns = self.tables.entry(table.clone()).or_default();
                if let Some(column) = columns.remove(from) {
                    columns.insert(to.clone(), Column { name: to.clone(), ..column });
                }
                let was = (table.clone(), from.clone());
                // What it was before is what counts, and that is not asked for.
                if self.new_columns.remove(&was) && !self.perhaps_new_columns.remove(&was) {
                    self.new_columns.insert((table, to.clone()));
                }
            }
            Deed::RenameTable { to } => {
                let renamed = match table.rsplit_once('.') {
                    Some((schema, _)) => format!("{schema}.{to}"),
                    None => to.clone(),
                };
                self.rename(&table, renamed);
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
                if !self.new_tables.remove(&table) {
                    self.given_away.insert(table.clone());
                }
                self.perhaps_new.remove(&table);
                self.with_old_rows.remove(&table);
                self.renamed.remove(&table);
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
            | Deed::Disable(_)
            | Deed::CreateRule(_)
            | Deed::Lock
            | Deed::DropOwned(_)
            | Deed::Drop { .. }
            | Deed::Truncate { .. }
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
