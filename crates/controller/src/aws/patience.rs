//! Owns waiting while a call that nothing can replace is throttled or answered with rubbish.
//! RegisterTaskDefinition has one call a second for the whole account, a proxy answers with a page of
//! its own while it restarts, and the SDK tries three times within seconds.

use super::error::{AwsError, Class};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FIRST_PAUSE: Duration = Duration::from_secs(1);

const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// After this the throttle is the answer.
const PATIENCE: Duration = Duration::from_mins(3);

/// After this the 5xx or the rubbish is.
const FAULT_PATIENCE: Duration = Duration::from_secs(45);

/// Calls until there is an answer, or an error of another kind than "not now". For what only reads.
pub(super) async fn patient<T, F>(call: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    wait_for(call, patience).await
}

/// Calls until the answer is another than "too many calls": nothing was done then. For what changes
/// something, and after rubbish for an answer may have done it.
pub(super) async fn throttled<T, F>(call: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    wait_for(call, |error| (error.class == Class::Throttled).then_some(PATIENCE)).await
}

/// Pauses double and are spread, so that many callers do not come back together.
async fn wait_for<T, F>(
    call: impl Fn() -> F,
    patience: impl Fn(&AwsError) -> Option<Duration>,
) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = call().await;
        let patience = answer.as_ref().err().and_then(&patience);
        let wait = pause.mul_f64(0.5 + fastrand::f64());
        match patience {
            Some(patience) if began.elapsed() + wait < patience => {}
            Some(_) | None => return answer,
        }
        sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// How long an error is waited for.
fn patience(error: &AwsError) -> Option<Duration> {
    match error.class {
        Class::Throttled => Some(PATIENCE),
        Class::ServerFault => Some(FAULT_PATIENCE),
        // Silence was given a minute by the SDK, and an address where nobody is stays empty.
        Class::NoAnswer => error.is_cut_off().then_some(FAULT_PATIENCE),
        Class::CredentialsExpired
        | Class::CredentialsRenewed
        | Class::CredentialsRefused
        | Class::AccessDenied
        | Class::ResourceNotFound
        | Class::Refused => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    async fn calls_until(answers: impl Fn(u32) -> Result<u32, Class>) -> (Result<u32, Class>, u32) {
        let calls = Cell::new(0);
        let answer = patient(|| async {
            calls.set(calls.get() + 1);
            answers(calls.get()).map_err(|class| AwsError {
                operation: "RegisterTaskDefinition",
                code: String::new(),
                message: String::new(),
                class,
            })
        })
        .await;
        (answer.map_err(|error| error.class), calls.get())
    }

    #[tokio::test(start_paused = true)]
    async fn rubbish_is_waited_for_as_well_and_not_for_as_long() {
        let third = |call| if call < 3 { Err(Class::ServerFault) } else { Ok(call) };
        assert_eq!(calls_until(third).await, (Ok(3), 3));
        let began = Instant::now();
        let (answer, _) = calls_until(|_| Err(Class::ServerFault)).await;
        assert_eq!(answer, Err(Class::ServerFault));
        assert!(began.elapsed() <= FAULT_PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_is_waited_for_and_nothing_else() {
        let third = |call| if call < 3 { Err(Class::Throttled) } else { Ok(call) };
        assert_eq!(calls_until(third).await, (Ok(3), 3));
        assert_eq!(calls_until(|_| Err(Class::Refused)).await, (Err(Class::Refused), 1));
        let began = Instant::now();
        let (answer, calls) = calls_until(|_| Err(Class::Throttled)).await;
        assert_eq!(answer, Err(Class::Throttled));
        assert!(calls > 8, "{calls}");
        assert!(began.elapsed() <= PATIENCE);
    }
}
