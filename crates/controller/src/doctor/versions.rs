//! Owns the versions of the parts. PURE.

use super::finding::{Finding, ok, with_fix};

const NAME: &str = "versions";

/// Ours, and the runner's where it said it.
pub(crate) fn judge(ours: &str, runner: Option<&str>) -> Finding {
    match runner {
        None => ok(NAME, format!("ecs-migrate {ours}; --in-vpc asks the runner for its own")),
        Some(runner) if runner == ours => {
            ok(NAME, format!("ecs-migrate and its runner are {ours}"))
        }
        Some(runner) => with_fix(
            ok(NAME, format!("ecs-migrate is {ours}, the runner in the image is {runner}")),
            "they understand each other across versions; build the image with the same one all the same",
        ),
    }
}
