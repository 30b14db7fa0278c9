//! Owns what a script puts back where it was.

use super::action::{Action, Deed};

/// What the script puts back where it was, or takes away whole, so that a part of it is no difference to
/// the code that runs.
pub(super) struct PutBack<'a>(pub(super) &'a [Action]);

impl PutBack<'_> {
    /// Prisma changes an enum like that: the old type goes away, a new one gets its name.
    pub(super) fn is_type(&self, name: &str) -> bool {
        let back = |deed: &Deed| matches!(deed, Deed::RenameType { to: made, .. } | Deed::CreateType(made) if made == name);
        let away = |deed: &Deed| matches!(deed, Deed::RenameType { from, .. } if from == name);
        self.has(away) && self.has(back)
    }

    /// Whether a type of this file gets the name that the column's type had.
    pub(super) fn becomes(&self, made: &str, old: &str) -> bool {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        self.has(|deed| {
            matches!(deed, Deed::RenameType { from, to } if same(from, made) && same(to, old))
        })
    }

    /// A view is replaced like that when its columns change; `before` are those that it has, where they
    /// are known, and code may ask for each of them.
    pub(super) fn is_view(&self, name: &str, before: Option<&[String]>) -> bool {
        self.0.iter().any(|action| {
            let Deed::CreateView(after) = &action.deed else { return false };
            action.table.as_deref() == Some(name)
                && match (before, after) {
                    (Some(before), Some(after)) => before.iter().all(|one| after.contains(one)),
                    (_, _) => true,
                }
        })
    }

    pub(super) fn is_default(&self, table: Option<&str>, column: &str) -> bool {
        self.0.iter().any(|action| {
            action.table.as_deref() == table
                && matches!(&action.deed, Deed::SetDefault(set) if set == column)
        })
    }

    /// Its constraints go with it, whatever order they are dropped in.
    pub(super) fn is_dropped(&self, table: Option<&str>) -> bool {
        self.0.iter().any(|action| {
            action.table.as_deref() == table && matches!(action.deed, Deed::DropTable)
        })
    }

    fn has(&self, wanted: impl Fn(&Deed) -> bool) -> bool {
        self.0.iter().any(|action| wanted(&action.deed))
    }
}
