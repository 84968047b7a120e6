//! The built-in routes: example services, each a file that a newcomer reads in a minute.

#[cfg(feature = "server")]
mod echo;
#[cfg(feature = "cli")]
pub(crate) mod types;

#[cfg(feature = "server")]
use relais_domain::routing::Router;

/// The routes of the examples, on when `examples` is.
#[cfg(feature = "server")]
pub(crate) fn examples() -> Router {
    echo::routes()
}
