//! Owns the sessions that a command leaves in the server. A server that runs a statement does not see
//! that its client is gone: it goes on, and commits when the lock is somebody else's already.

use crate::error::Fault;
use crate::hold::Hold;
use crate::progress::{Progress, Sink};
use crate::reach::beside;
use crate::session::Session;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::types::Type;

/// How long a session has to go by itself before it is worth a word.
const A_MOMENT: Duration = Duration::from_millis(300);

/// How long one may take to go that was told to.
const UNTIL_GONE: Duration = Duration::from_secs(10);

const ASK_AGAIN: Duration = Duration::from_millis(20);

/// By their name, and by the ports that their clients had on this machine. The server cuts names at
/// 63 bytes.
const WHOSE: &str = "SELECT a.pid FROM pg_catalog.pg_stat_activity a \
    WHERE a.pid <> pg_catalog.pg_backend_pid() AND (a.application_name = pg_catalog.left($1, 63) \
      OR a.client_port = ANY ($2) AND a.client_port > 0 AND a.client_addr = (SELECT u.client_addr \
         FROM pg_catalog.pg_stat_activity u WHERE u.pid = pg_catalog.pg_backend_pid())) ORDER BY 1";

/// Whose sessions they are.
#[derive(Debug)]
pub struct Sessions<'a> {
    /// What `pg_stat_activity` shows of them, unless the command gave them another name.
    pub application_name: &'a str,
    /// The local ports of its connections, as they were last seen.
    pub ports: Vec<i32>,
}

impl Hold {
    /// Ends the sessions of a command that has ended, and sees them gone: only then is the lock for
    /// somebody else.
    pub async fn end_sessions(&self, sessions: &Sessions<'_>, sink: &mut dyn Sink) {
        let ended = match end(&self.session, sessions, sink).await {
            Err(Fault::Lost(_)) => match timeout(UNTIL_GONE, beside(self.settings())).await {
                Ok(Ok(session)) => {
                    let ended = end(&session, sessions, sink).await;
                    session.close().await;
                    ended
                }
                Ok(Err(_)) | Err(_) => Ok(None),
            },
            ended => ended,
        };
        let left = match ended {
            Ok(Some(left)) if left.is_empty() => return,
            Ok(Some(left)) => {
                let pids: Vec<String> = left.iter().map(ToString::to_string).collect();
                format!("these sessions of the command are still there: pid {}", pids.join(", "))
            }
            Ok(None) | Err(_) => {
                "whether a session of the command goes on in the server could not be seen"
                    .to_owned()
            }
        };
        sink.emit(Progress::Notice { code: "sessions_left", text: left });
    }
}

/// Those that are still there at the end of our patience.
async fn end(
    session: &Session,
    sessions: &Sessions<'_>,
    sink: &mut dyn Sink,
) -> Result<Option<BTreeSet<i32>>, Fault> {
    let begun = Instant::now();
    let mut told = BTreeSet::new();
    let mut said = false;
    loop {
        let name = sessions.application_name;
        let rows = session
            .query_as_login(WHOSE, &[(&name, Type::TEXT), (&sessions.ports, Type::INT4_ARRAY)])
            .await?;
        let there: BTreeSet<i32> = crate::row::column(&rows, 0)?.into_iter().collect();
        if there.is_empty() || begun.elapsed() >= UNTIL_GONE {
            return Ok(Some(there));
        }
        for pid in &there {
            if told.insert(*pid) {
                // Another role's cannot be told; whether it is gone is asked again.
                let sql = "SELECT pg_catalog.pg_terminate_backend($1)";
                match session.query_as_login(sql, &[(pid, Type::INT4)]).await {
                    Ok(_) | Err(Fault::Server(_) | Fault::Answer(_)) => {}
                    Err(lost @ Fault::Lost(_)) => return Err(lost),
                }
            }
        }
        if !said && begun.elapsed() >= A_MOMENT {
            said = true;
            sink.emit(Progress::Notice {
                code: "sessions_ended",
                text: "the command ended, and its sessions in the server did not; they are ended"
                    .to_owned(),
            });
        }
        sleep(ASK_AGAIN).await;
    }
}
