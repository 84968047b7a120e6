//! One route: a pattern, its handler, and what is set for it.

use std::{panic::Location, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    Fault, Handler, RateLimit, Request, Retry, RouteDescription, Signature,
    bound::{BoundHandler, bind},
    layer::{BoundLayer, Layer},
};
use crate::subject::{InvalidSubject, Pattern};

/// One route: a pattern, its handler, and what is set for it. [`super::Router::subscribe`] makes a plain one.
///
/// ```
/// use std::time::Duration;
/// use relais_domain::routing::{RateLimit, Route, Router};
///
/// async fn place() {}
///
/// let orders = Route::new("from.{user}.orders.place", place)
///     .ordered()
///     .timeout(Duration::from_secs(2))
///     .rate_limit(RateLimit::per_second(5).burst(20));
/// let router: Router = Router::new().route(orders);
/// assert!(router.routes().is_ok());
/// ```
#[must_use = "a route does nothing until it is added to a router"]
pub struct Route<S = ()> {
    pub(super) pattern: Result<Arc<Pattern>, (String, InvalidSubject)>,
    pub(super) place: &'static Location<'static>,
    pub(super) settings: RouteSettings,
    pub(super) layers: Vec<BoundLayer>,
    pub(super) check: fn(&Pattern) -> Result<(), String>,
    pub(super) signature: Signature,
    pub(super) bind: Box<dyn FnOnce(S) -> BoundHandler + Send>,
}

/// Tells to which lane of an ordered route a message belongs.
pub(super) type KeyOf = Arc<dyn Fn(&Request) -> Bytes + Send + Sync>;
/// Says whether a caller may call at all.
pub(super) type Authenticate = Arc<dyn Fn(&Request) -> Result<(), Fault> + Send + Sync>;

/// What is set for a route, or for all routes of a router; `None` leaves it to whoever is outside.
#[derive(Clone, Default)]
pub(super) struct RouteSettings {
    pub(super) name: Option<String>,
    pub(super) about: Option<String>,
    pub(super) broadcast: bool,
    pub(super) key: Option<KeyOf>,
    pub(super) handlers: Option<usize>,
    pub(super) line: Option<usize>,
    pub(super) timeout: Option<Option<Duration>>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) retry: Option<Retry>,
    pub(super) dedup: Option<Duration>,
    pub(super) authenticate: Vec<Authenticate>,
    pub(super) panics_end_it: bool,
    pub(super) untraced: bool,
    pub(super) unmeasured: bool,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// A route for the messages whose subject matches `pattern`, such as `from.{user}.orders.{order}`.
    ///
    /// A pattern that cannot be read, or an argument that cannot be had on it, is told when the router is run.
    #[track_caller]
    pub fn new<M: 'static, H: Handler<M, S>>(pattern: &str, handler: H) -> Self {
        let parsed = pattern.parse::<Pattern>();
        Self {
            pattern: parsed.map(Arc::new).map_err(|problem| (pattern.to_owned(), problem)),
            place: Location::caller(),
            settings: RouteSettings::default(),
            layers: Vec::new(),
            check: H::check,
            signature: H::signature(),
            bind: Box::new(move |state: S| bind(move |request| handler.clone().call(request, state.clone()))),
        }
    }

    /// Every instance of the service gets every message. Without it, each message reaches one.
    ///
    /// Each instance answers, so a request gets as many answers as there are instances, of which its caller takes the
    /// first.
    pub fn broadcast(mut self) -> Self {
        self.settings.broadcast = true;
        self
    }

    /// Its name in descriptions and metrics; otherwise the literal tokens of the pattern.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    /// What it is for, in words, in descriptions.
    pub fn about(mut self, words: impl Into<String>) -> Self {
        self.settings.about = Some(words.into());
        self
    }

    /// One message of a caller at a time, in the order in which they arrived; callers do not wait for one another.
    pub fn ordered(self) -> Self {
        self.ordered_by(|request| request.caller().map(|caller| caller.as_str().to_owned()).unwrap_or_default())
    }

    /// One message of a key at a time, in the order in which they arrived; keys do not wait for one another.
    ///
    /// ```
    /// # use relais_domain::routing::Route;
    /// # async fn draw() {}
    /// # let route: Route =
    /// Route::new("from.{user}.rooms.{room}.draw", draw)
    ///     .ordered_by(|request| request.capture("room").unwrap_or_default().to_owned());
    /// ```
    pub fn ordered_by<K: Into<Bytes>>(mut self, key: impl Fn(&Request) -> K + Send + Sync + 'static) -> Self {
        self.settings.key = Some(Arc::new(move |request| key(request).into()));
        self
    }

    /// An async function around the handler, inside those of the router; see [`super::Layer`].
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.layers.push(Arc::new(move |request, next| layer.call(request, next)));
        self
    }
}

macro_rules! settings {
    ($type:ident, $($of:tt)*) => {
        impl<S> $type<S> {
            /// Handlers in flight at once, a route; at least one.
            pub fn handlers(mut self, handlers: usize) -> Self {
                self.settings.handlers = Some(handlers.max(1));
                self
            }

            /// Messages waiting for a handler, a route; beyond, callers get a 503 at once.
            pub fn line(mut self, messages: usize) -> Self {
                self.settings.line = Some(messages);
                self
            }

            /// How long a handler may take; of [`super::Answers`], each item.
            pub fn timeout(mut self, limit: Duration) -> Self {
                self.settings.timeout = Some(Some(limit));
                self
            }

            /// A handler may take as long as it likes.
            pub fn no_timeout(mut self) -> Self {
                self.settings.timeout = Some(None);
                self
            }

            /// How often a user may call a route, in this instance of the service; beyond, 429.
            pub fn rate_limit(mut self, limit: RateLimit) -> Self {
                self.settings.rate_limit = Some(limit);
                self
            }

            /// Runs a handler again that answers a fault for the moment (503), with waits between, within its time limit.
            ///
            /// Only where a handler that failed has done nothing. Requests are not sent again: nothing is lost by leaving
            /// this out but a caller's second attempt.
            pub fn retry(mut self, retry: Retry) -> Self {
                self.settings.retry = Some(retry);
                self
            }

            /// A message with the same caller and `Relais-Id` as one that was answered within `window` gets that answer, and
            /// the handler does not run; one that comes while the first runs waits for it.
            ///
            /// It is kept in memory, by this instance of the service: a help against impatient callers. Persistent messaging
            /// is what makes it exact. Faults, many answers and answers by hand are not kept.
            pub fn dedup(mut self, window: Duration) -> Self {
                self.settings.dedup = Some(window);
                self
            }

            /// Who may call at all, by the envelope: a quick look without waiting, before anything is spent on the message.
            /// The broker has made sure of who calls. What has to ask a database is a layer of your own.
            pub fn authenticate(
                mut self,
                check: impl Fn(&Request) -> Result<(), Fault> + Send + Sync + 'static,
            ) -> Self {
                self.settings.authenticate.push(Arc::new(check));
                self
            }

            /// Without panic isolation: a panic in a handler ends the route, as a bug would end a program.
            pub fn let_panics_end_it(mut self) -> Self {
                self.settings.panics_end_it = true;
                self
            }

            /// Without a span a message.
            pub fn untraced(mut self) -> Self {
                self.settings.untraced = true;
                self
            }

            /// Without times in its metrics; counts remain.
            pub fn unmeasured(mut self) -> Self {
                self.settings.unmeasured = true;
                self
            }
        }
    };
}
settings!(Route,);
settings!(Router,);

use super::Router;

impl RouteSettings {
    /// What is not set here is taken from `outer`.
    pub(super) fn fill_from(&mut self, outer: &Self) {
        self.handlers = self.handlers.or(outer.handlers);
        self.line = self.line.or(outer.line);
        self.timeout = self.timeout.or(outer.timeout);
        self.rate_limit = self.rate_limit.or(outer.rate_limit);
        self.retry = self.retry.or(outer.retry);
        self.dedup = self.dedup.or(outer.dedup);
        let own = std::mem::replace(&mut self.authenticate, outer.authenticate.clone());
        self.authenticate.extend(own);
        self.panics_end_it |= outer.panics_end_it;
        self.untraced |= outer.untraced;
        self.unmeasured |= outer.unmeasured;
    }
}

impl<S> Route<S> {
    /// What it is, once its pattern can be read.
    pub(super) fn describe(&self, pattern: &Pattern) -> RouteDescription {
        RouteDescription {
            pattern: pattern.to_string(),
            filter: pattern.filter().to_string(),
            name: self.settings.name.clone().unwrap_or_else(|| pattern.default_name()),
            about: self.settings.about.clone(),
            signature: self.signature,
            broadcast: self.settings.broadcast,
            place: self.place.to_string(),
            timeout: self.settings.timeout,
        }
    }

    /// The pattern as it was written.
    pub(super) fn written(&self) -> &str {
        match &self.pattern {
            Ok(pattern) => pattern.as_str(),
            Err((text, _)) => text,
        }
    }

    /// Puts `outer` around it.
    pub(super) fn absorb(&mut self, settings: &RouteSettings, layers: &[BoundLayer]) {
        self.settings.fill_from(settings);
        self.layers.splice(0..0, layers.iter().cloned());
    }
}
