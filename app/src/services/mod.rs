//! The built-in routes: example services, each a file that a newcomer reads in a minute.

mod echo;

use relais_domain::routing::Router;

/// The routes of the examples, on when `examples` is.
pub fn examples() -> Router {
    echo::routes()
}
