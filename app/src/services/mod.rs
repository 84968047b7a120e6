//! The built-in routes: example services, each a file that a newcomer reads in a minute.

#[cfg(feature = "server")]
mod echo;
#[cfg(feature = "server")]
mod ping;
#[cfg(feature = "cli")]
pub(crate) mod types;

#[cfg(feature = "server")]
use relais_domain::{peers::Peers, routing::Router};

/// The routes of every backend: those of user to user, and the examples if they are on.
#[cfg(feature = "server")]
pub(crate) fn built_in(peers: Peers, examples: bool) -> Router {
    let router = peers.clone().router();
    if examples { router.merge(echo::routes()).merge(ping::routes(peers)) } else { router }
}
