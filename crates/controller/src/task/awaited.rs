//! Owns what a session waits for, in a sentence. PURE.

use super::drain::LastWord;
use super::intent::Intent;
use super::session_state::Session;
use super::snapshot::TaskSnapshot;

/// What decides it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    pub(super) container: &'a str,
    pub(super) task: Option<&'a TaskSnapshot>,
    pub(super) intent: Intent,
    pub(super) stop_accepted: bool,
    /// Whether the end was seen, and only the log is read on.
    pub(super) ended: bool,
    /// Why looks at the task fail, and reads of its log.
    pub(super) look: Option<&'a str>,
    pub(super) read: Option<&'a str>,
    pub(super) last_word: LastWord,
    /// How many last words there were.
    pub(super) endings: usize,
    /// Whether ECS does not know the task just now.
    pub(super) missing: bool,
}

impl Session<'_> {
    /// Tells the report what is waited for.
    pub(super) fn say_what_is_awaited(&mut self) {
        let tail = self.tails.decisive();
        let look = self.seen.obstacle().map(ToString::to_string);
        let text = awaited(&Situation {
            container: &self.plan.container,
            task: self.seen.latest(),
            intent: self.intent,
            stop_accepted: self.stop_accepted,
            ended: self.ended.is_some(),
            look: look.as_deref(),
            read: tail.failing.as_deref(),
            last_word: tail.last_word(),
            endings: tail.transcript.endings(),
            missing: self.seen.is_missing(),
        });
        self.report.awaits(&text);
    }
}

/// The sentence.
pub(super) fn awaited(situation: &Situation<'_>) -> String {
    let Situation { container, task, look, read, .. } = *situation;
    if situation.ended {
        return match read {
            Some(error) => format!("the rest of the log, which cannot be read now ({error})"),
            None => "the rest of the log".to_owned(),
        };
    }
    if let Some(error) = look {
        return format!("ECS to say how the task is ({error})");
    }
    if matches!(situation.intent, Intent::Cancel | Intent::Timeout) {
        return if situation.stop_accepted {
            format!("the end of container {container}, which ECS was asked to stop")
        } else {
            "ECS to accept the stop".to_owned()
        };
    }
    if situation.missing {
        return "ECS to know the task".to_owned();
    }
    let Some(task) = task else { return "ECS to say how the task is".to_owned() };
    let named = task.container(container);
    if let Some(code) = named.and_then(|container| container.exit_code) {
        return format!(
            "the end of the task: container {container} ended with exit code {code}, {}",
            alive(task, container)
        );
    }
    if !task.has_begun(container) {
        return format!("the task to start, it is {}", task.status);
    }
    match (situation.endings, situation.last_word) {
        (2.., LastWord::Whole | LastWord::WithGaps) => format!(
            "the end of container {container}: its command has ended {} times and begins again, as \
             under a restartPolicy, and such a task does not end by itself",
            situation.endings
        ),
        (_, LastWord::Whole | LastWord::WithGaps) => format!(
            "the end of container {container}: the runner has said its last word, the container is {}",
            named.map_or("not known", |container| container.status.as_str())
        ),
        (_, LastWord::Missing) => {
            format!("the end of container {container}, the task is {}", task.status)
        }
    }
}

/// Who keeps a task alive whose container has ended.
fn alive(task: &TaskSnapshot, container: &str) -> String {
    let others: Vec<&str> = task
        .containers
        .iter()
        .filter(|other| other.name != container && other.status != "STOPPED")
        .map(|other| other.name.as_str())
        .collect();
    if others.is_empty() {
        "ECS does not say yet why".to_owned()
    } else {
        format!(
            "{} {} the task alive (make {container} essential, so that its end is the task's)",
            others.join(", "),
            if others.len() == 1 { "keeps" } else { "keep" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::snapshot_examples;
    use super::*;

    #[test]
    fn each_situation_has_its_sentence() {
        let with = |status: &str, started, containers| TaskSnapshot {
            started,
            containers,
            ..snapshot_examples::task(status)
        };
        let container = snapshot_examples::container;
        let provisioning = with("PROVISIONING", false, vec![]);
        let running = with("RUNNING", true, vec![container("app", "RUNNING", None)]);
        let ended = vec![container("app", "STOPPED", Some(0)), container("otel", "RUNNING", None)];
        let kept = with("RUNNING", true, ended);
        let plain = Situation {
            container: "app",
            task: Some(&running),
            intent: Intent::None,
            stop_accepted: false,
            ended: false,
            look: None,
            read: None,
            last_word: LastWord::Missing,
            endings: 0,
            missing: false,
        };
        for (situation, expected) in [
            (plain, "the end of container app, the task is RUNNING"),
            (Situation { task: Some(&provisioning), ..plain }, "it is PROVISIONING"),
            (
                Situation { task: Some(&kept), ..plain },
                "container app ended with exit code 0, otel keeps the task alive",
            ),
            (
                Situation { last_word: LastWord::Whole, endings: 7, ..plain },
                "has ended 7 times and begins again, as under a restartPolicy",
            ),
            (
                Situation { last_word: LastWord::Whole, ..plain },
                "has said its last word, the container is RUNNING",
            ),
            (Situation { look: Some("throttled"), ..plain }, "how the task is (throttled)"),
            (Situation { intent: Intent::Cancel, ..plain }, "ECS to accept the stop"),
            (
                Situation { intent: Intent::Timeout, stop_accepted: true, ..plain },
                "which ECS was asked to stop",
            ),
            (Situation { missing: true, ..plain }, "ECS to know the task"),
            (
                Situation { ended: true, read: Some("no"), ..plain },
                "the rest of the log, which cannot be read now (no)",
            ),
        ] {
            let text = awaited(&situation);
            assert!(text.contains(expected), "{text}");
        }
    }
}
