//! Which handler answers which messages.

use std::{fmt, sync::Arc};

use super::{
    Handler, Route, RouteDescription,
    bound::BoundHandler,
    layer::{BoundLayer, Layer, wrap},
    route::RouteSettings,
};
use crate::subject::{InvalidSubject, Pattern};

/// Which handler answers which messages.
///
/// `S` is the state its handlers may take a part of ([`super::State`]); [`Router::with_state`] gives it. Mistakes (a
/// malformed pattern, two handlers for one subject, …) are kept and told, all at once, when the router is run:
/// [`RouteError`].
///
/// What is set on a router ([`Router::timeout`], [`Router::layer`], …) holds for all its routes, whenever they were added,
/// unless a route or an inner router says otherwise.
///
/// ```
/// use relais_domain::routing::{CurrentUser, Router, State};
///
/// async fn hello(user: CurrentUser, State(greeting): State<String>) -> Vec<u8> {
///     format!("{greeting}, {}", user.id()).into_bytes()
/// }
///
/// let router: Router = Router::new().subscribe("from.{user}.hello", hello).with_state("good day".to_owned());
/// assert!(router.routes().is_ok());
/// ```
#[must_use = "a router does nothing until a service runs it"]
pub struct Router<S = ()> {
    routes: Vec<Route<S>>,
    pub(super) settings: RouteSettings,
    layers: Vec<BoundLayer>,
}

/// A route that can run.
pub(super) struct BoundRoute {
    pub(super) pattern: Arc<Pattern>,
    pub(super) handler: BoundHandler,
    pub(super) settings: RouteSettings,
    pub(super) description: RouteDescription,
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
    /// Another route has the same name; metrics and descriptions could not tell them apart.
    #[error("it is named {name}, as is {pattern}, registered at {place}; give one of them another name")]
    Name {
        /// The name.
        name: String,
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
        Self { routes: Vec::new(), settings: RouteSettings::default(), layers: Vec::new() }
    }

    /// Lets `handler` answer the messages whose subject matches `pattern`, such as `from.{user}.orders.{order}`; each
    /// message reaches one instance of the service.
    #[track_caller]
    pub fn subscribe<M: 'static, H: Handler<M, S>>(self, pattern: &str, handler: H) -> Self {
        self.route(Route::new(pattern, handler))
    }

    /// As [`Router::subscribe`], but every instance of the service gets every message.
    #[track_caller]
    pub fn broadcast<M: 'static, H: Handler<M, S>>(self, pattern: &str, handler: H) -> Self {
        self.route(Route::new(pattern, handler).broadcast())
    }

    /// Adds a route.
    pub fn route(mut self, route: Route<S>) -> Self {
        self.routes.push(route);
        self
    }

    /// Takes over the routes of `other`, with what is set on it.
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.finished());
        self
    }

    /// Takes over the routes of `other`, with `prefix` in front of their patterns.
    ///
    /// ```
    /// use relais_domain::routing::Router;
    ///
    /// let orders = Router::new().subscribe("place", async || {}).subscribe("{order}.pay", async || {});
    /// let router: Router = Router::new().nest("from.{user}.orders", orders);
    /// let patterns: Vec<_> = router.routes().unwrap().into_iter().map(|route| route.pattern).collect();
    /// assert_eq!(patterns, ["from.{user}.orders.place", "from.{user}.orders.{order}.pay"]);
    /// ```
    pub fn nest(mut self, prefix: &str, other: Self) -> Self {
        for mut route in other.finished() {
            let text = format!("{prefix}.{}", route.written());
            route.pattern = match (route.pattern, text.parse::<Pattern>()) {
                (Err((_, problem)), _) | (Ok(_), Err(problem)) => Err((text, problem)),
                (Ok(_), Ok(pattern)) => Ok(Arc::new(pattern)),
            };
            self.routes.push(route);
        }
        self
    }

    /// Puts an async function around every handler of this router; see [`super::Layer`]. The first is the outermost.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.layers.push(Arc::new(move |request, next| layer.call(request, next)));
        self
    }

    /// Gives the handlers their state. What remains may be added to a router of any other state.
    pub fn with_state<T>(self, state: S) -> Router<T> {
        let routes = self.finished().into_iter().map(|route| {
            let handler = (route.bind)(state.clone());
            Route {
                pattern: route.pattern,
                place: route.place,
                settings: route.settings,
                layers: route.layers,
                check: route.check,
                signature: route.signature,
                bind: Box::new(move |_: T| handler),
            }
        });
        Router { routes: routes.collect(), settings: RouteSettings::default(), layers: Vec::new() }
    }

    /// The routes in the order they were registered.
    ///
    /// # Errors
    /// Every mistake in the router, so that all can be mended at once.
    pub fn routes(&self) -> Result<Vec<RouteDescription>, Vec<RouteError>> {
        Self::judge(&[self])
    }

    /// Whether this router and `other` could be one.
    ///
    /// # Errors
    /// Every mistake in both, and where they meet.
    pub fn check_beside(&self, other: &Self) -> Result<(), Vec<RouteError>> {
        Self::judge(&[self, other]).map(drop)
    }

    fn judge(routers: &[&Self]) -> Result<Vec<RouteDescription>, Vec<RouteError>> {
        let mut problems = Vec::new();
        let mut known: Vec<(&Pattern, RouteDescription)> = Vec::new();
        for (router, route) in routers.iter().flat_map(|router| router.routes.iter().map(move |route| (router, route)))
        {
            let wrong =
                |problem| RouteError { pattern: route.written().to_owned(), place: route.place.to_string(), problem };
            let pattern = match &route.pattern {
                Ok(pattern) => pattern,
                Err((_, problem)) => {
                    problems.push(wrong(RouteProblem::Pattern(*problem)));
                    continue;
                }
            };
            if let Err(words) = (route.check)(pattern) {
                problems.push(wrong(RouteProblem::Argument(words)));
            }
            let mut description = route.describe(pattern);
            if description.timeout.is_none() {
                description.timeout = router.settings.timeout;
            }
            let overlapping = |(other, _): &&(&Pattern, _)| other.filter().overlaps(pattern.filter());
            let named = |(_, other): &&(_, RouteDescription)| other.name == description.name;
            if let Some((_, other)) = known.iter().find(overlapping) {
                let (pattern, place) = (other.pattern.clone(), other.place.clone());
                problems.push(wrong(RouteProblem::Overlap { pattern, place }));
            } else if let Some((_, other)) = known.iter().find(named) {
                let (pattern, place) = (other.pattern.clone(), other.place.clone());
                problems.push(wrong(RouteProblem::Name { name: other.name.clone(), pattern, place }));
            }
            known.push((pattern, description));
        }
        if problems.is_empty() {
            Ok(known.into_iter().map(|(_, description)| description).collect())
        } else {
            Err(problems)
        }
    }

    /// Its routes, with what is set on it.
    fn finished(self) -> Vec<Route<S>> {
        let Self { mut routes, settings, layers } = self;
        routes.iter_mut().for_each(|route| route.absorb(&settings, &layers));
        routes
    }
}

impl Router<()> {
    pub(super) fn into_routes(self) -> Result<Vec<BoundRoute>, Vec<RouteError>> {
        let descriptions = self.routes()?;
        let bound = |(route, description): (Route<()>, RouteDescription)| {
            let pattern = route.pattern.ok()?;
            let handler = wrap((route.bind)(()), route.layers);
            Some(BoundRoute { pattern, handler, settings: route.settings, description })
        };
        Ok(self.finished().into_iter().zip(descriptions).filter_map(bound).collect())
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

    fn problems(router: &Router) -> (Vec<RouteError>, Vec<String>) {
        let problems = router.routes().unwrap_err();
        let words = problems.iter().map(ToString::to_string).collect();
        (problems, words)
    }

    #[test]
    fn mistakes_are_told_all_at_once_with_both_places() {
        let router: Router = Router::new()
            .subscribe("from.{user}.a", known)
            .subscribe("from..a", nothing)
            .subscribe("to.{user}.a", known)
            .subscribe("from.{peer}.{rest..}", nothing);
        let (problems, words) = problems(&router);
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
        let patterns: Vec<_> = router.routes().unwrap().into_iter().map(|route| route.pattern).collect();
        assert_eq!(patterns, ["from.{user}.a", "from.{user}.b"]);
    }

    #[test]
    fn a_nested_route_is_judged_by_its_whole_pattern() {
        let inner = || Router::new().subscribe("{order}.pay", known);
        let fine: Router = Router::new().nest("from.{user}.orders", inner());
        assert_eq!(fine.routes().unwrap()[0].name, "orders-order-pay");
        let nobody: Router = Router::new().nest("orders", inner());
        assert!(problems(&nobody).1[0].contains("does not begin with from.{user}"));
        let twice: Router = Router::new().nest("from.{user}.{order}", inner());
        assert_eq!(problems(&twice).0[0].problem, RouteProblem::Pattern(InvalidSubject::TwiceNamed));
        let behind: Router = Router::new().nest("from.{user}.{rest..}", inner());
        assert_eq!(problems(&behind).0[0].problem, RouteProblem::Pattern(InvalidSubject::Capture));
        let malformed: Router = Router::new().nest("from.{user}", Router::new().subscribe("a..b", nothing));
        let (problems, words) = problems(&malformed);
        assert_eq!(problems[0].problem, RouteProblem::Pattern(InvalidSubject::EmptyToken));
        assert!(words[0].contains("from.{user}.a..b"), "{}", words[0]);
    }

    #[test]
    fn two_routes_of_one_name_are_told_with_both_places() {
        let router: Router = Router::new()
            .subscribe("from.{user}.orders", nothing)
            .subscribe("from.{user}.orders.{order}", nothing)
            .route(Route::new("from.{user}.other", nothing).name("orders"));
        let (problems, words) = problems(&router);
        assert_eq!(problems.len(), 1, "{words:?}");
        assert!(words[0].contains("it is named orders, as is from.{user}.orders, registered at"), "{}", words[0]);
        assert_eq!(words[0].matches("router.rs:").count(), 2, "{}", words[0]);
    }

    #[test]
    fn the_inner_setting_wins() {
        use std::time::Duration;
        let (short, long) = (Duration::from_secs(1), Duration::from_secs(9));
        let inner = Router::new().subscribe("from.{user}.a", nothing).timeout(short);
        let router: Router = Router::new()
            .timeout(long)
            .merge(inner)
            .subscribe("from.{user}.b", nothing)
            .route(Route::new("from.{user}.c", nothing).no_timeout());
        let limits: Vec<_> = router.into_routes().unwrap().into_iter().map(|route| route.settings.timeout).collect();
        assert_eq!(limits, [Some(Some(short)), Some(Some(long)), Some(None)]);
    }
}
