//! Owns which kinds of statements are harmless: an exhaustive list, so that a new one of the parser is asked
//! about.

use super::super::words::words;
use super::{Effect, Place, block, query};
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode as _, Stmt};

/// What the statement does.
#[expect(clippy::too_many_lines, reason = "one row for each kind of statement")]
pub(super) fn of(statement: &Stmt, place: Place) -> Vec<Effect> {
    let judged = |what: &'static str| match place {
        Place::Script => Vec::new(),
        Place::Block => vec![Effect::Unseen(what)],
    };
    let node = statement.syntax();
    match statement {
        Stmt::Select(_)
        | Stmt::CompoundSelect(_)
        | Stmt::ParenSelect(_)
        | Stmt::SelectInto(_)
        | Stmt::Values(_)
        | Stmt::Table(_)
        | Stmt::Insert(_)
        | Stmt::Update(_)
        | Stmt::Delete(_)
        | Stmt::Merge(_)
        | Stmt::CreateTableAs(_)
        | Stmt::CreateMaterializedView(_)
        | Stmt::Declare(_)
        | Stmt::Explain(_)
        | Stmt::Fetch(_) => query::effects(node),
        Stmt::Do(inner) => block::of(inner),
        Stmt::Call(_) => vec![Effect::Unseen("CALL")],
        Stmt::Execute(_) => vec![Effect::Unseen("EXECUTE")],
        Stmt::Load(_) => vec![Effect::Unseen("LOAD")],
        Stmt::Copy(_) if has_word(node, "program") => vec![Effect::Unseen("COPY with a program")],
        Stmt::Copy(_) => query::effects(node),
        Stmt::AlterTable(table) => {
            table.actions().flat_map(|action| of_action(&action, place)).collect()
        }
        Stmt::AlterType(alter) => match alter.action() {
            Some(ast::AlterTypeAction::AlterTypeAttributeActionList(_)) => {
                vec![Effect::Unseen("a change of a composite type")]
            }
            Some(_) | None => Vec::new(),
        },
        // Scripts of the extension's own run, over data that it keeps.
        Stmt::AlterExtension(_) if has_word(node, "update") => {
            vec![Effect::Unseen("ALTER EXTENSION … UPDATE")]
        }
        // Another database's changes come in, deletions too.
        Stmt::CreateSubscription(_) | Stmt::AlterSubscription(_) => {
            vec![Effect::Unseen("a subscription")]
        }
        // Here the rules of the check know more.
        Stmt::DropTable(_) => judged("DROP TABLE"),
        Stmt::DropSchema(_) => judged("DROP SCHEMA"),
        Stmt::DropDatabase(_) => judged("DROP DATABASE"),
        Stmt::DropOwned(_) => judged("DROP OWNED"),
        Stmt::Truncate(_) => judged("TRUNCATE"),
        // The table that a rule is on tells nothing of the ones that its actions write to.
        Stmt::CreateRule(_) => [judged("CREATE RULE"), query::effects(node)].concat(),
        // Columns of the type, tables of the method, and so on.
        Stmt::DropAccessMethod(_)
        | Stmt::DropAggregate(_)
        | Stmt::DropCast(_)
        | Stmt::DropCollation(_)
        | Stmt::DropConversion(_)
        | Stmt::DropDomain(_)
        | Stmt::DropExtension(_)
        | Stmt::DropForeignDataWrapper(_)
        | Stmt::DropForeignTable(_)
        | Stmt::DropFunction(_)
        | Stmt::DropGroup(_)
        | Stmt::DropLanguage(_)
        | Stmt::DropOperator(_)
        | Stmt::DropOperatorClass(_)
        | Stmt::DropOperatorFamily(_)
        | Stmt::DropProcedure(_)
        | Stmt::DropPropertyGraph(_)
        | Stmt::DropRole(_)
        | Stmt::DropRoutine(_)
        | Stmt::DropServer(_)
        | Stmt::DropTablespace(_)
        | Stmt::DropTextSearchConfig(_)
        | Stmt::DropTextSearchDict(_)
        | Stmt::DropTextSearchParser(_)
        | Stmt::DropTextSearchTemplate(_)
        | Stmt::DropTransform(_)
        | Stmt::DropType(_)
        | Stmt::DropUser(_)
        | Stmt::DropUserMapping(_)
            if has_word(node, "cascade") =>
        {
            vec![Effect::Unseen("DROP … CASCADE")]
        }
        Stmt::DropAccessMethod(_)
        | Stmt::DropAggregate(_)
        | Stmt::DropCast(_)
        | Stmt::DropCollation(_)
        | Stmt::DropConversion(_)
        | Stmt::DropDomain(_)
        | Stmt::DropExtension(_)
        | Stmt::DropForeignDataWrapper(_)
        | Stmt::DropForeignTable(_)
        | Stmt::DropFunction(_)
        | Stmt::DropGroup(_)
        | Stmt::DropLanguage(_)
        | Stmt::DropOperator(_)
        | Stmt::DropOperatorClass(_)
        | Stmt::DropOperatorFamily(_)
        | Stmt::DropProcedure(_)
        | Stmt::DropPropertyGraph(_)
        | Stmt::DropRole(_)
        | Stmt::DropRoutine(_)
        | Stmt::DropServer(_)
        | Stmt::DropTablespace(_)
        | Stmt::DropTextSearchConfig(_)
        | Stmt::DropTextSearchDict(_)
        | Stmt::DropTextSearchParser(_)
        | Stmt::DropTextSearchTemplate(_)
        | Stmt::DropTransform(_)
        | Stmt::DropType(_)
        | Stmt::DropUser(_)
        | Stmt::DropUserMapping(_)
        | Stmt::AlterExtension(_)
        | Stmt::AlterAggregate(_)
        | Stmt::AlterCollation(_)
        | Stmt::AlterConversion(_)
        | Stmt::AlterDatabase(_)
        | Stmt::AlterDefaultPrivileges(_)
        | Stmt::AlterDomain(_)
        | Stmt::AlterEventTrigger(_)
        | Stmt::AlterForeignDataWrapper(_)
        | Stmt::AlterForeignTable(_)
        | Stmt::AlterFunction(_)
        | Stmt::AlterGroup(_)
        | Stmt::AlterIndex(_)
        | Stmt::AlterLanguage(_)
        | Stmt::AlterLargeObject(_)
        | Stmt::AlterMaterializedView(_)
        | Stmt::AlterOperator(_)
        | Stmt::AlterOperatorClass(_)
        | Stmt::AlterOperatorFamily(_)
        | Stmt::AlterPolicy(_)
        | Stmt::AlterProcedure(_)
        | Stmt::AlterPropertyGraph(_)
        | Stmt::AlterPublication(_)
        | Stmt::AlterRole(_)
        | Stmt::AlterRoutine(_)
        | Stmt::AlterRule(_)
        | Stmt::AlterSchema(_)
        | Stmt::AlterSequence(_)
        | Stmt::AlterServer(_)
        | Stmt::AlterStatistics(_)
        | Stmt::AlterSystem(_)
        | Stmt::AlterTablespace(_)
        | Stmt::AlterTextSearchConfiguration(_)
        | Stmt::AlterTextSearchDictionary(_)
        | Stmt::AlterTextSearchParser(_)
        | Stmt::AlterTextSearchTemplate(_)
        | Stmt::AlterTrigger(_)
        | Stmt::AlterUser(_)
        | Stmt::AlterUserMapping(_)
        | Stmt::AlterView(_)
        | Stmt::Analyze(_)
        | Stmt::Begin(_)
        | Stmt::Checkpoint(_)
        | Stmt::Close(_)
        | Stmt::Cluster(_)
        | Stmt::CommentOn(_)
        | Stmt::CreateAccessMethod(_)
        | Stmt::CreateAggregate(_)
        | Stmt::CreateCast(_)
        | Stmt::CreateCollation(_)
        | Stmt::CreateConversion(_)
        | Stmt::CreateDatabase(_)
        | Stmt::CreateDomain(_)
        | Stmt::CreateEventTrigger(_)
        | Stmt::CreateExtension(_)
        | Stmt::CreateForeignDataWrapper(_)
        | Stmt::CreateForeignTable(_)
        | Stmt::CreateFunction(_)
        | Stmt::CreateGroup(_)
        | Stmt::CreateIndex(_)
        | Stmt::CreateLanguage(_)
        | Stmt::CreateOperator(_)
        | Stmt::CreateOperatorClass(_)
        | Stmt::CreateOperatorFamily(_)
        | Stmt::CreatePolicy(_)
        | Stmt::CreateProcedure(_)
        | Stmt::CreatePropertyGraph(_)
        | Stmt::CreatePublication(_)
        | Stmt::CreateRole(_)
        | Stmt::CreateSchema(_)
        | Stmt::CreateSequence(_)
        | Stmt::CreateServer(_)
        | Stmt::CreateStatistics(_)
        | Stmt::CreateTable(_)
        | Stmt::CreateTablespace(_)
        | Stmt::CreateTextSearchConfiguration(_)
        | Stmt::CreateTextSearchDictionary(_)
        | Stmt::CreateTextSearchParser(_)
        | Stmt::CreateTextSearchTemplate(_)
        | Stmt::CreateTransform(_)
        | Stmt::CreateTrigger(_)
        | Stmt::CreateType(_)
        | Stmt::CreateUser(_)
        | Stmt::CreateUserMapping(_)
        | Stmt::CreateView(_)
        | Stmt::Deallocate(_)
        | Stmt::Discard(_)
        | Stmt::DropEventTrigger(_)
        | Stmt::DropIndex(_)
        | Stmt::DropMaterializedView(_)
        | Stmt::DropPolicy(_)
        | Stmt::DropPublication(_)
        | Stmt::DropRule(_)
        | Stmt::DropSequence(_)
        | Stmt::DropStatistics(_)
        | Stmt::DropSubscription(_)
        | Stmt::DropTrigger(_)
        | Stmt::DropView(_)
        | Stmt::EmptyStmt(_)
        | Stmt::Grant(_)
        | Stmt::ImportForeignSchema(_)
        | Stmt::Listen(_)
        | Stmt::Lock(_)
        | Stmt::Move(_)
        | Stmt::Notify(_)
        | Stmt::Prepare(_)
        | Stmt::PrepareTransaction(_)
        | Stmt::Reassign(_)
        | Stmt::Refresh(_)
        | Stmt::Reindex(_)
        | Stmt::ReleaseSavepoint(_)
        | Stmt::Repack(_)
        | Stmt::Reset(_)
        | Stmt::ResetRole(_)
        | Stmt::ResetSessionAuth(_)
        | Stmt::Revoke(_)
        | Stmt::SavepointCreate(_)
        | Stmt::SecurityLabel(_)
        | Stmt::Set(_)
        | Stmt::SetConstraints(_)
        | Stmt::SetRole(_)
        | Stmt::SetSessionAuth(_)
        | Stmt::SetTransaction(_)
        | Stmt::Show(_)
        | Stmt::Unlisten(_)
        | Stmt::Vacuum(_)
        | Stmt::Commit(_)
        | Stmt::Rollback(_) => Vec::new(),
    }
}

fn of_action(action: &ast::AlterTableAction, place: Place) -> Vec<Effect> {
    use ast::AlterTableAction as Action;
    let judged = |what: &'static str| match place {
        Place::Script => Vec::new(),
        Place::Block => vec![Effect::Unseen(what)],
    };
    let node = action.syntax();
    match action {
        Action::DropColumn(_) => judged("DROP COLUMN"),
        // What a trigger or a rule keeps is not kept.
        Action::DisableTrigger(_) | Action::EnableReplicaTrigger(_) => judged("DISABLE TRIGGER"),
        Action::DisableRule(_) | Action::EnableReplicaRule(_) => judged("DISABLE RULE"),
        Action::MergePartitions(_) | Action::SplitPartition(_) => {
            vec![Effect::Unseen("a new set of partitions")]
        }
        Action::AlterColumn(column) => match column.option() {
            Some(option) => of_column(&option, judged),
            None => Vec::new(),
        },
        // A default that is called for every row, a check that is.
        Action::AddColumn(_) | Action::AddConstraint(_) => query::calls(node),
        Action::AlterConstraint(_)
        | Action::AlterOptionList(_)
        | Action::AttachPartition(_)
        | Action::ClusterOn(_)
        | Action::DetachPartition(_)
        | Action::DisableRls(_)
        | Action::DropConstraint(_)
        | Action::EnableAlwaysRule(_)
        | Action::EnableAlwaysTrigger(_)
        | Action::EnableRls(_)
        | Action::EnableRule(_)
        | Action::EnableTrigger(_)
        | Action::ForceRls(_)
        | Action::InheritTable(_)
        | Action::NoForceRls(_)
        | Action::NoInheritTable(_)
        | Action::NotOf(_)
        | Action::OfType(_)
        | Action::OptionItemList(_)
        | Action::OwnerTo(_)
        | Action::RenameColumn(_)
        | Action::RenameConstraint(_)
        | Action::ReplicaIdentity(_)
        | Action::ResetOptions(_)
        | Action::SetAccessMethod(_)
        | Action::SetLogged(_)
        | Action::SetOptions(_)
        | Action::SetSchema(_)
        | Action::SetTablespace(_)
        | Action::SetUnlogged(_)
        | Action::SetWithoutCluster(_)
        | Action::SetWithoutOids(_)
        | Action::TableRenameTo(_)
        | Action::ValidateConstraint(_) => Vec::new(),
    }
}

fn of_column(
    option: &ast::AlterColumnOption,
    judged: impl Fn(&'static str) -> Vec<Effect>,
) -> Vec<Effect> {
    use ast::AlterColumnOption as Change;
    match option {
        Change::SetType(_) => {
            let mut effects = query::calls(option.syntax());
            effects.extend(judged("a change of a type"));
            effects
        }
        // What was computed is computed anew.
        Change::SetExpression(_) => query::calls(option.syntax()),
        Change::AddGenerated(_)
        | Change::DropDefault(_)
        | Change::DropExpression(_)
        | Change::DropIdentity(_)
        | Change::DropNotNull(_)
        | Change::Inherit(_)
        | Change::NoInherit(_)
        | Change::ResetOptions(_)
        | Change::Restart(_)
        | Change::SetCompression(_)
        | Change::SetDefault(_)
        | Change::SetGenerated(_)
        | Change::SetGeneratedOptions(_)
        | Change::SetNotNull(_)
        | Change::SetOptions(_)
        | Change::SetOptionsList(_)
        | Change::SetSequenceOption(_)
        | Change::SetStatistics(_)
        | Change::SetStorage(_) => Vec::new(),
    }
}

/// Whether a keyword of the statement is this one.
fn has_word(node: &SyntaxNode, word: &str) -> bool {
    let text = node.to_string();
    words(&text, 0..text.len()).iter().any(|one| one.is(word))
}
