//! Owns keeping a session from being idle. Its server may end who is, by `idle_session_timeout` or
//! `idle_in_transaction_session_timeout`, and so may what stands in between; our own pauses, such as
//! giving way to traffic, are longer than some of these limits. A question of no words restarts every
//! such clock, and changes nothing that a script could see.

use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio_postgres::Client;

/// How long a session is silent at most.
const PERIOD: Duration = Duration::from_secs(1);

/// Below this a limit is a mistake: no client could keep to it.
const SHORTEST: Duration = Duration::from_millis(20);

/// The shortest of the server's limits on idleness in milliseconds; none, if nothing limits it. The
/// first of them is there since PostgreSQL 14.
pub(crate) const LIMIT: &str = "(SELECT pg_catalog.min(EXTRACT(epoch FROM limits.text::interval)::float8 * 1000.0::float8)::int8 \
    FROM (VALUES (pg_catalog.current_setting('idle_session_timeout', true)), \
      (pg_catalog.current_setting('idle_in_transaction_session_timeout', true))) AS limits(text) \
    WHERE limits.text <> '0')";

/// Says something now and then, for as long as anybody has the client.
pub(crate) fn keep(client: &Arc<Client>, limit: Option<i64>) -> AbortHandle {
    let client = Arc::downgrade(client);
    let period = period(limit);
    tokio::spawn(async move { while say_something(&client, period).await {} }).abort_handle()
}

/// False when there is nobody to say it for.
async fn say_something(client: &Weak<Client>, period: Duration) -> bool {
    tokio::time::sleep(period).await;
    let Some(client) = client.upgrade() else { return false };
    // Behind a statement that runs it waits for its turn; whoever needs the connection sees its loss.
    let _said = client.batch_execute("").await;
    !client.is_closed()
}

fn period(limit: Option<i64>) -> Duration {
    let limit = limit.and_then(|milliseconds| u64::try_from(milliseconds).ok());
    limit.map_or(PERIOD, |limit| (Duration::from_millis(limit) / 3).clamp(SHORTEST, PERIOD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_kept_to_with_room() {
        for (limit, wanted) in [
            (None, 1_000),
            (Some(60_000), 1_000),
            (Some(900), 300),
            (Some(1), 20),
            (Some(-1), 1_000),
        ] {
            assert_eq!(period(limit), Duration::from_millis(wanted), "{limit:?}");
        }
    }
}
