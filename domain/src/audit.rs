//! Who did what to whom when: what is recorded of everything that administers users, accounts and keys.
//!
//! An entry never holds a secret: names, public keys, and in words what came of it.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{
    identity::UserId,
    ports::{Clock, Rng},
};

/// How long entries are kept: 400 days, so that a year can be compared with the one before.
pub const KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in time: ids sort as they were made.
    pub id: EntryId,
    /// When, to the millisecond.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Did what.
    pub action: Action,
    /// To whom or what: a name, a key; at most 255 characters.
    pub target: String,
    /// What came of it.
    pub outcome: Outcome,
    /// More, in words; at most 1 024 characters.
    pub detail: String,
}

/// The id of an entry: a lower-case ULID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(String);

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user who is an admin.
    User(UserId),
    /// Somebody who ran a command where the data folder is, by the name that the system knows.
    Command(String),
    /// Relais itself.
    Relais,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$variant_doc:meta])* $variant:ident = $word:literal;)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word that stands for it; it stays.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Unknown;

            fn from_str(text: &str) -> Result<Self, Unknown> {
                Self::ALL.iter().copied().find(|own| own.as_str() == text).ok_or(Unknown)
            }
        }
    };
}

words! {
    /// What somebody did.
    Action:
    /// Became the first admin.
    Claim = "admin.claim";
    /// Made somebody an admin, or took that away.
    SetAdmin = "users.admin";
    /// Gave a user another role.
    SetRole = "users.role";
    /// Kept a user out, or let it in again.
    SetStanding = "users.standing";
    /// Removed a user with all that it has.
    RemoveUser = "users.remove";
    /// Took an address over from somebody who had registered it and never proven that it is theirs.
    Displace = "users.displace";
    /// Made an operator with its accounts.
    SetUp = "nsc.setup";
    /// Made an account.
    AddAccount = "nsc.account.add";
    /// Revoked every user of an account.
    RevokeAll = "nsc.account.revoke-all";
    /// Made a user.
    AddUser = "nsc.user.add";
    /// Gave a user other permissions.
    EditUser = "nsc.user.edit";
    /// Banned a key.
    RevokeUser = "nsc.user.revoke";
    /// Declared the roles of the settings.
    ApplyRoles = "nsc.role.apply";
    /// Took a role away.
    RemoveRole = "nsc.role.remove";
    /// Replaced signing keys.
    Rotate = "nsc.keys.rotate";
    /// Ended the overlap of a rotation.
    EndRotation = "nsc.keys.end-rotation";
    /// Handed the accounts to the brokers.
    Push = "nsc.push";
    /// Copied the store.
    Backup = "nsc.backup";
    /// Brought a copy back.
    Restore = "nsc.restore";
    /// Wrote the JWTs of devices into a store for nsc.
    Export = "nsc.export";
}

words! {
    /// What came of it.
    Outcome:
    /// It was done.
    Done = "done";
    /// It was so already.
    There = "there";
    /// It was refused.
    Refused = "refused";
    /// It failed, or part of it: see the detail.
    Failed = "failed";
}

/// The text is none of these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no word of the audit")]
pub struct Unknown;

impl Entry {
    /// An entry of now.
    #[must_use]
    pub fn new(
        actor: Actor,
        action: Action,
        target: &str,
        (outcome, detail): (Outcome, &str),
        clock: &dyn Clock,
        rng: &dyn Rng,
    ) -> Self {
        let at = clock.now();
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let short = |text: &str, most| text.chars().filter(|c| !c.is_control()).take(most).collect();
        Self {
            id: EntryId::generate(at, rng),
            at,
            actor,
            action,
            target: short(target, 255),
            outcome,
            detail: short(detail, 1024),
        }
    }
}

impl EntryId {
    fn generate(at: Timestamp, rng: &dyn Rng) -> Self {
        let mut random = [0_u8; 16];
        rng.fill(&mut random);
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Self(ulid::Ulid::from_parts(millis, u128::from_be_bytes(random)).to_string().to_ascii_lowercase())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EntryId {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if text.len() == ulid::ULID_LEN && text.bytes().all(plain) { Ok(Self(text.to_owned())) } else { Err(Unknown) }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::Command(name) => write!(f, "command:{}", name.chars().take(64).collect::<String>()),
            Self::Relais => f.write_str("relais"),
        }
    }
}

impl FromStr for Actor {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text.split_once(':') {
            None if text == "relais" => Ok(Self::Relais),
            Some(("user", id)) => id.parse().map(Self::User).map_err(|_| Unknown),
            Some(("command", name)) => Ok(Self::Command(name.to_owned())),
            _ => Err(Unknown),
        }
    }
}

/// What is older than this is forgotten.
#[must_use]
pub fn oldest(now: Timestamp) -> Timestamp {
    let kept = SignedDuration::try_from(KEPT).unwrap_or(SignedDuration::MAX);
    now.checked_sub(kept).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory;

    #[test]
    fn every_word_is_read_back_and_there_once() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert_eq!(Action::ALL.iter().filter(|own| own.as_str() == action.as_str()).count(), 1);
            assert!(action.as_str().len() <= 32, "the column has no room for {action}");
        }
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(*outcome));
        }
        assert_eq!("nsc.user".parse::<Action>(), Err(Unknown));
    }

    #[test]
    fn actors_are_read_back() {
        for actor in [Actor::User("ada".parse().unwrap()), Actor::Command("root:x".to_owned()), Actor::Relais] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for odd in ["", "user:", "user:*", "nobody", "relais:x"] {
            assert_eq!(odd.parse::<Actor>(), Err(Unknown), "{odd}");
        }
    }

    #[test]
    fn an_entry_fits_its_row_and_sorts_by_time() {
        let (clock, rng) = (memory::Clock::default(), memory::Rng::default());
        let entry = |text: &str| {
            clock.advance(Duration::from_millis(1));
            Entry::new(Actor::Relais, Action::Push, text, (Outcome::Done, text), &clock, &rng)
        };
        let (one, two) = (entry("a\nb"), entry(&"x".repeat(5_000)));
        assert!(one.id < two.id && one.at < two.at);
        assert_eq!((one.target.as_str(), one.detail.as_str()), ("ab", "ab"));
        assert_eq!((two.target.len(), two.detail.len()), (255, 1024));
        assert_eq!(one.id.as_str().parse(), Ok(one.id.clone()));
        for odd in ["", "x", "01JD4XK0V8Q7R401JD4XK0V8Q7", "'; drop table audit; --xxxx"] {
            assert_eq!(odd.parse::<EntryId>(), Err(Unknown), "{odd}");
        }
    }
}
