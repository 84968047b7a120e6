//! User to user, through the server: `tell`, `answer`, `topic`.
//!
//! | a user publishes to | who hears it | where |
//! |---|---|---|
//! | `from.{user}.tell.{peer}.{rest..}` | that peer, if the policy lets the user reach them | `to.{peer}.from.{user}.{rest}` |
//! | `from.{user}.answer.{ticket}` | whoever asked by a `tell`, until the ticket expires | their inbox |
//! | `from.{user}.topic.{topic}` | everybody who may hear the topic | `topic.{topic}.{user}` |
//!
//! The origin stands in the subject, which the broker lets only the server publish to, so nobody can speak as somebody
//! else. A `tell` that is a request is delivered with the reply subject `from.{peer}.answer.{ticket}`: what any NATS client
//! calls `respond` publishes there, in the peer's own name. The ticket ([`Tickets`]) says where the answer is awaited and
//! who may give it.
//!
//! What is sent on is built anew: payload, trace, `Content-Type`, `Relais-Id`, `Relais-End`, and of an answer its fault; no other
//! header, and none of NATS' own. An answer bears `Relais-From: {peer}`, so that its receiver can tell the peer's words
//! (a fault, say) from the server's, which never bear it.

mod ticket;

use std::{collections::BTreeSet, future::Future, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};

pub use ticket::{TicketError, Tickets};

use crate::{
    identity::{Topic, UserId},
    message::{Headers, Message},
    routing::{CurrentUser, END, Fault, MESSAGE_ID, Now, Reply, Request, Route, Router, State, Tokens},
    subject::{MAX_REPLY, Subject},
};

/// The header that says which user gave an answer.
pub const FROM: &str = "Relais-From";

/// How long a peer may take to answer.
pub const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// The only headers that are carried from one user to another.
const CARRIED: [&str; 3] = ["Content-Type", MESSAGE_ID, END];

/// Asked whether one user may reach another.
type MayReach = Arc<dyn Fn(UserId, UserId) -> BoxFuture<'static, bool> + Send + Sync>;

/// Who may reach whom, by which topics, and the tickets for answers. Cheap to clone.
///
/// ```
/// use relais_domain::{peers::{Peers, Tickets}, routing::TestApp};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let peers = Peers::new(Tickets::new(&[7; 32])).may_reach(async |caller, peer| caller != peer);
/// let app = TestApp::start(peers.router()).await.unwrap();
/// app.client("ada").peer(&"bob".parse().unwrap()).publish_bytes("chat", "hi").await.unwrap();
/// app.settle().await;
/// assert_eq!(app.sent("to.bob.from.ada.chat")[0].payload, "hi");
/// # });
/// ```
#[derive(Clone)]
pub struct Peers {
    tickets: Tickets,
    may_reach: Option<MayReach>,
    topics: Arc<BTreeSet<Topic>>,
}

impl Peers {
    /// Nobody reaches anybody, and there is no topic.
    #[must_use]
    pub fn new(tickets: Tickets) -> Self {
        Self { tickets, may_reach: None, topics: Arc::default() }
    }

    /// Lets those through of whom `policy` says so, asked for every message with the caller and the peer.
    #[must_use]
    pub fn may_reach<F, Fut>(mut self, policy: F) -> Self
    where
        F: Fn(UserId, UserId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.may_reach = Some(Arc::new(move |caller, peer| policy(caller, peer).boxed()));
        self
    }

    /// Lets everybody reach everybody.
    #[must_use]
    pub fn everybody(self) -> Self {
        self.may_reach(async |_, _| true)
    }

    /// The topics that users may speak to.
    #[must_use]
    pub fn topics(mut self, topics: impl IntoIterator<Item = Topic>) -> Self {
        self.topics = Arc::new(topics.into_iter().collect());
        self
    }

    /// The user that `destination`, text from outside, names, if `caller` may reach them. Every destination in a payload
    /// goes through here before anything is sent to it.
    ///
    /// # Errors
    /// 400 when it is no user id, 403 when the policy says no. Whether there is such a user is not told.
    pub async fn reach(&self, caller: &UserId, destination: &str) -> Result<UserId, Fault> {
        let peer: UserId = destination.parse().map_err(|error| Fault::bad_request(format!("{error}")))?;
        let Some(may_reach) = &self.may_reach else {
            return Err(Fault::forbidden("users do not reach each other here: the setting `peers` is `none`"));
        };
        if may_reach(caller.clone(), peer.clone()).await {
            Ok(peer)
        } else {
            Err(Fault::forbidden(format!("you may not reach {peer}")))
        }
    }

    /// The routes `tell`, `answer` and `topic`.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route(
                Route::new("from.{user}.tell.{peer}.{rest..}", tell)
                    .name("tell")
                    .about("Relays a message to another user, and a request with a way to answer it"),
            )
            .route(
                Route::new("from.{user}.answer.{ticket}", answer)
                    .name("answer")
                    .about("Takes what a user answers to another's request to where it is awaited"),
            )
            .route(
                Route::new("from.{user}.topic.{topic}", topic)
                    .name("topic")
                    .about("Relays a message to everybody who may hear the topic"),
            )
            .with_state(self)
    }
}

/// Handles `tell`. A request is answered by the peer, so the server says something only when it refuses.
async fn tell(
    request: Request,
    user: CurrentUser,
    Tokens((peer, rest)): Tokens<(String, String)>,
    State(peers): State<Peers>,
    Now(now): Now,
    answer: Reply,
) -> Result<(), Fault> {
    let peer = peers.reach(user.id(), &peer).await?;
    let mut message = relayed(&request, &format!("to.{peer}.from.{}.{rest}", user.id()))?;
    if answer.is_awaited()
        && let Some(inbox) = &request.message().reply
    {
        let ticket = peers.tickets.seal(inbox, &peer, now.saturating_add(ANSWER_WITHIN).unwrap_or(now));
        let reply = ticket.map(|ticket| format!("from.{peer}.answer.{ticket}"));
        let reply = reply.filter(|reply| reply.len() <= MAX_REPLY).and_then(|reply| reply.parse().ok());
        message.reply = Some(reply.ok_or_else(|| Fault::bad_request("the reply subject is too long to be passed on"))?);
    }
    send(&request, message).await
}

/// Handles `answer`.
async fn answer(
    request: Request,
    user: CurrentUser,
    Tokens(ticket): Tokens<String>,
    State(peers): State<Peers>,
    Now(now): Now,
) -> Result<(), Fault> {
    let inbox = peers.tickets.open(&ticket, user.id(), now).map_err(|error| match error {
        TicketError::Foreign => Fault::forbidden("this is no ticket of yours"),
        TicketError::Expired => Fault::new(410, "the answer comes too late"),
    })?;
    let mut message = relayed(&request, inbox.as_str())?;
    if let Some(fault) = Fault::from_headers(&request.message().headers) {
        fault.to_headers().iter().for_each(|(name, value)| message.headers.append(name, value));
    }
    message.headers.append(FROM, user.id().as_str());
    send(&request, message).await
}

/// Handles `topic`.
async fn topic(
    request: Request,
    user: CurrentUser,
    Tokens(topic): Tokens<String>,
    State(peers): State<Peers>,
) -> Result<(), Fault> {
    let known = topic.parse::<Topic>().ok().filter(|topic| peers.topics.contains(topic));
    let topic = known.ok_or_else(|| Fault::not_found("there is no such topic"))?;
    send(&request, relayed(&request, &format!("topic.{topic}.{}", user.id()))?).await
}

/// The message that is sent on: built anew.
fn relayed(request: &Request, to: &str) -> Result<Message, Fault> {
    let to: Subject = to.parse().map_err(|problem| Fault::bad_request(format!("the subject cannot be: {problem}")))?;
    let mut message = Message::new(to, request.message().payload.clone());
    message.headers = carried(&request.message().headers);
    if let Some(trace) = request.trace() {
        trace.write_to(&mut message.headers);
    }
    Ok(message)
}

fn carried(headers: &Headers) -> Headers {
    CARRIED.iter().filter_map(|name| headers.get(name).map(|value| (*name, value))).collect()
}

async fn send(request: &Request, message: Message) -> Result<(), Fault> {
    let sent = request.ports().bus.publish(message).await;
    sent.map_err(|error| {
        tracing::warn!(%error, "a message could not be passed on");
        Fault::internal("the message could not be passed on")
    })
}

#[cfg(test)]
mod tests;
