//! The built-in routes: example services, each a file that a newcomer reads in a minute.

#[cfg(feature = "server")]
mod echo;
#[cfg(feature = "cli")]
pub mod types;

#[cfg(feature = "server")]
use relais_domain::routing::Router;

/// The routes of the examples, on when `examples` is.
#[cfg(feature = "server")]
pub fn examples() -> Router {
    echo::routes()
}
