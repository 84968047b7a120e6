//! A fake of every port, in memory: first class, so that tests, examples and a curious reader need no server.
//!
//! Each passes the contract suite of its port in [`crate::testing`], as the adapters on real systems do.

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
mod service_ports;
mod setup_token;
mod spawner;
mod token_issuer;
mod users;

pub use audit::*;
pub use belongings::Belongings;
pub use buffer::*;
pub use bus::*;
pub use cache::*;
pub use clock::*;
pub use codes::Codes;
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
pub use service_ports::*;
pub use setup_token::*;
pub use spawner::*;
pub use token_issuer::*;
pub use users::*;
