//! Owns what GitHub Actions knows: the repository's secrets and variables, as far as `gh` may see them.

use super::finding::{Finding, no, ok, skip, with_fix};
use crate::settings::DoctorSettings;
use protocol::env;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const NAME: &str = "github";

/// `gh` talks to GitHub, which may be slow or not be there.
const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) async fn look(
    environment: &BTreeMap<String, String>,
    settings: &DoctorSettings,
) -> Finding {
    if environment.contains_key(env::GITHUB_ACTIONS) {
        return skip(NAME, "this is GitHub Actions: what the step got is what there is");
    }
    let Some(gh) = program(environment.get("PATH").map_or("", String::as_str)) else {
        return with_fix(
            skip(NAME, "the program `gh` is not here"),
            "install it from cli.github.com to see secrets and variables",
        );
    };
    let mut known = BTreeSet::new();
    for what in ["variable", "secret"] {
        match names(&gh, what, environment).await {
            Ok(names) => known.extend(names),
            Err(why) => {
                return with_fix(
                    skip(NAME, format!("`gh {what} list` did not answer: {why}")),
                    "run it in the repository, after `gh auth login`",
                );
            }
        }
    }
    judge(&known, settings.network.is_ok())
}

/// The first `gh` in the search path.
fn program(path: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join("gh")).find(|file| file.is_file())
}

/// The names, never a value: GitHub does not give a secret's, and a variable's is not asked for.
async fn names(
    gh: &Path,
    what: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<String>, String> {
    let running = Command::new(gh)
        .args([what, "list", "--json", "name", "--jq", ".[].name"])
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(TIMEOUT, running).await {
        Ok(Ok(output)) => output,
        Ok(Err(cause)) => return Err(cause.to_string()),
        Err(_) => return Err(format!("no answer within {} s", TIMEOUT.as_secs())),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said.lines().next().unwrap_or("it failed").to_owned());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.lines().map(str::to_owned).collect())
}

/// `network_is_set`: a file or flags say it, so that no variable is needed.
fn judge(known: &BTreeSet<String>, network_is_set: bool) -> Finding {
    let missing: Vec<&str> = [env::VPC_SUBNETS, env::VPC_SECURITY_GROUPS]
        .into_iter()
        .filter(|name| !known.contains(*name))
        .collect();
    if !missing.is_empty() && !network_is_set {
        return no(
            NAME,
            format!(
                "the repository has no {}, and nothing else says the network",
                missing.join(" and no ")
            ),
            format!(
                "gh variable set {} --body IDS, or set the network in ecs-migrate.toml",
                missing[0]
            ),
        );
    }
    if !known.contains(env::AWS_ROLE_ARN) {
        return with_fix(
            skip(NAME, format!("the repository has no {}", env::AWS_ROLE_ARN)),
            format!(
                "gh variable set {} --body ARN, unless the workflow names its role otherwise",
                env::AWS_ROLE_ARN
            ),
        );
    }
    ok(
        NAME,
        format!(
            "the repository has {}{}",
            env::AWS_ROLE_ARN,
            if missing.is_empty() { ", VPC_SUBNETS and VPC_SECURITY_GROUPS" } else { "" }
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn what_a_repository_needs() {
        let all = ["AWS_ROLE_ARN", "VPC_SUBNETS", "VPC_SECURITY_GROUPS"];
        let known = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        for (known, network, verdict) in [
            (known(&all), false, Verdict::Ok),
            (known(&all[..1]), true, Verdict::Ok),
            (known(&all[..2]), false, Verdict::No),
            (known(&all[1..]), false, Verdict::Skip),
            (known(&[]), false, Verdict::No),
        ] {
            assert_eq!(judge(&known, network).verdict, verdict, "{known:?} {network}");
        }
    }
}
