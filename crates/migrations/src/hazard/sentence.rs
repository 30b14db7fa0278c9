//! Owns what is said of a finding, in one sentence.

use super::Rule;
use super::action::Action;

/// What is done to what, in lower case.
#[expect(clippy::too_many_lines, reason = "one sentence for each rule")]
pub(super) fn sentence(rule: Rule, object: &str, action: &Action) -> String {
    let table = action.table.as_deref().unwrap_or_default();
    match rule {
        Rule::CreateIndex => {
            format!("no row of `{table}` can be written while the index `{object}` is built")
        }
        Rule::AddForeignKey => format!(
            "`{object}` looks for the parent of every row, and nobody writes to either table meanwhile"
        ),
        Rule::AddCheck => format!(
            "every row of `{table}` is read for `{object}`, and nobody reads or writes it meanwhile"
        ),
        Rule::SetNotNull => format!(
            "code that leaves `{object}` empty fails, and every row of `{table}` is read meanwhile"
        ),
        Rule::ValidateHere => {
            format!("`{object}` is validated while the lock of its ADD CONSTRAINT is still held")
        }
        Rule::AddColumnRewrite => format!(
            "`{object}` gets a value in every row, so the whole table is written again under its strongest lock"
        ),
        Rule::AddPrimaryKey | Rule::AddUnique | Rule::AddExclusion => {
            format!("nobody reads or writes `{table}` while the index of `{object}` is built")
        }
        Rule::ChangeColumnType => {
            format!("`{object}` gets another type, and every row of `{table}` is written again")
        }
        Rule::AddRequiredColumn => format!(
            "`{object}` is NOT NULL without a default: every INSERT of the running code fails"
        ),
        Rule::DropColumn | Rule::DropTable | Rule::DropSchema | Rule::DropDatabase => {
            format!("`{object}` is gone with its data, and the running code may still use it")
        }
        Rule::Truncate | Rule::DeleteAll => format!("every row of `{table}` is deleted"),
        Rule::DeleteRows | Rule::DeleteNamed => format!("rows of `{object}` are deleted"),
        Rule::OverwriteRows => format!("values in rows of `{object}` are written over"),
        Rule::MayLose => format!("{object} may delete data or write over it"),
        Rule::OpaqueCall => format!("`{object}` is called, and what it does cannot be seen here"),
        Rule::DropOwned => {
            format!("everything that `{object}` owns is dropped, and every right that it has")
        }
        Rule::DisableTrigger => format!("`{object}` does nothing any more, foreign keys' included"),
        Rule::CreateRule => {
            format!("`{object}` makes something else of statements on `{table}`")
        }
        Rule::DropRule => format!("`{object}` makes nothing else of statements any more"),
        Rule::LockTable => format!("nobody uses `{object}` as usual until the migration ends"),
        Rule::RenameColumn | Rule::RenameTable | Rule::RenameObject => format!(
            "`{object}` has another name at once, and the running code asks for the old one"
        ),
        Rule::SetSchema => format!("`{object}` is in another schema at once"),
        Rule::DropDefault => format!("INSERTs that leave out `{object}` fail"),
        Rule::DropIdentity | Rule::DropExpression => {
            format!("`{object}` is no longer filled by the database")
        }
        Rule::Revoke => format!("a right on `{object}` is taken away"),
        Rule::RowSecurity => {
            format!("row security of `{table}` changes: rows may be hidden from the running code")
        }
        Rule::DropPolicy => {
            format!("the policy `{object}` is gone: rows may be hidden from the running code")
        }
        Rule::DropView
        | Rule::DropType
        | Rule::DropFunction
        | Rule::DropSequence
        | Rule::DropDomain
        | Rule::DropExtension
        | Rule::DropTrigger
        | Rule::DropConstraint => {
            format!("`{object}` is gone, and the running code may still rely on it")
        }
        Rule::DropIndex => {
            format!("`{object}` is dropped under a lock that stops its table for a moment")
        }
        Rule::DropNotNull => format!("`{object}` may be NULL from now on"),
        Rule::Reindex | Rule::RewriteTable => {
            format!("nobody writes to `{object}` while it is written again")
        }
        Rule::DomainConstraint | Rule::DomainInTable => {
            format!("every table with the domain `{object}` is read")
        }
        Rule::AttachPartition => {
            format!("every row of `{object}` is read under the lock of its parent")
        }
        Rule::DetachPartition => format!("`{object}` stops its parent for a moment"),
        Rule::RefreshView => format!("nobody reads `{object}` while it is filled"),
        Rule::Backfill => format!("rows of `{table}` change in the transaction of a schema change"),
        Rule::EnumOrder => format!("the new value of `{object}` comes last"),
        Rule::OpaqueBlock => "a DO block is not looked into".to_owned(),
        Rule::JsonColumn => format!("`{object}` is json, not jsonb"),
        Rule::LongName => format!("`{object}` has a name of more than 63 bytes"),
        Rule::NotOneTransaction
        | Rule::Style
        | Rule::Refused
        | Rule::Exception
        | Rule::Directive
        | Rule::Unreadable
        | Rule::LockFile
        | Rule::Edited
        | Rule::Deleted
        | Rule::Renamed
        | Rule::OutOfOrder
        | Rule::BadName
        | Rule::EmptyName
        | Rule::Replay
        | Rule::SchemaDiffers => rule.name().to_owned(),
    }
}
