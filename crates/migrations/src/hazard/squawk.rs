//! Owns squawk's linter: which of its rules count here, and as what. The only module that names it.

use super::action::{Action, ConstraintKind, Deed};
use super::rule::Rule;
use squawk_linter::{Linter, Rule as Squawk};
use squawk_syntax::SourceFile;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Something that squawk does not like.
pub(super) struct Violation {
    rule: Squawk,
    /// First byte.
    pub(super) start: usize,
    pub(super) message: String,
}

/// Its rules that say something about a running system. What the runner sees to itself is left
/// out: timeouts, transactions, statements that run once. Style is one rule of ours.
const RULES: [Squawk; 45] = [
    Squawk::RequireConcurrentIndexCreation,
    Squawk::RequireConcurrentIndexDeletion,
    Squawk::ConstraintMissingNotValid,
    Squawk::AddingFieldWithDefault,
    Squawk::AddingForeignKeyConstraint,
    Squawk::ChangingColumnType,
    Squawk::AddingNotNullableField,
    Squawk::AddingSerialPrimaryKeyField,
    Squawk::RenamingColumn,
    Squawk::RenamingTable,
    Squawk::RenamingObject,
    Squawk::DisallowedUniqueConstraint,
    Squawk::BanDropDatabase,
    Squawk::BanDropColumn,
    Squawk::BanDropTable,
    Squawk::BanDropNotNull,
    Squawk::AddingRequiredField,
    Squawk::BanCreateDomainWithConstraint,
    Squawk::BanAlterDomainWithAddConstraint,
    Squawk::BanTruncateCascade,
    Squawk::RequireEnumValueOrdering,
    Squawk::IdentifierTooLong,
    Squawk::RequireConcurrentPartitionDetach,
    Squawk::RequireConcurrentReindex,
    Squawk::BanDropView,
    Squawk::BanDropFunction,
    Squawk::BanDropType,
    Squawk::BanDropDefault,
    Squawk::BanDropTrigger,
    Squawk::BanDropSchema,
    Squawk::BanDropSequence,
    Squawk::BanDropDomain,
    Squawk::BanDropConstraint,
    Squawk::BanDropGeneratedExpression,
    Squawk::BanSetSchema,
    Squawk::BanAlterIdentity,
    Squawk::BanDropExtension,
    Squawk::BanDropPolicy,
    Squawk::BanRevoke,
    Squawk::BanAlterRowLevelSecurity,
    Squawk::PreferBigintOverInt,
    Squawk::PreferTextField,
    Squawk::PreferTimestampTz,
    Squawk::PreferIdentity,
    Squawk::BanCharField,
];

/// What squawk finds, in the order of the text. A text that it panics on has no findings: the
/// server understands more than any parser.
pub(super) fn violations(text: &str) -> Vec<Violation> {
    let lint = || Linter::from(RULES).lint(&SourceFile::parse(text), text);
    catch_unwind(AssertUnwindSafe(lint))
        .unwrap_or_default()
        .into_iter()
        .map(|violation| Violation {
            rule: violation.code,
            start: usize::from(violation.text_range.start()),
            message: violation.message,
        })
        .collect()
}

impl Violation {
    /// What it is here, when `action` does it; none, where it does no harm.
    #[expect(clippy::wildcard_enum_match_arm, reason = "squawk has twice as many rules")]
    pub(super) fn rule(&self, action: &Action) -> Option<Rule> {
        Some(match self.rule {
            Squawk::RequireConcurrentIndexCreation => Rule::CreateIndex,
            Squawk::RequireConcurrentIndexDeletion => Rule::DropIndex,
            Squawk::RequireConcurrentReindex => Rule::Reindex,
            Squawk::ConstraintMissingNotValid | Squawk::AddingForeignKeyConstraint => {
                match &action.deed {
                    Deed::AddConstraint { kind: ConstraintKind::ForeignKey, .. } => {
                        Rule::AddForeignKey
                    }
                    Deed::AddConstraint { kind: ConstraintKind::Check, .. } => Rule::AddCheck,
                    // PostgreSQL does not look for the parents of a column without values.
                    Deed::AddColumn(column) if column.has_default => Rule::AddForeignKey,
                    _ => return None,
                }
            }
            Squawk::AddingFieldWithDefault => Rule::AddColumnRewrite,
            Squawk::ChangingColumnType => Rule::ChangeColumnType,
            Squawk::AddingNotNullableField => match &action.deed {
                Deed::SetNotNull(_) => Rule::SetNotNull,
                Deed::AddConstraint { .. } => Rule::SetNotNull,
                _ => return None,
            },
            Squawk::AddingSerialPrimaryKeyField => Rule::AddPrimaryKey,
            Squawk::RenamingColumn => Rule::RenameColumn,
            Squawk::RenamingTable => Rule::RenameTable,
            Squawk::RenamingObject => match &action.deed {
                Deed::RenameConstraint { .. } => return None,
                Deed::RenameColumn { .. } => Rule::RenameColumn,
                // Nobody asks for an index by its name.
                Deed::RenameIndex(_) => return None,
                _ => Rule::RenameObject,
            },
            Squawk::DisallowedUniqueConstraint => Rule::AddUnique,
            Squawk::BanDropDatabase => Rule::DropDatabase,
            Squawk::BanDropColumn => Rule::DropColumn,
            Squawk::BanDropTable => Rule::DropTable,
            Squawk::BanDropNotNull => Rule::DropNotNull,
            Squawk::AddingRequiredField => Rule::AddRequiredColumn,
            Squawk::BanCreateDomainWithConstraint => Rule::DomainInTable,
            Squawk::BanAlterDomainWithAddConstraint => Rule::DomainConstraint,
            Squawk::BanTruncateCascade => Rule::Truncate,
            Squawk::RequireEnumValueOrdering => Rule::EnumOrder,
            Squawk::IdentifierTooLong => Rule::LongName,
            Squawk::RequireConcurrentPartitionDetach => Rule::DetachPartition,
            Squawk::BanDropView => Rule::DropView,
            Squawk::BanDropFunction => Rule::DropFunction,
            Squawk::BanDropType => Rule::DropType,
            Squawk::BanDropDefault => Rule::DropDefault,
            Squawk::BanDropTrigger => Rule::DropTrigger,
            Squawk::BanDropSchema => Rule::DropSchema,
            Squawk::BanDropSequence => Rule::DropSequence,
            Squawk::BanDropDomain => Rule::DropDomain,
            Squawk::BanDropConstraint => Rule::DropConstraint,
            Squawk::BanDropGeneratedExpression => Rule::DropExpression,
            Squawk::BanSetSchema => Rule::SetSchema,
            Squawk::BanAlterIdentity => Rule::DropIdentity,
            Squawk::BanDropExtension => Rule::DropExtension,
            Squawk::BanDropPolicy => match &action.deed {
                Deed::Drop { what, .. } if what == "RULE" => return None,
                _ => Rule::DropPolicy,
            },
            Squawk::BanRevoke => Rule::Revoke,
            Squawk::BanAlterRowLevelSecurity => Rule::RowSecurity,
            Squawk::PreferBigintOverInt
            | Squawk::PreferTextField
            | Squawk::PreferTimestampTz
            | Squawk::PreferIdentity
            | Squawk::BanCharField => Rule::Style,
            _ => return None,
        })
    }

    /// Whether only squawk can say what is wrong.
    pub(super) fn is_style(&self) -> bool {
        matches!(
            self.rule,
            Squawk::PreferBigintOverInt
                | Squawk::PreferTextField
                | Squawk::PreferTimestampTz
                | Squawk::PreferIdentity
                | Squawk::BanCharField
        )
    }
}
