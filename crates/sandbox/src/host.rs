//! Owns what a task's process inherits from the machine: the one place where the environment is read.

/// `PATH` and `HOME` of the sandbox: stand-ins for what a container's image would bring along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostEnvironment {
    /// `PATH`, absent when the sandbox has none.
    pub path: Option<String>,
    /// `HOME`, absent when the sandbox has none.
    pub home: Option<String>,
}

impl HostEnvironment {
    /// Reads both from this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the sandbox reads the environment"
    )]
    pub fn read() -> Self {
        Self { path: std::env::var("PATH").ok(), home: std::env::var("HOME").ok() }
    }
}
