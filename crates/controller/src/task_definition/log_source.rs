//! Owns where the log of each container goes, computed from the definition alone.

use super::document::Document;
use serde_json::Value;

/// Where a container's log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSource {
    pub(crate) container: String,
    pub(crate) driver: Driver,
}

/// The log driver, as far as a reader cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Driver {
    /// CloudWatch Logs. The driver names the stream `PREFIX/CONTAINER/TASK-ID`.
    Awslogs {
        group: String,
        prefix: String,
        /// The group's own Region; it may differ from the task's.
        region: String,
    },
    /// Anything that cannot be read back, with its name.
    Other(String),
}

impl Driver {
    /// The name of a task's stream.
    pub(crate) fn stream(prefix: &str, container: &str, task_id: &str) -> String {
        format!("{prefix}/{container}/{task_id}")
    }
}

/// Where the logs of all containers go; `region` counts where the definition names none.
pub(crate) fn log_sources(document: &Document, region: &str) -> Vec<LogSource> {
    document
        .containers()
        .iter()
        .filter_map(|container| {
            Some(LogSource {
                container: container["name"].as_str()?.to_owned(),
                driver: driver(&container["logConfiguration"], region),
            })
        })
        .collect()
}

fn driver(configuration: &Value, region: &str) -> Driver {
    let name = configuration["logDriver"].as_str().unwrap_or("none");
    let option = |key: &str| configuration["options"][key].as_str();
    match (name, option("awslogs-group"), option("awslogs-stream-prefix")) {
        ("awslogs", Some(group), Some(prefix)) => Driver::Awslogs {
            group: group.to_owned(),
            prefix: prefix.to_owned(),
            region: option("awslogs-region").unwrap_or(region).to_owned(),
        },
        // Without a prefix (EC2 only) the stream is named after the container's runtime id.
        ("awslogs", _, _) => Driver::Other("awslogs without a stream prefix".to_owned()),
        _ => Driver::Other(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_definition_says_where_the_log_is() {
        let document = Document(json!({"containerDefinitions": [
            {"name": "migrate", "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/app", "awslogs-stream-prefix": "p", "awslogs-region": "eu-west-1"}}},
            {"name": "near", "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "g", "awslogs-stream-prefix": "p"}}},
            {"name": "proxy", "logConfiguration": {"logDriver": "splunk"}},
            {"name": "silent"}
        ]}));
        let sources = log_sources(&document, "eu-central-1");
        let drivers: Vec<&Driver> = sources.iter().map(|source| &source.driver).collect();
        let awslogs = |group: &str, region: &str| Driver::Awslogs {
            group: group.to_owned(),
            prefix: "p".to_owned(),
            region: region.to_owned(),
        };
        assert_eq!(*drivers[0], awslogs("/ecs/app", "eu-west-1"));
        assert_eq!(*drivers[1], awslogs("g", "eu-central-1"));
        assert_eq!(*drivers[2], Driver::Other("splunk".to_owned()));
        assert_eq!(*drivers[3], Driver::Other("none".to_owned()));
        assert_eq!(Driver::stream("p", "migrate", "0123"), "p/migrate/0123");
    }
}
