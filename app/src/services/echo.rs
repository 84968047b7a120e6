//! Echo: the first thing to try. `relais request echo hello` prints `echo hello`.

use std::time::Duration;

use relais_domain::{
    cache::Cache,
    routing::{CurrentUser, Fault, Message, Now, Route, Router},
};
use relais_proto::v1::{EchoRequest, EchoResponse};

pub(super) fn routes() -> Router {
    Router::new()
        .route(Route::new("from.{user}.echo", echo).about("Says what it is told"))
        .route(Route::new("from.{user}.echo.identified", identified).about("Says what it is told, and who said it"))
        .route(Route::new("from.{user}.echo.cached", cached).about("Says what it is told, and when; the same for 5 s"))
}

async fn echo(Message(request): Message<EchoRequest>) -> Message<EchoResponse> {
    Message(EchoResponse { message: format!("echo {}", request.message) })
}

/// The broker vouches for the caller; nothing in the message could.
async fn identified(Message(request): Message<EchoRequest>, user: CurrentUser) -> Message<EchoResponse> {
    Message(EchoResponse { message: format!("echo {} from {}", request.message, user.id()) })
}

/// The same answer for five seconds to the same question of the same user, then a new one.
async fn cached(
    Message(request): Message<EchoRequest>,
    user: CurrentUser,
    Now(now): Now,
    cache: Cache,
) -> Result<Message<EchoResponse>, Fault> {
    let key = ["echo.cached", user.id().as_str(), &request.message];
    let answer = || async { Ok::<_, Fault>(EchoResponse { message: format!("echo {} from {now}", request.message) }) };
    cache.message(key, Duration::from_secs(5), answer).await.map(Message)
}

#[cfg(test)]
mod tests {
    use relais_domain::routing::TestApp;

    use super::*;

    #[tokio::test]
    async fn a_cached_answer_stays_for_five_seconds() {
        let app = TestApp::start(routes()).await.unwrap();
        let ask = async |user: &str, message: &str| {
            let request = EchoRequest { message: message.to_owned() };
            app.request::<_, EchoResponse>(user, "echo.cached", &request).await.unwrap().message
        };
        assert_eq!(ask("ada", "tea").await, "echo tea from 2026-01-01T00:00:00Z");
        app.advance(Duration::from_secs(4)).await;
        assert_eq!(ask("ada", "tea").await, "echo tea from 2026-01-01T00:00:00Z");
        assert_eq!(ask("ada", "cake").await, "echo cake from 2026-01-01T00:00:04Z", "another question");
        assert_eq!(ask("bob", "tea").await, "echo tea from 2026-01-01T00:00:04Z", "another user");
        app.advance(Duration::from_secs(1)).await;
        assert_eq!(ask("ada", "tea").await, "echo tea from 2026-01-01T00:00:05Z");
    }
}
