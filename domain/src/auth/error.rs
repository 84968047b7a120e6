//! Why a use case did not do what was wished, in kinds that a door can translate.

use std::time::Duration;

use crate::{
    credentials::PublicKey,
    identity::RoleName,
    ports::{Cause, HashError, IssueError, StoreError, TokenError},
};

/// What can go wrong at the front door, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The email address is registered.
    #[error("this email address is registered already; log in, or take another")]
    Taken,
    /// Unknown email address, wrong password or wrong code: which of them is not told.
    #[error("the email address, or the password or code, is wrong")]
    Unauthorized,
    /// The right password, of somebody who has not proven the address yet; a code was mailed.
    #[error("the address is not proven yet: log in once more, with the code that was just mailed to it")]
    Unverified,
    /// There is no mailer.
    #[error("no mails are sent here, so there are no codes; who runs this service can set mail.smtp_url")]
    NoMail,
    /// Too many tries; one more will be let through after this time, if nobody else takes that place.
    #[error("too many tries; the next one is let through in {}", in_words(*.0))]
    TooOften(Duration),
    /// The old password is another one.
    #[error("the old password is wrong")]
    WrongPassword,
    /// The right proof, of a user who is kept out.
    #[error("this user is not let in; ask who runs this service")]
    Disabled,
    /// The refresh token is none of ours, has ended, or was replaced.
    #[error("the refresh token does not hold; log in again")]
    Refresh,
    /// The access token is not ours, has expired, or its device has been removed.
    #[error("{0}; log in again")]
    Token(TokenError),
    /// A field breaks its rule.
    #[error("{field}: {rule}")]
    Invalid {
        /// Which field of the request.
        field: &'static str,
        /// What is wrong with it.
        rule: String,
    },
    /// Too many passwords are being hashed.
    #[error("too many logins at once; try again in a second")]
    Busy,
    /// The user has as many devices as allowed.
    #[error("there are {0} devices already; remove one, then log in again")]
    TooManyDevices(usize),
    /// The public key belongs to a device of somebody else.
    #[error("the public key belongs to another device; make a new key pair")]
    KeyTaken,
    /// The public key was revoked.
    #[error("the key {0} has been revoked for good; make a new key pair")]
    KeyRevoked(PublicKey),
    /// The one-time token is another one, or was redeemed.
    #[error(
        "this is not the set-up token, or it was redeemed; it lies in the file setup-token of the data folder until then"
    )]
    WrongToken,
    /// Only admins may do this.
    #[error("only admins may do this; another admin can make you one")]
    NotAdmin,
    /// There is no such user.
    #[error("there is no such user")]
    NoSuchUser,
    /// There is no such role, so nobody could log in with it.
    #[error("there is no role {0}; a role is declared in the settings (nsc.roles.{0})")]
    NoSuchRole(RoleName),
    /// Without this one there would be no admin.
    #[error("this is the last admin; make somebody else an admin first")]
    LastAdmin,
    /// The user has no such device.
    #[error("there is no such device")]
    NoSuchDevice,
    /// The key is revoked in the store, but not every broker has confirmed it; the device is still listed.
    #[error("not every broker has confirmed yet that the device is cut off; try again in a moment")]
    NotConfirmed(#[source] Cause),
    /// A part behind this one cannot be reached.
    #[error("the service is not available now; try again in a moment")]
    Unavailable(#[source] Cause),
    /// A part behind this one holds what it never should.
    #[error("something is wrong on the server")]
    Internal(#[source] Cause),
}

/// A time, rounded up to what people say.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        91..=5_400 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3_600)),
    }
}

impl AuthError {
    pub(crate) fn invalid(field: &'static str, rule: &(impl ToString + ?Sized)) -> Self {
        Self::Invalid { field, rule: rule.to_string() }
    }
}

/// [`StoreError::Taken`] and [`StoreError::Full`] mean different things to different callers, who look before this.
impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken => Self::Taken,
            StoreError::Full(count) => Self::TooManyDevices(count),
            StoreError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl From<HashError> for AuthError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Unreadable(cause) => Self::Internal(cause),
        }
    }
}

impl From<IssueError> for AuthError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Revoked(key) => Self::KeyRevoked(key),
            IssueError::WrongKey(_) => Self::invalid("public_key", "it is not a user key (one beginning with U)"),
            IssueError::NotPushed(cause) => Self::NotConfirmed(cause),
            // A device bears no lists of its own.
            IssueError::NotGranted(_) | IssueError::TooLong { .. } => Self::Internal(error.into()),
            IssueError::Store(cause) => Self::Unavailable(cause),
        }
    }
}
