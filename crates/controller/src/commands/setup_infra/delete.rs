//! Owns `setup-infra --delete`.

use super::arguments::Arguments;
use super::{Consent, not_confirmed};
use crate::aws::Aws;
use crate::error::Error;
use crate::infrastructure::{Data, Demolition, Doomed, DoomedData, Request, StackRequest};
use crate::report::{Event, Report};
use std::collections::BTreeMap;

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deletion<'a> {
    pub(super) aws: &'a Aws,
    pub(super) arguments: &'a Arguments,
    pub(super) request: &'a Request,
    /// Milliseconds since 1970.
    pub(super) now: i64,
}

impl Deletion<'_> {
    /// Deletes GitHub's stack, then the migration's: the first uses what the second has.
    pub(super) async fn carry_out(
        self,
        consent: &mut Consent<'_>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let Self { aws, arguments, request, now } = self;
        let family = request.family.as_str();
        let data = if arguments.delete_data { Data::Delete } else { Data::Keep };
        let github = match &request.github {
            Some(github) => github.stack.clone(),
            None => StackRequest::github(family, arguments.github_stack(), BTreeMap::new())?,
        };
        let stacks = [
            Demolition { aws, family, request: &github, data: Data::Keep, now },
            Demolition { aws, family, request: &request.migration, data, now },
        ];
        let mut doomed: Vec<(&Demolition<'_>, Doomed)> = Vec::new();
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
        let data: Vec<&DoomedData> = doomed.iter().flat_map(|(_, found)| &found.data).collect();
        self.obtain(&data, consent, report).await?;
        for (stack, found) in doomed {
            stack.carry_out(found, report).await?;
        }
        report.emit(&Event::Note(
            "deleted; revisions of the task definition stay, they cost nothing".to_owned(),
        ));
        Ok(())
    }

    /// A yes; and for what goes for ever its name, typed or on the command line.
    async fn obtain(
        self,
        data: &[&DoomedData],
        consent: &mut Consent<'_>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let confirmed = |data: &&&DoomedData| self.arguments.confirm.contains(&data.name);
        let open: Vec<&&DoomedData> = data.iter().filter(|data| !confirmed(data)).collect();
        if !open.is_empty() && !consent.can_ask() {
            return Err(unconfirmed(&open));
        }
        if !consent.obtain("delete this?", report).await {
            return Err(not_confirmed());
        }
        for DoomedData { store, name, loss } in open {
            let question =
                format!("{} {name} goes for ever, {loss}; type its name to go on:", store.words());
            if !consent.name(&question, name, report).await {
                return Err(not_confirmed());
            }
        }
        Ok(())
    }
}

/// A yes for everything is none for data: a script's `--yes` was written before there was any.
fn unconfirmed(open: &[&&DoomedData]) -> Error {
    let what: Vec<String> =
        open.iter().map(|data| format!("{} {}", data.store.words(), data.name)).collect();
    let flags: Vec<String> = open.iter().map(|data| format!("--confirm {}", data.name)).collect();
    Error::usage(format!("{} would go for ever, and nobody named it", what.join(" and ")))
        .hinted(format!("nothing was changed; if it is meant: {}", flags.join(" ")))
}
