//! How an engine signs: by itself ([`Ours`]), or by the real `nsc` ([`super::tool`]).

use std::sync::Arc;

use relais_domain::{
    credentials::{
        AccountClaims, AccountJwt, UserJwt, UserToSign,
        setup::{Keys, Setup, SignedSetup},
    },
    ports::{Clock, KeyPairs},
};

use super::{Engine, OpenError, Settings, files::Disk, layout::Layout, seal::Seal, setup, store::Store};

/// Who makes JWTs of claims. Everything it is given has been looked at before: names are plain, what is there is there.
pub trait Signer: Send + Sync + 'static {
    /// Whether a user JWT is made in less than a millisecond, and without the store.
    const QUICK: bool;

    /// The next version of an account, or its first.
    ///
    /// # Errors
    /// [`OpenError`]; nothing in the store has changed.
    fn account(
        &self,
        store: &Store,
        before: Option<&AccountClaims>,
        next: &AccountClaims,
    ) -> Result<AccountJwt, OpenError>;

    /// A user.
    ///
    /// # Errors
    /// As [`Signer::account`].
    fn user(&self, store: &Store, user: &UserToSign) -> Result<UserJwt, OpenError>;

    /// An installation; its keys lie in `staging`.
    ///
    /// # Errors
    /// As [`Signer::account`].
    fn setup(&self, store: &Store, staging: &Layout, setup: &Setup, keys: &Keys) -> Result<SignedSetup, OpenError>;
}

/// Signs by itself.
pub struct Ours;

/// The native engine: claims signed here.
pub type Native = Engine<Ours>;

impl Native {
    /// Opens the store; makes operator, accounts and keys when there are none, and finishes a set-up that was cut off.
    ///
    /// Blocks for some milliseconds; for up to ten seconds while another process writes.
    ///
    /// # Errors
    /// Says what is wrong with the store and what to do; see [`OpenError`]. Nothing half-made is left behind that the
    /// next call would not finish or throw away.
    pub fn open(settings: &Settings, pairs: Arc<dyn KeyPairs>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_on(Disk::default(), Ours, settings, None, pairs, clock)
    }

    /// As [`Native::open`], with the secrets of the store sealed: what is plain is sealed in its place first.
    ///
    /// # Errors
    /// As [`Native::open`]; [`OpenError::OtherSeal`] when another key has sealed a part of it.
    pub fn open_sealed(
        settings: &Settings,
        seal: Seal,
        pairs: Arc<dyn KeyPairs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Self::open_on(Disk::default(), Ours, settings, Some(Arc::new(seal)), pairs, clock)
    }
}

impl Signer for Ours {
    const QUICK: bool = true;

    fn account(&self, store: &Store, _: Option<&AccountClaims>, next: &AccountClaims) -> Result<AccountJwt, OpenError> {
        let signer = store.account_signer(&store.operator()?.claims)?;
        setup::signed(next, &signer, store.pairs.as_ref())
    }

    fn user(&self, store: &Store, user: &UserToSign) -> Result<UserJwt, OpenError> {
        let what = || format!("the user {}", user.name());
        let wanted = || user.signer().to_string();
        let pair = store.vault.pair(user.signer())?;
        let pair = pair.ok_or_else(|| OpenError::NoSeed { what: what(), wanted: wanted() })?;
        user.sign(&pair, store.pairs.as_ref()).map_err(|source| OpenError::Sign { what: what(), source: source.into() })
    }

    fn setup(&self, store: &Store, _: &Layout, setup: &Setup, keys: &Keys) -> Result<SignedSetup, OpenError> {
        let signed = setup.sign(keys, store.pairs.as_ref());
        signed.map_err(|source| OpenError::Sign { what: "a new installation".to_owned(), source: source.into() })
    }
}
