//! Handlers with their state, erased.
//!
//! A route's task does not call a handler into a new box for each message: it keeps [`Run`]s, each a place in memory in which
//! the handler's future is made anew. So a message whose handler does not wait costs no allocation for it.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};

use super::{Answer, Request};

/// A handler with its state.
pub(super) type BoundHandler = Arc<dyn Bound>;

/// A handler with its state, whatever its types are.
pub(super) trait Bound: Send + Sync {
    /// Calls it, for those who are around it.
    fn call(&self, request: Request) -> BoxFuture<'static, Answer>;

    /// A place to run it in, again and again.
    fn run(&self) -> Box<dyn Run>;
}

/// A place in which a handler runs, once at a time.
pub(super) trait Run: Send {
    /// Begins with a request; what it was at before is dropped.
    fn begin(&mut self, request: Request);

    /// Goes on; pending for ever when there is nothing it is at.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answer>;

    /// Drops what it was at.
    fn end(&mut self);
}

/// Binds an async function of a request.
pub(super) fn bind<F, Fut>(call: F) -> BoundHandler
where
    F: Fn(Request) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    Arc::new(Function { call, future: PhantomData })
}

struct Function<F, Fut> {
    call: F,
    future: PhantomData<fn() -> Fut>,
}

struct Place<F, Fut> {
    call: F,
    at: Pin<Box<Option<Fut>>>,
}

impl<F, Fut> Bound for Function<F, Fut>
where
    F: Fn(Request) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    fn call(&self, request: Request) -> BoxFuture<'static, Answer> {
        (self.call)(request).boxed()
    }

    fn run(&self) -> Box<dyn Run> {
        Box::new(Place { call: self.call.clone(), at: Box::pin(None) })
    }
}

impl<F, Fut> Run for Place<F, Fut>
where
    F: Fn(Request) -> Fut + Send,
    Fut: Future<Output = Answer> + Send,
{
    fn begin(&mut self, request: Request) {
        self.at.set(Some((self.call)(request)));
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answer> {
        match self.at.as_mut().as_pin_mut() {
            Some(future) => future.poll(context),
            None => Poll::Pending,
        }
    }

    fn end(&mut self) {
        self.at.set(None);
    }
}
