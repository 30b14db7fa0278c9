//! Sizes and periods that both sides rely on.

use std::time::Duration;

/// The version in the marker of an event line. It moves only when the meaning of a field changes;
/// new kinds and new fields do not move it, because readers tolerate what they do not know.
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest event line in bytes, newline not counted. The awslogs driver cuts at 262,118 bytes,
/// other drivers and FireLens at 16 KiB (moby `daemon/logger/copier.go`); half of that leaves room
/// for a driver's own envelope.
pub const MAX_LINE_BYTES: usize = 8 * 1024;

/// The most migration names in one event; longer lists are split over several events.
pub const MAX_NAMES_PER_EVENT: usize = 50;

/// The most statements that one event accounts for: of more, those that took longest.
pub const MAX_STATEMENTS_PER_EVENT: usize = 20;

/// The most blockers in one event; those that come first block directly.
pub const MAX_BLOCKERS_PER_EVENT: usize = 10;

/// A run is never silent for longer than this.
pub const HEARTBEAT_PERIOD: Duration = Duration::from_secs(15);

/// How long the exit of the runner waits for its writer.
pub const WRITER_GRACE: Duration = Duration::from_secs(5);

/// How long after a container's exit its last log lines may still arrive: the log driver flushes
/// every 5 s and is given at most 12 s to clean up (shim-loggers-for-containerd, `cleanup-time`).
pub const LOG_TAIL_GRACE: Duration = Duration::from_secs(12);
