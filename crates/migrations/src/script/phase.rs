//! Owns when a script may run: before the rollout of the new code, or after it.

const KEY: &str = "ecs-migrate: phase=";

/// When a script may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// While the old code runs: it only adds.
    BeforeDeploy,
    /// When the old code is gone: `-- ecs-migrate: phase=after-deploy`.
    AfterDeploy,
}

/// What a comment before the first statement says.
pub(super) fn of(text: &str) -> Result<Phase, String> {
    let mut head = true;
    let mut phase = Phase::BeforeDeploy;
    for line in text.lines().map(str::trim) {
        let comment = line.starts_with("--");
        head &= line.is_empty() || comment;
        let said = line.trim_start_matches('-').trim().strip_prefix(KEY).filter(|_| comment);
        match said {
            None => {}
            Some("after-deploy") if head => phase = Phase::AfterDeploy,
            Some("after-deploy") => return Err("is said behind the first statement".to_owned()),
            Some(other) => return Err(format!("`{other}` is none: only `after-deploy` is said")),
        }
    }
    Ok(phase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_head_of_the_file_says_it() {
        let line = "-- ecs-migrate: phase=after-deploy\n";
        assert_eq!(of(""), Ok(Phase::BeforeDeploy));
        assert_eq!(of(&format!("-- why\n\n{line}SELECT 1;")), Ok(Phase::AfterDeploy));
        assert!(of(&format!("SELECT 1;\n{line}")).is_err());
        assert!(of("--ecs-migrate: phase=later\n").is_err());
        assert_eq!(of("SELECT '\necs-migrate: phase=x';"), Ok(Phase::BeforeDeploy));
    }
}
