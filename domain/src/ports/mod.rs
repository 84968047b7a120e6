//! What the domain needs from outside: one trait a file.
//!
//! A port exists only where the other side is outside the process, or is time, chance or the scheduler. Every method
//! is required; "not found" is `Ok(None)`; each method says what `None`, each error and a repeat mean. Ports are used
//! as `Arc<dyn Port>`. Each has a fake in [`crate::memory`], a mockall mock (feature `testing`), and a contract suite in
//! [`crate::testing`] that the fake and every adapter pass.

mod audit;
mod belongings;
mod buffer;
mod bus;
mod cache;
mod clock;
mod codes;
mod credentials_engine;
mod credentials_issuer;
mod devices;
mod key_pairs;
mod limits;
mod mailer;
mod password_hasher;
mod resolver;
mod rng;
mod secrets;
mod setup_token;
mod spawner;
mod token_issuer;
mod users;

pub use audit::*;
pub use belongings::*;
pub use buffer::*;
pub use bus::*;
pub use cache::*;
pub use clock::*;
pub use codes::*;
pub use credentials_engine::*;
pub use credentials_issuer::*;
pub use devices::*;
pub use key_pairs::*;
pub use limits::*;
pub use mailer::*;
pub use password_hasher::*;
pub use resolver::*;
pub use rng::*;
pub use secrets::*;
pub use setup_token::*;
pub use spawner::*;
pub use token_issuer::*;
pub use users::*;

/// What went wrong below a port, kept as the `source` of the error that names its kind.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
