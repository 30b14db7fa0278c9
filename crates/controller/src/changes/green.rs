//! Owns which commit was green last, and which may have been deployed since: GitHub knows the runs of
//! this workflow.

use super::origin::Green;
use crate::github::gh;
use protocol::env;
use std::collections::BTreeMap;

/// How many runs are looked into; of an older one nobody remembers what it deployed.
const RUNS: usize = 50;

/// Runs of this repository's own that have begun: a pull request of a fork may call its branch `main`,
/// too. GitHub's order is that of their beginning, but one that is run again, as for going back, ends
/// after those that began later.
const OWN: &str = r#"[.workflow_runs[] | select((.event | startswith("pull_request") | not) and .head_repository.id == .repository.id and (.status == "completed" or .status == "in_progress"))] | sort_by(.updated_at) | reverse | .[] | "\(.id) \(.updated_at) \(.head_sha) \(.conclusion)""#;

/// What may run now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Baseline {
    /// The commit of the last green run.
    pub(crate) green: String,
    /// Those of the runs since: a red one may have deployed a part before it was red, so a commit that
    /// takes it back changes what runs.
    pub(crate) tried: Vec<String>,
}

/// A run of the workflow, as the filter writes it.
#[derive(Debug, Clone, Copy, Default)]
struct Run<'a> {
    id: &'a str,
    updated: &'a str,
    commit: &'a str,
    conclusion: &'a str,
}

/// A run's commit, and when what was asked for became green.
#[derive(Debug, Clone, Default)]
struct Found {
    commit: String,
    at: String,
}

/// Asks GitHub; or why nobody can know.
pub(crate) async fn last_green(
    green: &Green,
    environment: &BTreeMap<String, String>,
) -> Result<Baseline, String> {
    let text = |name: &str| environment.get(name).map(String::as_str).unwrap_or_default();
    let workflow = Workflow::of(environment);
    let mut asked = vec![
        "api".to_owned(),
        "--method=GET".to_owned(),
        workflow.runs.clone(),
        format!("-fper_page={RUNS}"),
    ];
    if let Green::Run { branch } = green {
        asked.push(format!("-fbranch={branch}"));
    }
    asked.push(format!("--jq={}", workflow.filter));
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let untold = |why: String| {
        format!(
            "only GitHub knows what was green last, and did not tell ({why}): set GH_TOKEN for this step, with `actions: read`, or give --since COMMIT"
        )
    };
    let listed = gh(&asked).await.map_err(untold)?;
    let own = text(env::GITHUB_RUN_ID);
    let mut best: Option<Found> = None;
    let mut tried = Vec::new();
    for run in listed.lines().map(Run::read) {
        // What was green before this run had its last word cannot be outdone by it.
        if best.as_ref().is_some_and(|best| best.at.as_str() >= run.updated) {
            break;
        }
        match (run.greenness(green, &workflow).await.map_err(untold)?, &best) {
            (Some(found), None) => best = Some(found),
            (Some(found), Some(known)) if found.at > known.at => best = Some(found),
            (Some(_), Some(_)) => {}
            (None, _) if run.id == own || run.commit.is_empty() => {}
            (None, _) => tried.push(run.commit.to_owned()),
        }
    }
    let Some(Found { commit, .. }) = best else {
        return Err(match green {
            Green::Run { branch } => format!("no run of this workflow was green on {branch}"),
            Green::Job(job) => format!("none of the last {RUNS} runs has a green job `{job}`"),
        });
    };
    if commit.len() < 40 || !commit.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Err("gh answered something else than a commit".to_owned());
    }
    tried.retain(|other| *other != commit);
    tried.dedup();
    Ok(Baseline { green: commit, tried })
}

impl<'a> Run<'a> {
    fn read(line: &'a str) -> Self {
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap_or_default();
        Self { id: word(), updated: word(), commit: word(), conclusion: word() }
    }

    /// Whether it was green, and when.
    async fn greenness(self, green: &Green, workflow: &Workflow) -> Result<Option<Found>, String> {
        let job = match green {
            Green::Run { .. } => {
                let found =
                    || Found { commit: self.commit.to_owned(), at: self.updated.to_owned() };
                return Ok((self.conclusion == "success").then(found));
            }
            Green::Job(job) => serde_json::Value::from(job.as_str()).to_string(),
        };
        if !self.id.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            return Err("gh answered something else than runs".to_owned());
        }
        // Whatever became of the run itself: one that skipped an environment is green, too. In a
        // workflow that is called, the caller's job stands in front: `production / deployed to …`.
        let filter = format!(
            "--jq=.jobs[] | select(.conclusion == \"success\" and (.name == {job} or (.name | endswith(\" / \" + {job})))) | \"\\(.head_sha) \\(.completed_at)\""
        );
        let jobs = format!(
            "repos/{}/actions/runs/{}/jobs?filter=all&per_page=100",
            workflow.repository, self.id
        );
        let found = gh(&["api", "--paginate", &jobs, &filter]).await?;
        let all = found.lines().map(|line| {
            let (commit, at) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            Found { commit: commit.to_owned(), at: at.to_owned() }
        });
        Ok(all.max_by(|a, b| a.at.cmp(&b.at)))
    }
}

/// The workflow whose runs count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Workflow {
    repository: String,
    /// The address of its runs.
    runs: String,
    /// What finds them there.
    filter: String,
}

impl Workflow {
    /// `OWNER/NAME/.github/workflows/FILE@REF` is its place among GitHub's addresses
    /// (docs.github.com, "Variables reference"). Where that is not said its name is.
    fn of(environment: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| environment.get(name).map(String::as_str).unwrap_or_default();
        if let Some((repository, file)) = place(text(env::GITHUB_WORKFLOW_REF)) {
            let runs = format!("repos/{repository}/actions/workflows/{file}/runs");
            return Self { repository: repository.to_owned(), runs, filter: OWN.to_owned() };
        }
        let repository = match text(env::GITHUB_REPOSITORY).split_once('/') {
            Some((owner, name)) if is_plain(owner) && is_plain(name) => format!("{owner}/{name}"),
            // gh fills them in from the clone.
            _ => "{owner}/{repo}".to_owned(),
        };
        let name = serde_json::Value::from(text(env::GITHUB_WORKFLOW)).to_string();
        let named = format!("select(.name == {name} and (.event");
        let filter = OWN.replacen("select((.event", &named, 1);
        Self { runs: format!("repos/{repository}/actions/runs"), repository, filter }
    }
}

fn place(reference: &str) -> Option<(&str, &str)> {
    let (path, _) = reference.split_once('@')?;
    let (repository, file) = path.split_once("/.github/workflows/")?;
    let (owner, name) = repository.split_once('/')?;
    [owner, name, file].into_iter().all(is_plain).then_some((repository, file))
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_has_its_runs_at_an_address() {
        for (reference, expected) in [
            ("o/r/.github/workflows/main.yml@refs/heads/main", Some(("o/r", "main.yml"))),
            ("o/r/.github/workflows/../../x@refs/heads/main", None),
            ("o/r/.github/workflows/main.yml?x=@y", None),
            ("main.yml@x", None),
            ("", None),
        ] {
            assert_eq!(place(reference), expected, "{reference}");
        }
    }

    #[test]
    fn without_an_address_the_name_finds_it() {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let workflow = Workflow::of(&BTreeMap::from([
            set(env::GITHUB_REPOSITORY, "o/r"),
            set(env::GITHUB_WORKFLOW, "a \"b\""),
        ]));
        assert_eq!(workflow.runs, "repos/o/r/actions/runs");
        assert!(
            workflow.filter.contains(r#"select(.name == "a \"b\"" and (.event"#),
            "{workflow:?}"
        );
        assert_eq!(Workflow::of(&BTreeMap::new()).runs, "repos/{owner}/{repo}/actions/runs");
    }
}
