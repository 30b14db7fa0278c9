//! Owns what can happen to a service's deployment, in the words of `--faults`.

use serde::{Deserialize, Serialize};

/// What happens to a deployment. Seconds count from its creation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ServiceEffect {
    /// Its tasks run and never count as healthy.
    NeverStable,
    /// Health checks fail: each of its tasks is stopped so long after it runs.
    Unhealthy {
        /// Seconds from RUNNING to the stop.
        after_seconds: f64,
        /// Such as `Health checks failed`.
        reason: String,
    },
    /// Somebody calls StopServiceDeployment.
    StoppedBySomebody {
        /// Seconds since its creation.
        after_seconds: f64,
    },
    /// Somebody begins a newer deployment.
    ReplacedByNewer {
        /// Seconds since its creation.
        after_seconds: f64,
        /// Of which definition; absent: the one before.
        #[serde(default)]
        task_definition: Option<String>,
    },
    /// A deployment alarm rings, and ECS rolls back.
    Alarm {
        /// Seconds since its creation.
        after_seconds: f64,
        /// The alarm's name.
        name: String,
    },
    /// The tasks that it replaces are protected from scale-in for so long.
    OldTasksProtected {
        /// Seconds since its creation.
        seconds: f64,
    },
    /// Where it is rolled back, that fails as well.
    RollbackFails,
    /// The event of a steady state comes although nothing is steady.
    SteadyStateTold {
        /// Seconds since its creation.
        after_seconds: f64,
    },
    /// It stays in a stage for so long before it can succeed, as while it bakes or a hook holds it.
    StaysIn {
        /// `lifecycleStage`, such as `BAKE_TIME`.
        stage: String,
        /// Seconds since its creation.
        seconds: f64,
        /// The id of a PAUSE hook there that awaits an action.
        #[serde(default)]
        hook: Option<String>,
    },
    /// A lifecycle hook fails, and ECS rolls back.
    HookFails {
        /// Seconds since its creation.
        after_seconds: f64,
        /// `lifecycleStage`, such as `PRE_SCALE_UP`.
        stage: String,
    },
    /// Readers do not see it at first: they see the service as it was.
    HiddenFor {
        /// Seconds since its creation.
        seconds: f64,
    },
}
