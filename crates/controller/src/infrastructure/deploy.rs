//! Owns bringing one stack up to date: look, change set, carry out. Every step starts from what is
//! there, so that a run that was cut off anywhere is continued by the next.

use super::choice::Choice;
use super::events::Operation;
use super::follow::Following;
use super::part::Part;
use super::permission;
use super::plan::{Knowledge, Plan, PlanLine, Verb};
use super::request::{OWNER_TAG, StackRequest};
use super::stack::{ChangeSet, ChangeSetKind, ChangeSetRequest, Stack};
use super::state::{Next, explain, next};
use super::survey::{Account, Survey, survey};
use crate::aws::Aws;
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// How often a change set in the making is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// One stack to bring up to date.
#[derive(Debug)]
pub(crate) struct Deployment<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) account: &'a Account,
    pub(crate) family: &'a str,
    pub(crate) request: &'a StackRequest,
    pub(crate) parts: &'static [Part],
}

/// What the next step would be.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// The stack is as it was asked for.
    Nothing(Box<Survey>),
    /// A change set waits.
    Ready { change_set: String, stack_id: String, changes: usize, survey: Box<Survey>, plan: Plan },
    /// The stack has to be mended first.
    Mend { survey: Box<Survey>, plan: Plan },
}

/// A name for a change set and its events.
pub(crate) fn token() -> String {
    format!("ecs-migrate-{}", Uuid::new_v4())
}

impl Prepared {
    /// What will happen.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Nothing(_) => None,
            Self::Ready { plan, .. } | Self::Mend { plan, .. } => Some(plan),
        }
    }

    /// What was found.
    pub(crate) fn survey(&self) -> &Survey {
        match self {
            Self::Nothing(survey) | Self::Ready { survey, .. } | Self::Mend { survey, .. } => {
                survey
            }
        }
    }
}

impl Deployment<'_> {
    /// Finds out what the next step is. What is under way is waited for; nothing else is changed.
    pub(crate) async fn prepare(&self, report: &mut Report) -> Result<Prepared, Error> {
        let name = &self.request.stack;
        loop {
            let survey = survey(self.aws, self.account, self.request, self.parts).await?;
            check_owner(name, self.family, survey.stack.as_ref())?;
            check_missing(&survey)?;
            let kind = match next(survey.stack.as_ref()) {
                Next::Create => ChangeSetKind::Create,
                Next::Update => ChangeSetKind::Update,
                Next::Wait => {
                    self.wait(existing(&survey), report).await?;
                    continue;
                }
                Next::DeleteLeftovers | Next::ContinueRollback => {
                    let plan = self.mending(existing(&survey), &survey);
                    return Ok(Prepared::Mend { survey: Box::new(survey), plan });
                }
                Next::Refuse(hint) => {
                    let text = format!("stack {name} is {}", existing(&survey).status);
                    return Err(Error::new(Kind::SetupFailed, text).hinted(hint));
                }
            };
            return self.change_set(kind, survey).await;
        }
    }

    /// Carries the next step out. Whether another one follows is the answer.
    pub(crate) async fn carry_out(
        &self,
        prepared: Prepared,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let name = &self.request.stack;
        match prepared {
            Prepared::Nothing(_) => Ok(false),
            Prepared::Mend { survey, .. } => {
                self.mend(existing(&survey), report).await?;
                Ok(true)
            }
            Prepared::Ready { change_set, stack_id, changes, survey, .. } => {
                self.aws.execute_change_set(name, &change_set).await?;
                let following = Following {
                    stack_id: &stack_id,
                    operation: Operation::of(&change_set),
                    total: changes,
                };
                let ended = following.until_it_ends(self.aws, report).await?;
                ended.expect(name, &["CREATE_COMPLETE", "UPDATE_COMPLETE"])?;
                Ok(survey.choices.values().any(|choice| matches!(choice, Choice::Restore(_))))
            }
        }
    }

    /// Forgets a change set that nobody wanted, and the empty stack that it made.
    pub(crate) async fn forget(&self, prepared: &Prepared) -> Result<(), Error> {
        let Prepared::Ready { change_set, .. } = prepared else { return Ok(()) };
        let name = &self.request.stack;
        self.aws.delete_change_set(name, change_set).await?;
        let stack = self.aws.stack(name).await?;
        if let Some(stack) = stack.filter(|stack| stack.status == "REVIEW_IN_PROGRESS") {
            self.aws.delete_stack(&stack.id, &token()).await?;
        }
        Ok(())
    }

    async fn change_set(&self, kind: ChangeSetKind, survey: Survey) -> Result<Prepared, Error> {
        let (stack, name) = (&self.request.stack, token());
        let tags = BTreeMap::from([(OWNER_TAG.to_owned(), self.family.to_owned())]);
        let request = ChangeSetRequest {
            stack,
            name: &name,
            kind,
            template: self.request.template,
            parameters: &survey.parameters,
            tags: &tags,
        };
        self.aws.create_change_set(&request).await?;
        let change_set = loop {
            let change_set = self.aws.change_set(stack, &name).await?;
            match change_set.status.as_str() {
                "CREATE_PENDING" | "CREATE_IN_PROGRESS" => sleep(PAUSE).await,
                _ => break change_set,
            }
        };
        if change_set.status == "CREATE_COMPLETE" {
            let plan = Plan { stack: stack.clone(), lines: knowledge(&survey).lines(&change_set) };
            let moving = |line: &&PlanLine| !matches!(line.verb, Verb::Adopt | Verb::Leave);
            let (changes, survey) = (plan.lines.iter().filter(moving).count(), Box::new(survey));
            let stack_id = change_set.stack_id;
            return Ok(Prepared::Ready { change_set: name, stack_id, changes, survey, plan });
        }
        self.aws.delete_change_set(stack, &name).await?;
        if is_empty(&change_set) {
            return Ok(Prepared::Nothing(Box::new(survey)));
        }
        let text =
            format!("CloudFormation refuses the change to stack {stack}: {}", change_set.reason);
        let hint = permission::advice(&change_set.reason);
        Err(Error::new(Kind::SetupFailed, text).hinted(hint.unwrap_or_else(|| {
            "mend the cause, then run setup-infra again: nothing was changed".to_owned()
        })))
    }

    async fn wait(&self, stack: &Stack, report: &mut Report) -> Result<(), Error> {
        report.emit(&Event::Note(format!(
            "stack {} is {}: waiting for its end",
            stack.name, stack.status
        )));
        let events = self.aws.stack_events(&stack.id).await?;
        let operation = Operation::newest(&events);
        let following = Following { stack_id: &stack.id, operation, total: 0 };
        following.until_it_ends(self.aws, report).await?;
        Ok(())
    }

    fn mending(&self, stack: &Stack, survey: &Survey) -> Plan {
        let verb = if next(Some(stack)) == Next::ContinueRollback {
            "go on with the rollback of"
        } else {
            "delete what is left of"
        };
        let reason = format!("{}: {}", stack.status, explain(&stack.status));
        let mut lines = vec![PlanLine::new(Verb::Mend, format!("{verb} the stack"), reason)];
        lines.extend(knowledge(survey).lines_without_change_set());
        Plan { stack: self.request.stack.clone(), lines }
    }

    async fn mend(&self, stack: &Stack, report: &mut Report) -> Result<(), Error> {
        let token = token();
        let good = if next(Some(stack)) == Next::ContinueRollback {
            self.aws.continue_rollback(&stack.id, &token).await?;
            "UPDATE_ROLLBACK_COMPLETE"
        } else {
            self.aws.delete_stack(&stack.id, &token).await?;
            "DELETE_COMPLETE"
        };
        let operation = Operation::of(&token);
        let following = Following { stack_id: &stack.id, operation, total: 0 };
        let ended = following.until_it_ends(self.aws, report).await?;
        ended.expect(&stack.name, &[good])?;
        Ok(())
    }
}

fn existing(survey: &Survey) -> &Stack {
    survey.stack.as_ref().expect("invariant: a stack that is not there can only be made")
}

/// A change set without changes fails, and only its text says so (CloudFormation User Guide,
/// "Troubleshooting change sets").
fn is_empty(change_set: &ChangeSet) -> bool {
    ["didn't contain changes", "No updates are to be performed"]
        .iter()
        .any(|text| change_set.reason.contains(text))
}

fn knowledge(survey: &Survey) -> Knowledge<'_> {
    Knowledge {
        choices: &survey.choices,
        presences: &survey.presences,
        parameters: &survey.parameters,
        deployed: &survey.deployed,
    }
}

/// A stack of this name that setup-infra did not make is left alone. One without resources holds
/// nothing that could be harmed.
pub(crate) fn check_owner(name: &str, family: &str, stack: Option<&Stack>) -> Result<(), Error> {
    let Some(stack) = stack.filter(|stack| next(Some(stack)) != Next::Create) else {
        return Ok(());
    };
    let owner = stack.tags.get(OWNER_TAG).map(String::as_str);
    let whose = match owner {
        Some(owner) if owner == family => return Ok(()),
        Some(owner) => format!("belongs to the family {owner}"),
        None => "was not made by setup-infra".to_owned(),
    };
    Err(Error::new(Kind::SetupFailed, format!("stack {name} exists and {whose}")).hinted(format!(
        "choose another name with --stack or --github-stack; or, if it is this family's, tag it: \
         {OWNER_TAG} = {family}"
    )))
}

/// What was asked for by ARN or id has to exist.
fn check_missing(survey: &Survey) -> Result<(), Error> {
    let missing = survey.choices.iter().find_map(|(part, choice)| {
        if let Choice::Missing(id) = choice { Some((part, id)) } else { None }
    });
    match missing {
        Some((part, id)) => {
            Err(Error::new(Kind::Usage, format!("{} {id} does not exist", part.words()))
                .hinted("check account and Region, or leave it out: then one is made"))
        }
        None => Ok(()),
    }
}
