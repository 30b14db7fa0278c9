//! Owns bringing both stacks up to date: all plans first, one question, then one stack after the
//! other.

use super::arguments::Arguments;
use super::{Consent, not_confirmed};
use crate::aws::Aws;
use crate::error::{Error, Kind};
use crate::infrastructure::{
    Account, Choice, Deployment, GithubRequest, Part, Prepared, Request, StackRequest, Survey,
    numbers,
};
use crate::report::{Event, Report};
use std::collections::BTreeMap;

/// Steps that one stack may need: mend, leave out, make again, and one to spare.
const STEPS: u32 = 4;

/// What is to be done.
pub(super) struct Work<'a> {
    pub(super) aws: &'a Aws,
    pub(super) account: &'a Account,
    pub(super) request: Request,
    pub(super) arguments: &'a Arguments,
}

/// What is there now.
pub(super) struct Done {
    pub(super) request: Request,
    pub(super) region: String,
    /// Parameters and outputs of the migration's stack.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) outputs: BTreeMap<String, String>,
    /// Outputs of GitHub's stack, where there is one.
    pub(super) github: BTreeMap<String, String>,
}

impl Work<'_> {
    /// Brings them up to date; `None` when that was only to be shown.
    pub(super) async fn deploy(
        mut self,
        consent: &mut Consent<'_>,
        report: &mut Report,
    ) -> Result<Option<Done>, Error> {
        let migration = self.migration().prepare(report).await?;
        self.tell_github(migration.survey(), report).await;
        let github = match self.github() {
            Some(deployment) => Some(deployment.prepare(report).await),
            None => None,
        };
        let github = match github.transpose() {
            Ok(github) => github,
            Err(error) => {
                self.migration().forget(&migration).await?;
                return Err(error);
            }
        };
        let plans: Vec<_> = [Some(&migration), github.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(Prepared::plan)
            .collect();
        for plan in &plans {
            report.emit(&Event::Plan((*plan).clone()));
        }
        if plans.is_empty() {
            report.emit(&Event::Note(
                "nothing to do: the infrastructure is as it was asked for".to_owned(),
            ));
        }
        let wanted = !plans.is_empty();
        let stop = self.arguments.plan || (wanted && !consent.obtain("go on?", report).await);
        if stop {
            self.migration().forget(&migration).await?;
            if let (Some(deployment), Some(github)) = (self.github(), &github) {
                deployment.forget(github).await?;
            }
            return if self.arguments.plan { Ok(None) } else { Err(not_confirmed()) };
        }
        let parameters = migration.survey().parameters.clone();
        bring_up(&self.migration(), migration, report).await?;
        if let (Some(deployment), Some(github)) = (self.github(), github) {
            bring_up(&deployment, github, report).await?;
        }
        let outputs = self.outputs(&self.request.migration).await?;
        let github = match &self.request.github {
            Some(github) => self.outputs(&github.stack).await?,
            None => BTreeMap::new(),
        };
        let region = self.account.region.clone();
        Ok(Some(Done { request: self.request, region, parameters, outputs, github }))
    }

    fn migration(&self) -> Deployment<'_> {
        self.deployment(&self.request.migration, &Part::OF_MIGRATION)
    }

    fn github(&self) -> Option<Deployment<'_>> {
        let github = self.request.github.as_ref()?;
        Some(self.deployment(&github.stack, &Part::OF_GITHUB))
    }

    fn deployment<'a>(
        &'a self,
        request: &'a StackRequest,
        parts: &'static [Part],
    ) -> Deployment<'a> {
        Deployment {
            aws: self.aws,
            account: self.account,
            family: &self.request.family,
            request,
            parts,
        }
    }

    async fn outputs(&self, request: &StackRequest) -> Result<BTreeMap<String, String>, Error> {
        let stack = self.aws.stack(&request.stack).await?;
        stack.map(|stack| stack.outputs).ok_or_else(|| {
            Error::new(Kind::SetupFailed, format!("stack {} was deleted meanwhile", request.stack))
                .hinted("run setup-infra again")
        })
    }

    /// What GitHub's stack has to know of the other: names alone, so that both can be planned
    /// before either exists.
    async fn tell_github(&mut self, survey: &Survey, report: &mut Report) {
        let account = self.account;
        let role = |part: Part, existing: &str, name: &str| {
            let value = |name: &str| survey.parameters.get(name).cloned().unwrap_or_default();
            match survey.choices.get(&part) {
                Some(Choice::Adopt(_)) => value(existing),
                _ => account.role_arn(&value(name)),
            }
        };
        let roles = [
            (
                "ExecutionRoleArn",
                role(Part::ExecutionRole, "ExistingExecutionRoleArn", "ExecutionRoleName"),
            ),
            ("TaskRoleArn", role(Part::TaskRole, "ExistingTaskRoleArn", "TaskRoleName")),
        ];
        let Some(github) = &mut self.request.github else { return };
        for (name, value) in roles {
            github.stack.given.insert(name.to_owned(), value);
        }
        let parameter = |name: &str| survey.parameters.get(name).cloned().unwrap_or_default();
        for name in ["ClusterName", "RepositoryName", "LogGroupName", "SecretKeyArn"] {
            github.stack.given.insert(name.to_owned(), parameter(name));
        }
        let mut secrets = [parameter("UrlSecretArn"), parameter("DatabaseSecretArn")].to_vec();
        secrets.retain(|secret| !secret.is_empty());
        github.stack.given.insert("SecretArns".to_owned(), secrets.join(","));
        if !github.stack.given.contains_key("GitHubOwnerId") {
            tell_numbers(github, report).await;
        }
    }
}

async fn tell_numbers(github: &mut GithubRequest, report: &mut Report) {
    match numbers(&github.repository).await {
        Ok(numbers) => {
            github.stack.given.insert("GitHubOwnerId".to_owned(), numbers.owner);
            github.stack.given.insert("GitHubRepositoryId".to_owned(), numbers.repository);
        }
        Err(cause) => report.emit(&Event::Warning {
            text: format!("the numbers of {} are not known: {cause}", github.repository),
            hint: Some(
                "repositories made, renamed or moved since 2026-07-15 cannot deploy without them: \
                 set --github-owner-id and --github-repository-id (`gh api repos/OWNER/NAME`)"
                    .to_owned(),
            ),
        }),
    }
}

/// Step by step, each from what is there then.
async fn bring_up(
    deployment: &Deployment<'_>,
    first: Prepared,
    report: &mut Report,
) -> Result<(), Error> {
    let mut prepared = first;
    for _ in 0..STEPS {
        if !deployment.carry_out(prepared, report).await? {
            return Ok(());
        }
        prepared = deployment.prepare(report).await?;
    }
    let name = &deployment.request.stack;
    Err(Error::new(Kind::SetupFailed, format!("stack {name} does not settle"))
        .hinted("somebody else may be changing it; run setup-infra again"))
}
