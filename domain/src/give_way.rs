//! A pause in a long turn.

use std::{future::poll_fn, task::Poll};

/// Lets others on this thread have their turn.
pub(crate) async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
