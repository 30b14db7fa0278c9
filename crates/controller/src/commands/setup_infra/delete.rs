//! Owns `setup-infra --delete`.

use super::arguments::Arguments;
use super::{Consent, not_confirmed};
use crate::aws::Aws;
use crate::error::Error;
use crate::infrastructure::{Data, Demolition, Request, StackRequest};
use crate::report::{Event, Report};
use std::collections::BTreeMap;

/// Deletes GitHub's stack, then the migration's: the first uses what the second has.
pub(super) async fn delete(
    aws: &Aws,
    (arguments, request): (&Arguments, &Request),
    consent: &mut Consent<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let family = request.family.as_str();
    let data = if arguments.delete_data { Data::Delete } else { Data::Keep };
    let github = match &request.github {
        Some(github) => github.stack.clone(),
        None => StackRequest::github(family, arguments.github_stack(), BTreeMap::new())?,
    };
    let stacks = [
        Demolition { aws, family, request: &github, data: Data::Keep },
        Demolition { aws, family, request: &request.migration, data },
    ];
    let mut doomed = Vec::new();
    for stack in &stacks {
        let found = stack.prepare(report).await?;
        if !found.is_nothing() {
            report.emit(&Event::Plan(found.plan.clone()));
            doomed.push((stack, found));
        }
    }
    if doomed.is_empty() {
        report.emit(&Event::Note("nothing to delete".to_owned()));
        return Ok(());
    }
    if arguments.plan {
        return Ok(());
    }
    if !consent.obtain("delete this?", report).await {
        return Err(not_confirmed());
    }
    for (stack, found) in doomed {
        stack.carry_out(found, report).await?;
    }
    report.emit(&Event::Note(
        "deleted; revisions of the task definition stay, they cost nothing".to_owned(),
    ));
    Ok(())
}
