//! Owns how things are called: ARNs and the short names they stand for.

/// The account and region every ARN of a sandbox carries.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) account: String,
    pub(crate) region: String,
    /// The role, with its path, whose session every request is made in; of a user without one.
    pub(crate) assumed: Option<String>,
}

impl Identity {
    fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }

    pub(crate) fn cluster(&self, name: &str) -> String {
        self.arn("ecs", &format!("cluster/{name}"))
    }

    pub(crate) fn task(&self, cluster: &str, id: &str) -> String {
        self.arn("ecs", &format!("task/{cluster}/{id}"))
    }

    pub(crate) fn container(&self, cluster: &str, task: &str, id: &str) -> String {
        self.arn("ecs", &format!("container/{cluster}/{task}/{id}"))
    }

    pub(crate) fn service(&self, cluster: &str, name: &str) -> String {
        self.arn("ecs", &format!("service/{cluster}/{name}"))
    }

    /// A service's deployment or revision; `path` is cluster and name.
    pub(crate) fn part_of_service(&self, kind: &str, path: &str, id: &str) -> String {
        self.arn("ecs", &format!("{kind}/{path}/{id}"))
    }

    pub(crate) fn definition(&self, family: &str, revision: usize) -> String {
        self.arn("ecs", &format!("task-definition/{family}:{revision}"))
    }

    pub(crate) fn stack(&self, name: &str, id: &str) -> String {
        self.arn("cloudformation", &format!("stack/{name}/{id}"))
    }

    pub(crate) fn repository(&self, name: &str) -> String {
        self.arn("ecr", &format!("repository/{name}"))
    }

    pub(crate) fn log_group(&self, name: &str) -> String {
        self.arn("logs", &format!("log-group:{name}"))
    }

    pub(crate) fn secret(&self, name: &str, suffix: &str) -> String {
        self.arn("secretsmanager", &format!("secret:{name}-{suffix}"))
    }

    /// IAM has no Region.
    pub(crate) fn role(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    /// Who a caller is: every request is the same user's, or the same session's. A session's ARN has its
    /// role's name without the path (IAM, "IAM identifiers").
    pub(crate) fn caller(&self) -> String {
        let account = &self.account;
        match self.assumed.as_deref().map(name_of_role) {
            Some(role) => format!("arn:aws:sts::{account}:assumed-role/{role}/sandbox"),
            None => format!("arn:aws:iam::{account}:user/sandbox"),
        }
    }
}

/// The name at the end of a path.
pub(crate) fn name_of_role(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The part of an ECS ARN after its last slash, or the text itself when it is no ARN.
pub(crate) fn short_name(name_or_arn: &str) -> &str {
    if name_or_arn.starts_with("arn:") {
        name_or_arn.rsplit_once('/').map_or(name_or_arn, |(_, name)| name)
    } else {
        name_or_arn
    }
}

/// The log group named by a `logGroupIdentifier`: a name, or an ARN with or without `:*`.
pub(crate) fn log_group_name(name_or_arn: &str) -> &str {
    name_or_arn
        .split_once(":log-group:")
        .map_or(name_or_arn, |(_, rest)| rest.strip_suffix(":*").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names() {
        for (given, short) in [
            ("prod", "prod"),
            ("arn:aws:ecs:eu-west-1:1:cluster/prod", "prod"),
            ("arn:aws:ecs:eu-west-1:1:task/prod/0123", "0123"),
        ] {
            assert_eq!(short_name(given), short);
        }
        for (given, name) in [
            ("/ecs/app", "/ecs/app"),
            ("arn:aws:logs:eu-west-1:1:log-group:/ecs/app", "/ecs/app"),
            ("arn:aws:logs:eu-west-1:1:log-group:/ecs/app:*", "/ecs/app"),
        ] {
            assert_eq!(log_group_name(given), name);
        }
    }
}
