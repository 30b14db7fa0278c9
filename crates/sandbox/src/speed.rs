//! Owns how long each step of a task's life takes.

use std::time::Duration;

/// Presets for [`Dwell`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speed {
    /// Every step at once; logs are readable as they are written.
    Instant,
    /// A start of about 0.6 s and logs that lag by half a second: for demos and tests with processes.
    #[default]
    Fast,
    /// What Fargate takes: a start of about 25 s, 5 s between log flushes, a tail of up to 12 s.
    Aws,
}

/// How long a task stays in each step, and how late its logs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dwell {
    /// PROVISIONING: the network interface is created and attached.
    pub provisioning: Duration,
    /// Part of PENDING: secrets are fetched.
    pub secrets: Duration,
    /// Part of PENDING: images are pulled.
    pub pull: Duration,
    /// Part of PENDING: log streams are created and containers initialised.
    pub initialise: Duration,
    /// DEPROVISIONING: the network interface is detached.
    pub deprovisioning: Duration,
    /// The log driver sends what it holds once in this time; zero sends every line at once.
    pub log_flush: Duration,
    /// What the driver still holds at a container's exit is sent after a random part of this.
    pub log_tail: Duration,
    /// A service's scheduler looks at its tasks once in this time, more rarely when nothing happens.
    pub scheduler: Duration,
    /// A service's task counts as healthy so long after it runs.
    pub healthy: Duration,
    /// A stopped task can be described for this long; ECS promises at least one hour.
    pub retention: Duration,
}

const ONE_HOUR: Duration = Duration::from_hours(1);

impl Speed {
    /// The dwell times behind the name.
    pub fn dwell(self) -> Dwell {
        match self {
            Self::Instant => Dwell {
                provisioning: Duration::ZERO,
                secrets: Duration::ZERO,
                pull: Duration::ZERO,
                initialise: Duration::ZERO,
                deprovisioning: Duration::ZERO,
                log_flush: Duration::ZERO,
                log_tail: Duration::ZERO,
                scheduler: Duration::from_millis(5),
                healthy: Duration::ZERO,
                retention: ONE_HOUR,
            },
            Self::Fast => Dwell {
                provisioning: Duration::from_millis(200),
                secrets: Duration::from_millis(50),
                pull: Duration::from_millis(250),
                initialise: Duration::from_millis(100),
                deprovisioning: Duration::from_millis(300),
                log_flush: Duration::from_millis(300),
                log_tail: Duration::from_millis(500),
                scheduler: Duration::from_millis(50),
                healthy: Duration::from_millis(400),
                retention: ONE_HOUR,
            },
            // aws-facts 1.1 (8–20 s and 10–40 s for the network interface), 3.1 (the log driver).
            Self::Aws => Dwell {
                provisioning: Duration::from_secs(14),
                secrets: Duration::from_secs(1),
                pull: Duration::from_secs(8),
                initialise: Duration::from_secs(2),
                deprovisioning: Duration::from_secs(20),
                log_flush: Duration::from_secs(5),
                log_tail: Duration::from_secs(12),
                scheduler: Duration::from_secs(1),
                // aws-facts 4.5: without a health check.
                healthy: Duration::from_secs(40),
                retention: ONE_HOUR,
            },
        }
    }
}
