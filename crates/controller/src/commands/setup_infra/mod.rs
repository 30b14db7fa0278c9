//! Owns `setup-infra`.

mod aftermath;
mod arguments;
mod delete;
mod deploy;

pub(crate) use arguments::Arguments;

use super::context::Context;
use crate::aws::{Aws, connect};
use crate::error::{Error, Kind};
use crate::infrastructure::{Account, advice};
use crate::question::Questions;
use crate::report::{Event, Report};
use crate::settings::EnvironmentName;
use protocol::ExitCode;

/// Who is asked before something is changed, once.
pub(super) struct Consent<'a> {
    questions: &'a mut Questions,
    given: bool,
}

impl Consent<'_> {
    /// Asks unless that was done.
    pub(super) async fn obtain(&mut self, question: &str, report: &mut Report) -> bool {
        if !self.given {
            report.emit(&Event::Question(question.to_owned()));
            self.given = self.questions.is_yes().await;
        }
        self.given
    }

    /// Asks for the name of what would go for ever, unless nothing is asked at all.
    pub(super) async fn name(&mut self, question: &str, name: &str, report: &mut Report) -> bool {
        if !self.questions.can_ask() {
            return false;
        }
        report.emit(&Event::NameAsked(question.to_owned()));
        self.questions.is_name(name).await
    }

    /// Whether somebody is there to answer.
    pub(super) fn can_ask(&self) -> bool {
        self.questions.can_ask()
    }

    /// Asks about something else, unless nothing is asked at all.
    pub(super) async fn again(&mut self, question: &str, report: &mut Report) -> bool {
        if self.questions.can_ask() {
            report.emit(&Event::Question(question.to_owned()));
            return self.questions.is_yes().await;
        }
        self.given
    }
}

/// Sets up, shows, or deletes.
pub(super) async fn setup_infra(arguments: &Arguments, context: Context<'_>) -> Result<u8, Error> {
    let request = arguments.request(&context.layers)?;
    let environment = EnvironmentName::of(&context.layers)?;
    let mut questions = context.questions;
    if !arguments.plan && !arguments.yes && !questions.can_ask() {
        return Err(Error::usage(
            "setup-infra asks before it changes anything, and there is no terminal",
        )
        .hinted("set --yes to go on without being asked, or --plan to see what would happen"));
    }
    if arguments.yes {
        questions = Questions::Answered(std::collections::VecDeque::new());
    }
    let mut consent = Consent { questions: &mut questions, given: arguments.yes };
    let (report, now) = (context.report, context.clock.now());
    let aws = connect(context.aws, &context.access).await?;
    check_region(aws.region())?;
    let outcome = async {
        let (id, partition) = aws.caller().await?;
        let account = Account { id, partition, region: aws.region().to_owned() };
        if arguments.delete {
            let deletion = delete::Deletion { aws: &aws, arguments, request: &request, now };
            return deletion.carry_out(&mut consent, report).await;
        }
        let work = deploy::Work { aws: &aws, account: &account, request, arguments };
        let Some(done) = work.deploy(&mut consent, report).await? else { return Ok(()) };
        aftermath::finish(
            &aws,
            &done,
            (arguments, &context.layers, &environment),
            (&mut consent, report),
        )
        .await
    };
    outcome.await.map_err(|error| explained(error, &aws))?;
    Ok(0)
}

/// A Region that could be none costs no call.
fn check_region(region: &str) -> Result<(), Error> {
    let parts: Vec<&str> = region.split('-').collect();
    let words =
        |part: &&str| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_lowercase());
    let is_region = match parts.split_last() {
        Some((number, names)) if names.len() >= 2 => {
            names.iter().all(words)
                && !number.is_empty()
                && number.chars().all(|d| d.is_ascii_digit())
        }
        Some(_) | None => false,
    };
    if is_region {
        return Ok(());
    }
    Err(Error::usage(format!("`{region}` is no AWS Region")).hinted("e.g. --region eu-west-1"))
}

/// Adds what only somebody who sets up has to know.
fn explained(error: Error, aws: &Aws) -> Error {
    if error.class() != ExitCode::AwsRefused {
        return error;
    }
    let text = error.to_string();
    if let Some(advice) = advice(&text) {
        return error.hinted(advice);
    }
    if text.contains(": Unreachable: ") || text.contains(": Timeout: ") {
        return error.hinted(format!(
            "does the Region {} exist, is it enabled in the account, and does it have the service? \
             If so, check the network and AWS_ENDPOINT_URL, then run again",
            aws.region()
        ));
    }
    error
}

/// What a no means.
pub(super) fn not_confirmed() -> Error {
    Error::new(Kind::Cancelled, "not confirmed: nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_region_is_refused() {
        for good in ["eu-west-1", "us-gov-east-1", "ap-southeast-7", "us-isob-east-1"] {
            assert!(check_region(good).is_ok(), "{good}");
        }
        for bad in ["europe", "eu_west_1", "eu-west", "EU-WEST-1", "eu-west-1a", "eu-1"] {
            assert!(check_region(bad).is_err(), "{bad}");
        }
    }
}
