//! The port to the brokers' accounts.

use async_trait::async_trait;

use crate::{
    credentials::{AccountJwt, PublicKey},
    ports::Cause,
};

/// The brokers' account resolver (nats-server, `resolver { type: full }`).
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Hands an account JWT to the brokers (`$SYS.REQ.CLAIMS.UPDATE`) and waits for the first confirmation. A repeat does
    /// no harm; an older JWT replaces a newer one, so callers push the newest only.
    ///
    /// A broker keeps a JWT of an operator that it does not trust as well (and believes it nothing), so callers push their
    /// own accounts only, and look at who signed what [`Resolver::lookup`] brings.
    ///
    /// # Errors
    /// [`ResolverError::Unreachable`] when nobody answered, [`ResolverError::Refused`] with the broker's words.
    async fn push(&self, jwt: &AccountJwt) -> Result<(), ResolverError>;

    /// The JWT the brokers have for `account`; `None` when they know none.
    ///
    /// # Errors
    /// [`ResolverError::Unreachable`].
    async fn lookup(&self, account: &PublicKey) -> Result<Option<AccountJwt>, ResolverError>;
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
}
