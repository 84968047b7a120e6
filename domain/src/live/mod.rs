//! What brokers serve beside what we have, and what that means: nothing, a push, a take-over, an alarm.
//!
//! nats-server takes any account JWT of its operator, an old one too, and with an old one those are let in who have been
//! revoked since. So whoever has pushed looks again, every minute: [`standing`] compares one answer with ours, and
//! [`Watch`] remembers which broker has had what, so that one that went back can be told from one that was away. How often
//! may be pushed says [`Pace`]; what has been seen is counted in [`Counters`].

mod counters;
mod keep;
mod pace;

use std::collections::HashMap;

use crate::{
    credentials::{Account, AccountClaims, AccountJwt, OperatorClaims, PublicKey, decode},
    ports::{Broker, KeyPairs, Served},
};

pub use counters::{Counters, Snapshot};
pub use keep::{EVERY, keep};
pub use pace::{PUSHES_A_SECOND, Pace};

/// The most brokers that [`Watch`] remembers; beyond that it begins anew.
const MOST: usize = 10_000;

/// How what a broker has stands to what we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is ours.
    Same,
    /// It has none.
    Missing,
    /// It is our operator's, and older than ours.
    Older,
    /// It is our operator's, another one than ours, and no older: made from a store that knows more than ours.
    Newer,
    /// It is no account of our operator. Nobody of that account can connect there.
    Foreign,
}

/// An answer, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Whose answer.
    pub broker: Option<Broker>,
    /// How it stands to ours.
    pub standing: Standing,
    /// What it says, where our operator signed it.
    pub claims: Option<AccountClaims>,
}

/// What somebody should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// A broker has an older version than it had, or none any more: somebody has put it back, and with it those in who have
    /// been revoked since.
    PutBack,
    /// A broker has a version that our store does not know: the store was brought back from a backup, or somebody else signs
    /// with its keys.
    Unknown,
    /// A broker has something under the account's key that our operator did not sign.
    Foreign,
}

/// How the brokers stand to one account of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The account's name.
    pub name: String,
    /// Its key.
    pub account: PublicKey,
    /// When our version was made (`iat`), in seconds since 1970.
    pub issued_at: i64,
    /// How many brokers there are.
    pub brokers: usize,
    /// Their answers, by name.
    pub found: Vec<Compared>,
}

/// Which broker has had which version of which account.
#[derive(Debug, Default)]
pub struct Watch {
    newest: HashMap<(PublicKey, String), i64>,
}

/// Compares what a broker has with ours.
#[must_use]
pub fn standing(
    served: &Served,
    ours: (&AccountClaims, &AccountJwt),
    operator: &OperatorClaims,
    keys: &dyn KeyPairs,
) -> Compared {
    let (own, own_jwt) = ours;
    let compared = |standing, claims| Compared { broker: served.broker.clone(), standing, claims };
    let Some(jwt) = &served.jwt else { return compared(Standing::Missing, None) };
    if jwt == own_jwt {
        return compared(Standing::Same, Some(own.clone()));
    }
    match decode::<Account>(jwt.as_str(), keys) {
        Ok(claims) if operator.signed(&claims) && claims.subject == own.subject => {
            let older = claims.issued_at < own.issued_at;
            compared(if older { Standing::Older } else { Standing::Newer }, Some(claims))
        }
        _ => compared(Standing::Foreign, None),
    }
}

impl Report {
    /// How many brokers have not answered.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.brokers.saturating_sub(self.found.len())
    }

    /// Whether every broker has answered, and has ours.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.missing() == 0 && self.found.iter().all(|found| found.standing == Standing::Same)
    }
}

impl Watch {
    /// What is alarming about a broker's answer; remembers what it has. Whether a newer one is unknown, or only newer than
    /// what was read of our store, the caller finds out before.
    pub fn judge(&mut self, account: &PublicKey, found: &Compared) -> Option<Alarm> {
        let has = found.claims.as_ref().map_or(i64::MIN, |claims| claims.issued_at);
        let had = match &found.broker {
            Some(broker) => self.newest.get(&(account.clone(), broker.id.clone())).copied(),
            // It may be any of them.
            None => self.newest.iter().filter(|((key, _), _)| key == account).map(|(_, had)| *had).max(),
        };
        if let Some(broker) = &found.broker
            && found.claims.is_some()
        {
            if self.newest.len() >= MOST {
                self.newest.clear();
            }
            let newest = self.newest.entry((account.clone(), broker.id.clone())).or_insert(has);
            *newest = (*newest).max(has);
        }
        match found.standing {
            Standing::Same => None,
            Standing::Newer => Some(Alarm::Unknown),
            Standing::Foreign => Some(Alarm::Foreign),
            Standing::Older | Standing::Missing => had.is_some_and(|had| has < had).then_some(Alarm::PutBack),
        }
    }
}

/// Whether an account JWT of this size is at half of what the brokers take: time to do something, for it only grows.
#[must_use]
pub fn at_half(size: usize, largest: usize) -> bool {
    size.saturating_mul(2) >= largest
}

#[cfg(test)]
mod tests;
