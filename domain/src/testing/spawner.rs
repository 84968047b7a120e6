//! The contract of [`crate::ports::Spawner`].

use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::ports::Spawner;

/// Panics where `spawner` does not keep its contract.
pub async fn suite(spawner: &dyn Spawner) {
    let (go, wait) = oneshot::channel::<()>();
    let (said, heard) = oneshot::channel();
    let task = async move {
        let _ = wait.await;
        let _ = said.send(7);
    };
    let end = spawner.spawn(task.boxed());
    go.send(()).expect("the task waits beside the caller");
    assert_eq!(heard.await, Ok(7));
    end.await;

    #[allow(clippy::panic)]
    let failing = async { panic!("on purpose: the contract of a spawner") };
    spawner.spawn(failing.boxed()).await;

    let (said, heard) = oneshot::channel();
    drop(
        spawner.spawn(
            async move {
                let _ = said.send(());
            }
            .boxed(),
        ),
    );
    heard.await.expect("a task goes on when nobody waits for its end");
}

#[cfg(test)]
mod tests {
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        let spawner = memory::Spawner::default();
        spawner.drive(super::suite(&spawner)).await;
    }
}
