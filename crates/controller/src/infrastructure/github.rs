//! Owns GitHub's side: which variables the workflow needs, and `gh`, which knows and sets them.

use crate::error::{Error, Kind};
use crate::github::gh;

/// A variable of GitHub Actions. None of them is a secret: no value opens anything by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// Empty where only a person knows it.
    pub(crate) value: String,
    /// What it is, or where it comes from.
    pub(crate) meaning: &'static str,
}

/// Where variables are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// `OWNER/NAME`.
    pub(crate) repository: String,
    pub(crate) environment: Option<String>,
}

/// Numbers that a repository keeps when it is renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) owner: String,
    pub(crate) repository: String,
}

impl Variable {
    /// The command that sets it.
    pub(crate) fn command(&self, place: Option<&Place>) -> String {
        let value = if self.value.is_empty() { "…" } else { &self.value };
        let mut command = format!("gh variable set {} --body '{value}'", self.name);
        if let Some(place) = place {
            command.push_str(&format_place(place));
        }
        command
    }
}

fn format_place(place: &Place) -> String {
    let environment = place.environment.as_ref().map(|name| format!(" --env '{name}'"));
    format!(" --repo {}{}", place.repository, environment.unwrap_or_default())
}

/// Sets the variables whose values are known.
pub(crate) async fn set(place: &Place, variables: &[Variable]) -> Result<(), Error> {
    for variable in variables.iter().filter(|variable| !variable.value.is_empty()) {
        let mut arguments = vec![
            "variable",
            "set",
            variable.name,
            "--body",
            &variable.value,
            "--repo",
            &place.repository,
        ];
        if let Some(environment) = &place.environment {
            arguments.extend(["--env", environment]);
        }
        gh(&arguments).await.map_err(|cause| {
            Error::new(
                Kind::SetupFailed,
                format!("cannot set the variable {}: {cause}", variable.name),
            )
            .hinted(format!("the infrastructure is ready; {}", variable.command(Some(place))))
        })?;
    }
    Ok(())
}

/// The numbers of a repository, or why `gh` does not tell them.
pub(crate) async fn numbers(repository: &str) -> Result<Numbers, String> {
    let path = format!("repos/{repository}");
    let text = gh(&["api", &path, "--jq", "\"\\(.owner.id) \\(.id)\""]).await?;
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some(owner), Some(repository)) if is_number(owner) && is_number(repository) => {
            Ok(Numbers { owner: owner.to_owned(), repository: repository.to_owned() })
        }
        _ => Err("gh answered something else than two numbers".to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_pasted() {
        let variable =
            Variable { name: "VPC_SUBNETS", value: "subnet-a,subnet-b".to_owned(), meaning: "" };
        let place =
            Place { repository: "octo/app".to_owned(), environment: Some("production".to_owned()) };
        assert_eq!(
            variable.command(Some(&place)),
            "gh variable set VPC_SUBNETS --body 'subnet-a,subnet-b' --repo octo/app --env 'production'"
        );
        let unknown = Variable { value: String::new(), ..variable };
        assert_eq!(unknown.command(None), "gh variable set VPC_SUBNETS --body '…'");
    }
}
