//! Owns what RUN on a command line means. PURE.

use super::moment::Span;
use crate::error::Error;
use crate::task::TaskArn;

/// Letters and digits of a task's id.
const ID: usize = 32;

/// The shortest beginning of an id or a commit that is looked up.
const SHORTEST: usize = 6;

/// Which run is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    Latest,
    /// A task's id or ARN; the cluster counts where it is named.
    Task {
        task: TaskArn,
        cluster: Option<String>,
    },
    /// The beginning of a task's id or of a commit.
    Beginning(String),
    /// As ECS has it in `startedBy`.
    StartedBy(String),
    At(Span),
}

impl Reference {
    /// Reads RUN; none is the latest run.
    pub(crate) fn parse(run: Option<&str>) -> Result<Self, Error> {
        let Some(text) = run.map(str::trim) else { return Ok(Self::Latest) };
        let known = if text.contains("://") { of_url(text) } else { of_word(text) };
        known.ok_or_else(|| {
            // A URL may carry a session's token.
            let text = if text.contains("://") { "this URL" } else { &format!("`{text}`") };
            Error::usage(format!("{text} names no run")).hinted(
                "a task's id or ARN, its page in the AWS console, a commit, a GitHub run id or \
                 its page, what ECS has in startedBy, or a date such as 2026-11-20 or \
                 2026-11-20T03:08 (UTC); `ecs-migrate runs` lists them",
            )
        })
    }
}

fn of_word(text: &str) -> Option<Reference> {
    let hexadecimal = text.chars().all(|letter| letter.is_ascii_hexdigit());
    if text.starts_with("arn:") {
        let task = TaskArn::new(text);
        let cluster = task.cluster()?.to_owned();
        return is_id(task.id()).then_some(Reference::Task { task, cluster: Some(cluster) });
    }
    if text.starts_with("ecs-migrate/") {
        return Some(Reference::StartedBy(text.to_owned()));
    }
    if ["github/", "key/", "once/", "task/"].iter().any(|kind| text.starts_with(kind)) {
        return Some(Reference::StartedBy(format!("ecs-migrate/{text}")));
    }
    // As a log stream is named.
    if let Some((_, id)) = text.rsplit_once('/') {
        return is_id(id).then(|| task(id));
    }
    if is_id(text) {
        return Some(task(text));
    }
    // GitHub counts its runs in ten digits and more.
    if text.len() >= 8 && text.chars().all(|letter| letter.is_ascii_digit()) {
        return Some(Reference::StartedBy(format!("ecs-migrate/github/{text}")));
    }
    if hexadecimal && (SHORTEST..=40).contains(&text.len()) {
        return Some(Reference::Beginning(text.to_ascii_lowercase()));
    }
    Span::parse(text).map(Reference::At)
}

/// A page of the AWS console or of GitHub Actions.
fn of_url(text: &str) -> Option<Reference> {
    let words: Vec<&str> =
        text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-')).collect();
    let after = |word: &str| {
        let at = words.iter().position(|candidate| *candidate == word)?;
        words.get(at + 1).copied()
    };
    if text.contains("/actions/runs/") {
        let id = after("runs").filter(|id| id.chars().all(|letter| letter.is_ascii_digit()))?;
        return Some(Reference::StartedBy(format!("ecs-migrate/github/{id}")));
    }
    // `/` is `$252F` in the fragments of CloudWatch's pages.
    let decoded = text.replace("$252F", "/");
    let id = decoded.split(|letter: char| !letter.is_ascii_alphanumeric()).find(|id| is_id(id))?;
    let cluster = after("clusters").map(str::to_owned);
    Some(Reference::Task { task: TaskArn::new(id), cluster })
}

fn task(id: &str) -> Reference {
    Reference::Task { task: TaskArn::new(id), cluster: None }
}

/// Whether ECS could have given a task this id: today's form, or the one before 2018.
fn is_id(text: &str) -> bool {
    let hexadecimal = |text: &str| text.chars().all(|letter| letter.is_ascii_hexdigit());
    (text.len() == ID && hexadecimal(text))
        || (text.len() == ID + 4 && hexadecimal(&text.replace('-', "")) && text.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn each_way_to_name_a_run() {
        let id = |cluster: Option<&str>| Reference::Task {
            task: TaskArn::new(TASK),
            cluster: cluster.map(str::to_owned),
        };
        let arn = format!("arn:aws:ecs:eu-west-1:1:task/prod/{TASK}");
        let started = |text: &str| Reference::StartedBy(text.to_owned());
        for (text, expected) in [
            (TASK.to_owned(), id(None)),
            (
                arn.clone(),
                Reference::Task { task: TaskArn::new(&arn), cluster: Some("prod".to_owned()) },
            ),
            (format!("p/migrate/{TASK}"), id(None)),
            (
                format!(
                    "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/tasks/{TASK}/configuration?region=eu-west-1"
                ),
                id(Some("prod")),
            ),
            (
                format!(
                    "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fecs/log-events/p$252Fmigrate$252F{TASK}"
                ),
                id(None),
            ),
            (
                "https://github.com/acme/shop/actions/runs/19234567890/job/5".to_owned(),
                started("ecs-migrate/github/19234567890"),
            ),
            ("19234567890".to_owned(), started("ecs-migrate/github/19234567890")),
            ("github/77".to_owned(), started("ecs-migrate/github/77")),
            ("ecs-migrate/key/release-9".to_owned(), started("ecs-migrate/key/release-9")),
            ("4F2C9ab".to_owned(), Reference::Beginning("4f2c9ab".to_owned())),
            ("2026-11-20".to_owned(), Reference::At(Span::parse("2026-11-20").unwrap())),
        ] {
            assert_eq!(Reference::parse(Some(&text)).unwrap(), expected, "{text}");
        }
        assert_eq!(Reference::parse(None).unwrap(), Reference::Latest);
    }

    #[test]
    fn nonsense_is_named_and_a_url_is_not_repeated() {
        for text in ["yesterday", "2026-13-01", "4f2", "", "arn:aws:s3:::x", "a/b", "é"] {
            let error = Reference::parse(Some(text)).unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` names no run"));
        }
        let error = Reference::parse(Some("https://x.example/?token=hunter2")).unwrap_err();
        assert_eq!(error.to_string(), "this URL names no run");
    }
}
