//! Ping pong: two users reach each other through the server. `relais request ping '{"destination": "…", "message": "hi"}'`
//! is heard by `relais subscribe ping` of the other.

use relais_domain::{
    peers::Peers,
    routing::{CurrentUser, Fault, Message, Route, Router, State, ToUser},
};
use relais_proto::v1::PingRequest;

pub(super) fn routes(peers: Peers) -> Router {
    Router::new().route(Route::new("from.{user}.ping", ping).about("Pings another user")).with_state(peers)
}

/// What the caller writes as origin means nothing: the broker says who it is. The destination is text from outside, so it
/// is parsed, and the policy asked, before anything is sent there.
async fn ping(
    Message(request): Message<PingRequest>,
    user: CurrentUser,
    State(peers): State<Peers>,
    to: ToUser,
) -> Result<(), Fault> {
    let destination = peers.reach(user.id(), &request.destination).await?;
    let ping = PingRequest { origin: user.id().to_string(), ..request };
    Ok(to.message(&destination, "ping", &ping).await?)
}

#[cfg(test)]
mod tests {
    use relais_domain::{
        client::ClientError,
        peers::Tickets,
        routing::{Fault, TestApp},
    };

    use super::*;

    fn ping(destination: &str, origin: &str) -> PingRequest {
        PingRequest { destination: destination.to_owned(), origin: origin.to_owned(), message: "hi".to_owned() }
    }

    #[tokio::test]
    async fn two_users_ping_and_pong_and_nobody_forges_an_origin() {
        let app = TestApp::start(routes(Peers::new(Tickets::new(&[7; 32])).everybody())).await.unwrap();
        let (ada, bob) = (app.client("ada"), app.client("bob"));
        app.drive(async {
            let mut to_ada = ada.subscribe::<PingRequest>("ping").await.unwrap();
            let mut to_bob = bob.subscribe::<PingRequest>("ping").await.unwrap();
            ada.request::<_, ()>("ping", &ping("bob", "carol")).await.unwrap();
            let heard = to_bob.next().await.unwrap().unwrap().message;
            assert_eq!(heard, ping("bob", "ada"), "the origin is who sent it");
            bob.request::<_, ()>("ping", &ping(&heard.origin, "")).await.unwrap();
            assert_eq!(to_ada.next().await.unwrap().unwrap().message, ping("ada", "bob"));
        })
        .await;
        for hostile in ["x.from.y", ">", "*", "", "a b", "bob.ping", "svc-relais"] {
            let refused = app.request::<_, ()>("eve", "ping", &ping(hostile, "")).await;
            assert!(matches!(refused, Err(ClientError::Fault(fault)) if fault.code() == 400), "{hostile:?}");
        }
        assert_eq!(app.sent("to.>").len(), 2);
    }

    #[tokio::test]
    async fn the_policy_holds_for_pings_too() {
        let app = TestApp::start(routes(Peers::new(Tickets::new(&[7; 32])))).await.unwrap();
        let refused = app.request::<_, ()>("ada", "ping", &ping("bob", "")).await;
        let forbidden = Fault::forbidden("users do not reach each other here: the setting `peers` is `none`");
        assert!(matches!(refused, Err(ClientError::Fault(fault)) if fault == forbidden));
        assert!(app.sent("to.>").is_empty());
    }
}
