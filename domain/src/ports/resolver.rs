//! The port to the brokers' accounts.

use async_trait::async_trait;

use crate::{
    credentials::{AccountJwt, PublicKey},
    ports::Cause,
};

/// The brokers' account resolver (nats-server, `resolver { type: full }`): one broker, or all of a cluster.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Hands an account JWT to every broker (`$SYS.REQ.CLAIMS.UPDATE`) and waits until each that is known has confirmed it,
    /// or for some seconds: [`Heard::missing`] says how many have not. A repeat does no harm; an older JWT replaces a newer
    /// one, so callers push the newest only.
    ///
    /// A broker keeps a JWT of an operator that it does not trust as well (and believes it nothing), so callers push their
    /// own accounts only, and look at who signed what [`Resolver::lookup`] brings.
    ///
    /// # Errors
    /// [`ResolverError::Unreachable`] when nobody answered, [`ResolverError::Refused`] with the words of a broker,
    /// [`ResolverError::TooLarge`] when no broker would take so much.
    async fn push(&self, jwt: &AccountJwt) -> Result<Heard<Broker>, ResolverError>;

    /// What each broker has for `account`.
    ///
    /// # Errors
    /// [`ResolverError::Unreachable`] when nobody answered.
    async fn lookup(&self, account: &PublicKey) -> Result<Heard<Served>, ResolverError>;

    /// How many bytes one push may have, as the brokers have said last (`max_payload`).
    fn largest(&self) -> usize;
}

/// A broker, as it calls itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Broker {
    /// Its name (`server_name`); for people.
    pub name: String,
    /// Its id, another one after every start.
    pub id: String,
}

/// What brokers have answered, and how many of them there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard<T> {
    /// How many the brokers know of, themselves among them. One that was cut off is among them for some minutes.
    pub brokers: usize,
    /// One a broker.
    pub answers: Vec<T>,
}

/// What one broker has for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Which one; `None` when brokers have different versions and it cannot be told which has this one.
    pub broker: Option<Broker>,
    /// The JWT; `None` when it knows none.
    pub jwt: Option<AccountJwt>,
}

impl<T> Heard<T> {
    /// How many brokers have not answered.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.brokers.saturating_sub(self.answers.len())
    }
}

/// What can go wrong on the way to the resolver.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// Nobody answered.
    #[error("no broker answered on its system account")]
    Unreachable(#[source] Cause),
    /// A broker answered with an error.
    #[error("the broker refused the account: {0}")]
    Refused(String),
    /// No broker takes a message of this size.
    #[error("the account has {size} bytes, the brokers take {limit}: raise max_payload in their configuration")]
    TooLarge {
        /// Bytes of the JWT.
        size: usize,
        /// What the brokers take.
        limit: usize,
    },
}
