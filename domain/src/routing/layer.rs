//! Layers: what happens around handlers.
//!
//! # Order
//!
//! A message passes these, always in this order, whatever the order in which they were asked for; each may be left out.
//!
//! | layer | is on | what it does |
//! |---|---|---|
//! | panic isolation | unless [`Route::let_panics_end_it`](super::Route::let_panics_end_it) | a panic is a 500 to that caller; others go on |
//! | trace | unless [`Route::untraced`](super::Route::untraced) | a `tracing` span a message, in the caller's trace |
//! | metrics | unless [`Route::unmeasured`](super::Route::unmeasured) | times and counts ([`super::RouteStats`]) |
//! | authenticate | with [`Route::authenticate`](super::Route::authenticate) | who may call at all; the broker has said who calls |
//! | rate limit | with [`Route::rate_limit`](super::Route::rate_limit) | so many messages a second a user; beyond, 429 |
//! | concurrency limit | always | so many handlers in flight, so many messages waiting; beyond, 503 |
//! | time limit | unless [`Route::no_timeout`](super::Route::no_timeout) | a handler that takes longer is dropped; 504 |
//! | retry | with [`Route::retry`](super::Route::retry) | a handler that says 503 runs again, within the time limit |
//! | dedup | with [`Route::dedup`](super::Route::dedup) | the same message once more gets the same answer |
//! | your own | with `layer` on app, router and route | in that order, and in each as written: the first is the outermost |
//!
//! # Your own
//!
//! One async function:
//!
//! ```
//! use relais_domain::routing::{Answer, Next, Request, Router};
//!
//! async fn audit(request: Request, next: Next) -> Answer {
//!     let subject = request.message().subject.clone();
//!     let answer = next.run(request).await;
//!     println!("{subject}: {answer:?}");
//!     answer
//! }
//!
//! let router: Router = Router::new().subscribe("from.{user}.x", async || {}).layer(audit);
//! ```

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};

use super::{
    Answer, IntoAnswer, IsAsync, Request,
    bound::{BoundHandler, bind},
};

/// A layer, erased.
pub(super) type BoundLayer = Arc<dyn Fn(Request, Next) -> BoxFuture<'static, Answer> + Send + Sync>;

/// An async function around a handler: takes the request and what comes [`Next`], and answers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer",
    label = "not a layer",
    note = "a layer is an `async fn(request: Request, next: Next)` that returns what a handler may return, such as the \
            `Answer` of `next.run(request).await`, and whose future is `Send`"
)]
pub trait Layer: Send + Sync + 'static {
    /// Runs it.
    fn call(&self, request: Request, next: Next) -> BoxFuture<'static, Answer>;
}

/// A function of what a layer takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer",
    label = "not a layer",
    note = "a layer is an `async fn(request: Request, next: Next)`; name it here, do not call it"
)]
pub trait LayerFunction: Send + Sync + 'static {
    /// What calling it gives: for an async function a future.
    type Output;

    /// Calls it.
    fn call_with(&self, request: Request, next: Next) -> Self::Output;
}

#[diagnostic::do_not_recommend]
impl<F, O> LayerFunction for F
where
    F: Fn(Request, Next) -> O + Send + Sync + 'static,
{
    type Output = O;

    fn call_with(&self, request: Request, next: Next) -> O {
        self(request, next)
    }
}

impl<F: LayerFunction> Layer for F
where
    F::Output: IsAsync + Send + 'static,
    <F::Output as IsAsync>::Answer: IntoAnswer,
{
    fn call(&self, request: Request, next: Next) -> BoxFuture<'static, Answer> {
        let answer = self.call_with(request, next);
        async move { answer.await.into_answer() }.boxed()
    }
}

/// What a layer is around: the layers inside it, and the handler.
#[derive(Clone)]
pub struct Next {
    layers: Arc<[BoundLayer]>,
    index: usize,
    handler: BoundHandler,
}

impl Next {
    /// Runs the rest. May be called again, or not at all.
    pub async fn run(mut self, request: Request) -> Answer {
        match self.layers.get(self.index).cloned() {
            Some(layer) => {
                self.index += 1;
                layer(request, self).await
            }
            None => self.handler.call(request).await,
        }
    }
}

/// `handler` inside `layers`, of which the first is the outermost.
pub(super) fn wrap(handler: BoundHandler, layers: Vec<BoundLayer>) -> BoundHandler {
    if layers.is_empty() {
        return handler;
    }
    let layers: Arc<[BoundLayer]> = layers.into();
    bind(move |request| {
        let next = Next { layers: Arc::clone(&layers), index: 0, handler: Arc::clone(&handler) };
        next.run(request)
    })
}
