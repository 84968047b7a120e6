//! Sessions, as columns of `devices`: what goes in and comes out.

use jiff::Timestamp;
use relais_domain::{
    auth::ClientKind,
    ports::{Renewal, Replaced, Session, SessionId, StoreError, TokenHash},
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ExprTrait,
    sea_query::{Expr, SimpleExpr},
};

use super::{device, millis, unreadable};

/// The session of a row.
pub(super) fn read(row: &device::Model) -> Result<Option<Session>, StoreError> {
    let (Some(id), Some(token), Some(until)) = (&row.session, &row.token, row.session_until) else { return Ok(None) };
    let replaced = match (&row.replaced_token, row.replaced_at, &row.replaced_salt) {
        (Some(token), Some(at), Some(salt)) => Some(Replaced {
            token: TokenHash(fixed("replaced_token", token)?),
            at: millis::read("replaced_at", at)?,
            salt: fixed("replaced_salt", salt)?,
        }),
        _ => None,
    };
    Ok(Some(Session {
        id: SessionId(fixed("session", id)?),
        token: TokenHash(fixed("token", token)?),
        replaced,
        until: millis::read("session_until", until)?,
        client: if row.browser { ClientKind::Browser } else { ClientKind::Device },
        ended: row.session_ended,
    }))
}

/// The columns of a session.
pub(super) fn write(session: Option<&Session>) -> device::ActiveModel {
    let bytes = |bytes: &[u8]| Some(bytes.to_vec());
    let replaced = session.and_then(|session| session.replaced.as_ref());
    device::ActiveModel {
        id: NotSet,
        session: Set(session.and_then(|own| bytes(&own.id.0))),
        token: Set(session.and_then(|own| bytes(&own.token.0))),
        replaced_token: Set(replaced.and_then(|own| bytes(&own.token.0))),
        replaced_at: Set(replaced.map(|own| own.at.as_millisecond())),
        replaced_salt: Set(replaced.and_then(|own| bytes(&own.salt))),
        session_until: Set(session.map(|own| own.until.as_millisecond())),
        browser: Set(session.is_some_and(|own| own.client == ClientKind::Browser)),
        session_ended: Set(session.is_some_and(|own| own.ended)),
        ..Default::default()
    }
}

/// The columns that a renewal sets.
pub(super) fn renewed(renewal: &Renewal) -> device::ActiveModel {
    device::ActiveModel {
        seen_at: Set(renewal.seen_at.as_millisecond()),
        expires_at: Set(renewal.expires_at.map(Timestamp::as_millisecond)),
        ..write(Some(&renewal.session))
    }
}

/// What holds longest counts; null, which is never, stays null.
pub(super) fn longest(expires_at: Option<Timestamp>) -> SimpleExpr {
    let held = Expr::col(device::Column::HeldUntil);
    match expires_at.map(Timestamp::as_millisecond) {
        None => Expr::value(None::<i64>),
        Some(until) => Expr::case(held.clone().lt(until), Expr::value(until)).finally(held).into(),
    }
}

/// As [`relais_domain::ports::Device::has_ended`].
pub(super) fn ended(now: Timestamp) -> Condition {
    let now = now.as_millisecond();
    let over = device::Column::SessionUntil.is_null().or(device::Column::SessionUntil.lte(now));
    Condition::all().add(device::Column::ExpiresAt.lte(now)).add(device::Column::SessionEnded.eq(false)).add(over)
}

/// Browsers whose credentials have ended, and which others may follow.
pub(super) fn left_behind(now: Timestamp) -> Condition {
    Condition::all()
        .add(device::Column::ExpiresAt.lte(now.as_millisecond()))
        .add(device::Column::SessionEnded.eq(false))
        .add(device::Column::Browser.eq(true))
}

fn fixed<const N: usize>(column: &'static str, bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| unreadable(column))
}
