//! Which handler answers which messages.

use std::{fmt, panic::Location, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};

use super::{Answer, Handler, Request};
use crate::subject::{InvalidSubject, Pattern};

/// Which handler answers which messages.
///
/// `S` is the state its handlers may take a part of ([`super::State`]); [`Router::with_state`] gives it and leaves a
/// `Router<()>`, which is what a service runs. Mistakes (a malformed pattern, two handlers for one subject, …) are kept
/// and told, all at once, when the router is run: [`RouteError`].
///
/// ```
/// use relais_domain::routing::{CurrentUser, Router, State};
///
/// async fn hello(user: CurrentUser, State(greeting): State<String>) -> Vec<u8> {
///     format!("{greeting}, {}", user.id()).into_bytes()
/// }
///
/// let router = Router::new().subscribe("from.{user}.hello", hello).with_state("good day".to_owned());
/// assert!(router.routes().is_ok());
/// ```
#[must_use = "a router does nothing until a service runs it"]
pub struct Router<S = ()> {
    routes: Vec<Unbound<S>>,
    problems: Vec<RouteError>,
}

type Bind<S> = Box<dyn FnOnce(S) -> BoundHandler + Send>;

pub(super) type BoundHandler = Arc<dyn Fn(Request) -> BoxFuture<'static, Answer> + Send + Sync>;

struct Unbound<S> {
    pattern: Arc<Pattern>,
    place: &'static Location<'static>,
    bind: Bind<S>,
}

/// A pattern and the handler for it, state included.
pub(super) struct Route {
    pub(super) pattern: Arc<Pattern>,
    pub(super) handler: BoundHandler,
}

/// A route that cannot be: where it was written, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteError {
    /// The pattern as it was written.
    pub pattern: String,
    /// File, line and column of the `subscribe`.
    pub place: String,
    /// What is wrong.
    pub problem: RouteProblem,
}

/// What can be wrong with a route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteProblem {
    /// The pattern cannot be read.
    #[error("it is no pattern: {0}")]
    Pattern(InvalidSubject),
    /// An argument of the handler cannot be had on this pattern.
    #[error("{0}")]
    Argument(String),
    /// Another route takes (some of) the same messages; both would handle them.
    #[error("it overlaps {pattern}, registered at {place}; each message must have one handler")]
    Overlap {
        /// The other's pattern.
        pattern: String,
        /// Where the other was registered.
        place: String,
    },
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the route {} at {} cannot be: {}", self.pattern, self.place, self.problem)
    }
}

impl std::error::Error for RouteError {}

impl<S: Clone + Send + Sync + 'static> Router<S> {
    /// A router without routes.
    pub fn new() -> Self {
        Self { routes: Vec::new(), problems: Vec::new() }
    }

    /// Lets `handler` answer the messages whose subject matches `pattern`, such as `from.{user}.orders.{order}`; each
    /// message reaches one instance of the service.
    #[track_caller]
    pub fn subscribe<M: 'static, H: Handler<M, S>>(mut self, pattern: &str, handler: H) -> Self {
        let place = Location::caller();
        let wrong = |problem| RouteError { pattern: pattern.to_owned(), place: place.to_string(), problem };
        let parsed: Pattern = match pattern.parse() {
            Ok(parsed) => parsed,
            Err(error) => {
                self.problems.push(wrong(RouteProblem::Pattern(error)));
                return self;
            }
        };
        if let Err(words) = H::check(&parsed) {
            self.problems.push(wrong(RouteProblem::Argument(words)));
        }
        let bind: Bind<S> =
            Box::new(move |state: S| Arc::new(move |request| handler.clone().call(request, state.clone()).boxed()));
        self.routes.push(Unbound { pattern: Arc::new(parsed), place, bind });
        self
    }

    /// Takes over the routes of `other`.
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self.problems.extend(other.problems);
        self
    }

    /// Gives the handlers their state.
    pub fn with_state(self, state: S) -> Router<()> {
        let bound = |route: Unbound<S>| {
            let handler = (route.bind)(state.clone());
            let bind: Bind<()> = Box::new(move |()| handler);
            Unbound { pattern: route.pattern, place: route.place, bind }
        };
        Router { routes: self.routes.into_iter().map(bound).collect(), problems: self.problems }
    }

    /// The patterns in the order they were registered.
    ///
    /// # Errors
    /// Every mistake in the router, so that all can be mended at once.
    pub fn routes(&self) -> Result<Vec<&Pattern>, Vec<RouteError>> {
        let mut problems = self.problems.clone();
        for (index, route) in self.routes.iter().enumerate() {
            let earlier = &self.routes[..index];
            if let Some(other) = earlier.iter().find(|other| other.pattern.filter().overlaps(route.pattern.filter())) {
                problems.push(RouteError {
                    pattern: route.pattern.to_string(),
                    place: route.place.to_string(),
                    problem: RouteProblem::Overlap {
                        pattern: other.pattern.to_string(),
                        place: other.place.to_string(),
                    },
                });
            }
        }
        if problems.is_empty() { Ok(self.routes.iter().map(|route| &*route.pattern).collect()) } else { Err(problems) }
    }
}

impl Router<()> {
    pub(super) fn into_routes(self) -> Result<Vec<Route>, Vec<RouteError>> {
        self.routes()?;
        let bound = |route: Unbound<()>| Route { pattern: route.pattern, handler: (route.bind)(()) };
        Ok(self.routes.into_iter().map(bound).collect())
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Router<S> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::CurrentUser;

    async fn nothing() {}
    async fn known(_: CurrentUser) {}

    #[test]
    fn mistakes_are_told_all_at_once_with_both_places() {
        let router: Router = Router::new()
            .subscribe("from.{user}.a", known)
            .subscribe("from..a", nothing)
            .subscribe("to.{user}.a", known)
            .subscribe("from.{peer}.{rest..}", nothing);
        let problems = router.routes().unwrap_err();
        let words: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 3, "{words:?}");
        assert_eq!(problems[0].problem, RouteProblem::Pattern(InvalidSubject::EmptyToken));
        assert!(words[1].contains("does not begin with from.{user}"), "{}", words[1]);
        assert!(words[2].contains("overlaps from.{user}.a, registered at"), "{}", words[2]);
        assert_eq!(words[2].matches("router.rs:").count(), 2, "both places are named: {}", words[2]);
    }

    #[test]
    fn routers_that_do_not_overlap_merge() {
        let more = Router::new().subscribe("from.{user}.b", nothing);
        let router: Router = Router::new().subscribe("from.{user}.a", nothing).merge(more);
        let patterns: Vec<_> = router.routes().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(patterns, ["from.{user}.a", "from.{user}.b"]);
    }
}
