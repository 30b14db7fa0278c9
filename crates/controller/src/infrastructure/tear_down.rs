//! Owns `--delete`: what goes, what stays, in which order.

use super::data::{DoomedData, FoundData, Store, candidates, find};
use super::deploy::{check_owner, token};
use super::events::Operation;
use super::follow::Following;
use super::part::Part;
use super::plan::{Plan, PlanLine, Verb};
use super::request::StackRequest;
use super::stack::{Stack, StackResource};
use crate::aws::Aws;
use crate::error::Error;
use crate::report::{Event, Report};

/// Whether images and logs go too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    Keep,
    Delete,
}

/// One stack to delete.
#[derive(Debug)]
pub(crate) struct Demolition<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) family: &'a str,
    pub(crate) request: &'a StackRequest,
    pub(crate) data: Data,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

/// What would go.
#[derive(Debug)]
pub(crate) struct Doomed {
    pub(crate) plan: Plan,
    /// What is deleted for ever, images and logs.
    pub(crate) data: Vec<DoomedData>,
    stack: Option<Stack>,
}

impl Doomed {
    /// Whether there is nothing to delete.
    pub(crate) fn is_nothing(&self) -> bool {
        self.stack.is_none() && self.data.is_empty()
    }
}

impl Demolition<'_> {
    /// Finds out what would go; an operation under way is waited for.
    pub(crate) async fn prepare(&self, report: &mut Report) -> Result<Doomed, Error> {
        let name = &self.request.stack;
        let mut stack = self.aws.stack(name).await?;
        check_owner(name, self.family, stack.as_ref())?;
        if let Some(busy) = stack.as_ref().filter(|stack| stack.is_busy()) {
            report.emit(&Event::Note(format!(
                "stack {name} is {}: waiting for its end",
                busy.status
            )));
            let operation = Operation::newest(&self.aws.stack_events(&busy.id).await?);
            let following = Following { stack_id: &busy.id, operation, total: 0 };
            following.until_it_ends(self.aws, report).await?;
            stack = self.aws.stack(name).await?;
        }
        let resources = match &stack {
            Some(stack) => self.aws.stack_resources(&stack.id).await?,
            None => Vec::new(),
        };
        let mut lines = lines(&resources, self.data);
        let mut data = Vec::new();
        if self.data == Data::Delete {
            let parameters =
                stack.as_ref().map(|stack| stack.parameters.clone()).unwrap_or_default();
            let parameters = self.request.parameters(&parameters, |_| true);
            let candidates = candidates(&resources, &self.request.given, &parameters);
            let found = find(self.aws, (self.family, self.now), candidates).await?;
            lines.extend(data_lines(&found));
            data = found.doomed;
        }
        let plan = Plan { stack: name.clone(), lines };
        Ok(Doomed { plan, data, stack })
    }

    /// Deletes it.
    pub(crate) async fn carry_out(&self, doomed: Doomed, report: &mut Report) -> Result<(), Error> {
        if let Some(stack) = &doomed.stack {
            let token = token();
            self.aws.delete_stack(&stack.id, &token).await?;
            let operation = Operation::of(&token);
            let following =
                Following { stack_id: &stack.id, operation, total: doomed.plan.lines.len() };
            let ended = following.until_it_ends(self.aws, report).await?;
            ended.expect(&stack.name, &["DELETE_COMPLETE"])?;
        }
        for DoomedData { store, name, .. } in &doomed.data {
            match store {
                Store::Repository => self.aws.delete_repository(name).await?,
                Store::LogGroup => self.aws.delete_log_group(name).await?,
            }
            report.emit(&Event::Note(format!("{} {name} deleted", store.words())));
        }
        Ok(())
    }
}

/// A line for each thing that holds data.
fn data_lines(found: &FoundData) -> impl Iterator<Item = PlanLine> {
    let line = |verb, store: Store, name: &str, reason: String| {
        PlanLine::new(verb, format!("{} {name}", store.words()), reason)
    };
    let doomed = found.doomed.iter().map(move |data| {
        line(Verb::Remove, data.store, &data.name, format!("for ever, {}", data.loss))
    });
    let stays = "stays: no stack of this family made it";
    let spared = found
        .spared
        .iter()
        .map(move |data| line(Verb::Leave, data.store, &data.name, stays.to_owned()));
    doomed.chain(spared)
}

/// A line for each resource of the stack.
fn lines(resources: &[StackResource], data: Data) -> Vec<PlanLine> {
    let mut lines = Vec::new();
    for resource in resources {
        let Some(part) = Part::of(&resource.logical_id) else { continue };
        let is_data = matches!(part, Part::Repository | Part::LogGroup);
        if is_data && data == Data::Delete {
            continue;
        }
        let what = format!("{} {}", part.words(), resource.physical_id);
        lines.push(match part.is_retained() {
            true if is_data => PlanLine::new(
                Verb::Leave,
                what,
                "stays, and setup-infra adopts it later; --delete-data deletes it",
            ),
            true => PlanLine::new(Verb::Leave, what, "stays: others may use it"),
            false => PlanLine::new(Verb::Remove, what, "only this stack made it"),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_data_or_serves_others_stays() {
        let resource = |logical_id: &str, physical_id: &str| StackResource {
            logical_id: logical_id.to_owned(),
            physical_id: physical_id.to_owned(),
            kind: String::new(),
            status: "CREATE_COMPLETE".to_owned(),
        };
        let resources = [
            resource("Cluster", "main"),
            resource("Repository", "app"),
            resource("TaskRole", "app-task"),
            resource("Marker", "x"),
        ];
        let said = |data| -> Vec<String> {
            let lines = lines(&resources, data);
            lines.into_iter().map(|line| format!("{:?} {}", line.verb, line.what)).collect()
        };
        assert_eq!(
            said(Data::Keep),
            ["Leave cluster main", "Leave image repository app", "Remove task role app-task"]
        );
        assert_eq!(said(Data::Delete), ["Leave cluster main", "Remove task role app-task"]);
    }
}
