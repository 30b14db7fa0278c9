//! Owns the ARN of a task and what can be read out of it.

use std::fmt;

/// `arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TaskArn(String);

impl TaskArn {
    /// Takes the text as it is; ECS also accepts the bare id.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole ARN.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment: it names the task in the log stream's name.
    pub(crate) fn id(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, id)| id)
    }

    /// The Region, if the ARN says it.
    pub(crate) fn region(&self) -> Option<&str> {
        self.0.starts_with("arn:").then(|| self.0.split(':').nth(3))?
    }

    /// The cluster's name, if the ARN says it.
    pub(crate) fn cluster(&self) -> Option<&str> {
        let (_, path) = self.0.split_once(":task/")?;
        path.split_once('/').map(|(cluster, _)| cluster)
    }
}

impl fmt::Display for TaskArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_cluster_and_id_and_a_bare_id_only_itself() {
        let arn = TaskArn::new("arn:aws:ecs:eu-west-1:1:task/prod/0123");
        assert_eq!((arn.cluster(), arn.id()), (Some("prod"), "0123"));
        assert_eq!(arn.region(), Some("eu-west-1"));
        let bare = TaskArn::new("0123");
        assert_eq!((bare.cluster(), bare.id()), (None, "0123"));
        assert_eq!(bare.region(), None);
    }
}
