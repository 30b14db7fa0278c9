//! Owns waiting while a call that nothing can replace is throttled: RegisterTaskDefinition has one
//! call a second for the whole account, and the SDK tries three times within seconds.

use super::error::{AwsError, Class};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FIRST_PAUSE: Duration = Duration::from_secs(1);

const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// After this the throttle is the answer.
const PATIENCE: Duration = Duration::from_mins(3);

/// Calls until the answer is another than "too many calls". Pauses double and are spread, so that
/// many callers do not come back together.
pub(super) async fn throttled<T, F>(call: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let give_up = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = call().await;
        let too_many = answer.as_ref().is_err_and(|error| error.class == Class::Throttled);
        let wait = pause.mul_f64(0.5 + fastrand::f64());
        if !too_many || Instant::now() + wait >= give_up {
            return answer;
        }
        sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    async fn calls_until(answers: impl Fn(u32) -> Result<u32, Class>) -> (Result<u32, Class>, u32) {
        let calls = Cell::new(0);
        let answer = throttled(|| async {
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
