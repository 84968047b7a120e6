//! Running a handler again that has failed for the moment.

use std::{sync::Arc, time::Duration};

use crate::routing::{
    Answer, Request,
    bound::{BoundHandler, bind},
};

/// How often, and with what waits between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    attempts: u32,
    wait: Duration,
}

impl Retry {
    /// At most so many attempts in all (at least one); 100 ms before the second, twice as long before each further one.
    #[must_use]
    pub fn attempts(attempts: u32) -> Self {
        Self { attempts: attempts.max(1), wait: Duration::from_millis(100) }
    }

    /// The wait before the second attempt; it doubles before each further one.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }
}

/// `handler`, run again while its answer is a fault 503, it has sent nothing by hand, and there is time left.
pub(in crate::routing) fn again(handler: BoundHandler, retry: Retry) -> BoundHandler {
    bind(move |request: Request| {
        let handler = Arc::clone(&handler);
        async move {
            let mut wait = retry.wait;
            let mut left = retry.attempts;
            loop {
                let answer = handler.call(request.clone()).await;
                left -= 1;
                let for_the_moment = matches!(&answer, Answer::Fault(fault) if fault.code() == 503);
                let in_time = request.time_left().is_none_or(|time| time > wait);
                if left == 0 || !for_the_moment || !in_time || request.is_answered() {
                    return answer;
                }
                request.ports().clock.sleep(wait).await;
                wait = wait.saturating_mul(2);
            }
        }
    })
}
