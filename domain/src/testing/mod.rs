//! A contract suite for every port: what its documentation promises, as a function that panics where it is not so.
//!
//! Fakes and adapters run the same suites, so a fake that passes tells the truth about the real one.

pub mod audit;
pub mod belongings;
pub mod buffer;
pub mod bus;
pub mod cache;
pub mod clock;
pub mod codes;
pub mod credentials_engine;
pub mod credentials_issuer;
pub mod devices;
pub mod key_pairs;
pub mod limits;
pub mod mailer;
pub mod password_hasher;
pub mod resolver;
pub mod rng;
pub mod secrets;
pub mod setup_token;
pub mod spawner;
pub mod token_issuer;
pub mod users;
