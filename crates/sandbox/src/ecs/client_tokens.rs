//! Owns the memory of RunTask's client tokens: the same request gets the same tasks, another one a conflict.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::clock::Timestamp;

/// aws-facts 1.7.
const LIFETIME: Duration = Duration::from_hours(24);

/// By cluster and token.
#[derive(Debug, Default)]
pub(crate) struct ClientTokens(BTreeMap<(String, String), Use>);

#[derive(Debug)]
struct Use {
    at: Timestamp,
    request: Value,
    task_ids: Vec<String>,
}

/// What a token means for a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenAnswer {
    New,
    /// Ids of the tasks this very request started.
    Same(Vec<String>),
    /// Ids of the tasks another request started.
    Conflict(Vec<String>),
}

impl ClientTokens {
    pub(crate) fn look_up(
        &self,
        (cluster, token): (&str, &str),
        request: &Value,
        now: Timestamp,
    ) -> TokenAnswer {
        let found = self.0.get(&(cluster.to_owned(), token.to_owned()));
        match found.filter(|known| now.since(known.at) < LIFETIME) {
            None => TokenAnswer::New,
            Some(known) if known.request == *request => TokenAnswer::Same(known.task_ids.clone()),
            Some(known) => TokenAnswer::Conflict(known.task_ids.clone()),
        }
    }

    pub(crate) fn remember(
        &mut self,
        (cluster, token): (&str, &str),
        request: Value,
        (at, task_ids): (Timestamp, Vec<String>),
    ) {
        let known = Use { at, request, task_ids };
        self.0.insert((cluster.to_owned(), token.to_owned()), known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_is_of_one_cluster_one_request_and_one_day() {
        let start = Timestamp::from_millis(0);
        let mut tokens = ClientTokens::default();
        let (request, other) = (json!({"count": 1}), json!({"count": 2}));
        let ids = vec!["t1".to_owned()];
        tokens.remember(("prod", "k"), request.clone(), (start, ids.clone()));

        let look_up = |cluster, request| tokens.look_up((cluster, "k"), request, start);
        assert_eq!(look_up("prod", &request), TokenAnswer::Same(ids.clone()));
        assert_eq!(look_up("prod", &other), TokenAnswer::Conflict(ids));
        assert_eq!(look_up("test", &other), TokenAnswer::New);
        let tomorrow = Timestamp::from_millis(86_400_000);
        assert_eq!(tokens.look_up(("prod", "k"), &request, tomorrow), TokenAnswer::New);
    }
}
