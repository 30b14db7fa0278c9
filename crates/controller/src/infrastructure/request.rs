//! Owns what was asked for, with everything checked that needs no AWS. PURE.

use super::names::{Name, repository_of, stack_of};
use crate::error::Error;
use std::collections::BTreeMap;

/// The template of the migration's own stack.
pub(crate) const MIGRATION: &str = include_str!("../../../../infra/cloudformation/migration.yaml");

/// The template of GitHub's stack.
pub(crate) const GITHUB: &str = include_str!("../../../../infra/cloudformation/github.yaml");

/// The tag that says whose a stack is, and whose its repository and log group were.
pub(crate) const OWNER_TAG: &str = "ecs-migrate:family";

/// One value of the command line: which flag, which parameter of the template, which rule.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) flag: &'static str,
    pub(crate) parameter: &'static str,
    pub(crate) rule: Option<Name>,
    pub(crate) value: String,
}

/// One stack as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StackRequest {
    pub(crate) stack: String,
    pub(crate) template: &'static str,
    /// What counts when neither the command line nor the deployed stack says anything.
    pub(crate) defaults: BTreeMap<String, String>,
    /// What the command line says.
    pub(crate) given: BTreeMap<String, String>,
}

/// Everything that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) family: String,
    pub(crate) migration: StackRequest,
    pub(crate) github: Option<GithubRequest>,
    /// Host, name and JSON key: for the task definition alone.
    pub(crate) database: DatabaseRequest,
}

/// GitHub's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GithubRequest {
    /// `OWNER/NAME`.
    pub(crate) repository: String,
    pub(crate) environment: Option<String>,
    pub(crate) stack: StackRequest,
}

/// What the task definition says about the database beside the template's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DatabaseRequest {
    pub(crate) host: Option<String>,
    pub(crate) name: Option<String>,
    /// `:json-key:stage:version` after a secret's ARN.
    pub(crate) secret_suffix: String,
}

/// Splits `arn:…:secret:NAME-abc123:key::` into the ARN that policies name and the rest.
pub(crate) fn split_secret(text: &str) -> (String, String) {
    let mut parts: Vec<&str> = text.split(':').collect();
    let rest = if parts.len() > 7 { parts.split_off(7) } else { Vec::new() };
    let suffix = if rest.is_empty() { String::new() } else { format!(":{}", rest.join(":")) };
    (parts.join(":"), suffix)
}

/// Checks every value and sorts it to its parameter.
pub(crate) fn collect(given: Vec<Given>) -> Result<BTreeMap<String, String>, Error> {
    let mut values = BTreeMap::new();
    for Given { flag, parameter, rule, value } in given {
        if let Some(rule) = rule {
            rule.check(flag, &value)?;
        }
        values.insert(parameter.to_owned(), value);
    }
    Ok(values)
}

/// A role is asked for by name, or by the ARN of one that exists.
pub(crate) fn role(
    flag: &'static str,
    (name, existing): (&'static str, &'static str),
    value: String,
) -> Given {
    if value.starts_with("arn:") {
        Given { flag, parameter: existing, rule: Some(Name::RoleArn), value }
    } else {
        Given { flag, parameter: name, rule: Some(Name::Role), value }
    }
}

impl StackRequest {
    /// The migration's stack of a family.
    pub(crate) fn migration(
        family: &str,
        stack: Option<String>,
        given: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        Name::Family.check("--family", family)?;
        let defaults = [
            ("Family", family.to_owned()),
            ("RepositoryName", repository_of(family)),
            ("LogGroupName", format!("/ecs/{family}")),
            ("ExecutionRoleName", format!("{family}-execution")),
            ("TaskRoleName", format!("{family}-task")),
        ];
        let request = Self::of((stack, family, "infra"), MIGRATION, &defaults, given)?;
        request.check("RepositoryName", Name::Repository, "--repository")?;
        request.check("ExecutionRoleName", Name::Role, "--execution-role")?;
        request.check("TaskRoleName", Name::Role, "--task-role")?;
        for (one, other, flags) in [
            ("DatabaseResourceId", "DatabaseUser", "--database-resource and --database-user"),
            ("VpcId", "DatabaseSecurityGroupId", "--vpc and --database-security-group"),
        ] {
            if request.given.contains_key(one) != request.given.contains_key(other) {
                return Err(Error::usage(format!("{flags} belong together")));
            }
        }
        Ok(request)
    }

    /// GitHub's stack of a family.
    pub(crate) fn github(
        family: &str,
        stack: Option<String>,
        given: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let defaults =
            [("Family", family.to_owned()), ("DeployRoleName", format!("{family}-deploy"))];
        let request = Self::of((stack, family, "github"), GITHUB, &defaults, given)?;
        request.check("DeployRoleName", Name::Role, "--deploy-role")?;
        if request.given.contains_key("GitHubOwnerId")
            != request.given.contains_key("GitHubRepositoryId")
        {
            return Err(Error::usage(
                "--github-owner-id and --github-repository-id belong together",
            ));
        }
        Ok(request)
    }

    fn of(
        (stack, family, suffix): (Option<String>, &str, &str),
        template: &'static str,
        defaults: &[(&str, String)],
        given: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let stack = stack.unwrap_or_else(|| stack_of(family, suffix));
        Name::Stack.check("--stack", &stack)?;
        let defaults =
            defaults.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Ok(Self { stack, template, defaults, given })
    }

    fn check(&self, parameter: &str, rule: Name, flag: &str) -> Result<(), Error> {
        match self.defaults.get(parameter) {
            Some(name) if !self.given.contains_key(parameter) => {
                rule.check(flag, name).map_err(|error| {
                    error.hinted(format!("it was made of the family's name; set {flag}"))
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The parameters: the command line, else what is deployed, else the default. Switches that
    /// say what exists are decided anew each time, unless the command line sets them.
    pub(crate) fn parameters(
        &self,
        deployed: &BTreeMap<String, String>,
        declared: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, String> {
        let mut parameters = self.defaults.clone();
        let kept = deployed.iter().filter(|(name, _)| declared(name));
        parameters.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
        parameters.extend(self.given.clone());
        parameters
    }
}

/// Whether the template declares a parameter: a deployed stack may be of an older template.
pub(crate) fn declares(template: &str, parameter: &str) -> bool {
    let section = template.split("\nParameters:\n").nth(1).unwrap_or_default();
    let section = section.split("\n\n").next().unwrap_or_default();
    section.lines().any(|line| line.strip_prefix("  ") == Some(&format!("{parameter}:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_flag_beats_what_is_deployed_and_that_beats_the_default() {
        let given = map(&[("LogRetentionInDays", "90")]);
        let request = StackRequest::migration("App", None, given).unwrap();
        assert_eq!(request.stack, "App-infra");
        let deployed = map(&[
            ("LogRetentionInDays", "30"),
            ("LogGroupName", "/team/app"),
            ("OfAnOlderTemplate", "x"),
        ]);
        let found = request.parameters(&deployed, |name| declares(MIGRATION, name));
        assert_eq!(found["LogRetentionInDays"], "90");
        assert_eq!(found["LogGroupName"], "/team/app");
        assert_eq!(found["RepositoryName"], "app");
        assert!(!found.contains_key("OfAnOlderTemplate"));
    }

    #[test]
    fn what_belongs_together_is_asked_for_together_and_long_families_need_names() {
        let error = |family: &str, given: &[(&str, &str)]| {
            StackRequest::migration(family, None, map(given)).unwrap_err().to_string()
        };
        assert_eq!(
            error("app", &[("VpcId", "vpc-1")]),
            "--vpc and --database-security-group belong together"
        );
        assert!(error(&"a".repeat(60), &[]).contains("(--execution-role) is not 1 to 64"));
        assert!(error("a b", &[]).starts_with("`a b` (--family) is not"));
    }

    #[test]
    fn a_secret_is_split_where_its_arn_ends() {
        let arn = "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf";
        assert_eq!(split_secret(arn), (arn.to_owned(), String::new()));
        assert_eq!(split_secret(&format!("{arn}:url::")), (arn.to_owned(), ":url::".to_owned()));
    }

    #[test]
    fn parameters_are_found_in_the_template() {
        assert!(declares(MIGRATION, "Family") && declares(GITHUB, "GitHubSubject"));
        assert!(!declares(MIGRATION, "Conditions") && !declares(MIGRATION, "Type"));
    }
}
