//! Key pairs with the `nkeys` crate: Ed25519 in the encoding of `github.com/nats-io/nkeys`.
//!
//! New keys are drawn from the port [`Rng`]; the crate's own random numbers are not used.

use std::sync::{Arc, Mutex, PoisonError};

use relais_domain::{
    credentials::{KeyKind, PublicKey},
    ports::{KeyError, KeyPair, Rng},
    secret::Secret,
};

/// How many keys are kept ready to sign: those of an installation's accounts, with room for a rotation.
const MOST_READY: usize = 16;

/// Real nkeys.
pub struct KeyPairs {
    rng: Arc<dyn Rng>,
    /// Those that have signed lately, the last one first. To make one of its seed takes as long as to sign.
    ready: Mutex<Vec<(Secret, Arc<nkeys::KeyPair>)>>,
}

impl KeyPairs {
    /// Draws new keys from `rng`, which must be good enough for keys.
    #[must_use]
    pub fn new(rng: Arc<dyn Rng>) -> Self {
        Self { rng, ready: Mutex::default() }
    }

    fn signer(&self, seed: &Secret) -> Result<Arc<nkeys::KeyPair>, KeyError> {
        // A panic elsewhere leaves whole pairs.
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = ready.iter().position(|(known, _)| known.expose() == seed.expose()) {
            ready[..=at].rotate_right(1);
        } else {
            let pair = Arc::new(read(seed)?);
            ready.truncate(MOST_READY - 1);
            ready.insert(0, (seed.clone(), pair));
        }
        Ok(Arc::clone(&ready[0].1))
    }
}

impl relais_domain::ports::KeyPairs for KeyPairs {
    fn generate(&self, kind: KeyKind) -> KeyPair {
        let mut raw = [0_u8; 32];
        self.rng.fill(&mut raw);
        let pair = nkeys::KeyPair::new_from_raw(vendor_kind(kind), raw);
        raw.fill(0);
        let pair = pair.expect("any 32 bytes are a key");
        let public = pair.public_key().parse().expect("the crate writes public keys in their form");
        KeyPair { public, seed: pair.seed().expect("it was made from its seed").into() }
    }

    fn from_seed(&self, seed: &Secret) -> Result<KeyPair, KeyError> {
        let pair = read(seed)?;
        let public = pair.public_key().parse().expect("the kind was checked, and the crate writes keys in their form");
        Ok(KeyPair { public, seed: seed.clone() })
    }

    fn sign(&self, seed: &Secret, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.signer(seed)?.sign(bytes).map_err(|error| KeyError::Seed(error.to_string()))
    }

    fn verify(&self, key: &PublicKey, bytes: &[u8], signature: &[u8]) -> bool {
        nkeys::KeyPair::from_public_key(key.as_str()).is_ok_and(|key| key.verify(bytes, signature).is_ok())
    }
}

/// The crate takes a seed of an unknown kind for an operator's, so the kind is looked at first.
fn read(seed: &Secret) -> Result<nkeys::KeyPair, KeyError> {
    let refused = |error: nkeys::error::Error| KeyError::Seed(error.to_string());
    let (prefix, _) = nkeys::decode_seed(seed.expose()).map_err(refused)?;
    let known = KeyKind::ALL.iter().any(|kind| kind.prefix_byte() == prefix);
    if !known {
        return Err(KeyError::Seed("it is of another kind than operator, account, user and server".to_owned()));
    }
    nkeys::KeyPair::from_seed(seed.expose()).map_err(refused)
}

fn vendor_kind(kind: KeyKind) -> nkeys::KeyPairType {
    match kind {
        KeyKind::Operator => nkeys::KeyPairType::Operator,
        KeyKind::Account => nkeys::KeyPairType::Account,
        KeyKind::User => nkeys::KeyPairType::User,
        KeyKind::Server => nkeys::KeyPairType::Server,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Mutex};

    use relais_domain::{
        credentials::{
            Account, Activation, AuthorizationRequest, AuthorizationResponse, Body, Claims, Operator, User,
            creds::Creds, decode, encode,
        },
        memory,
        ports::KeyPairs as _,
        testing::key_pairs::suite,
    };

    use super::*;

    fn keys() -> KeyPairs {
        KeyPairs::new(Arc::new(memory::Rng::seeded(1)))
    }

    /// Hands out 32 equal bytes a key: 1, 2, …, as the golden files were made.
    struct Counting(Mutex<u8>);

    impl Rng for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            *next += 1;
            bytes.fill(*next);
        }
    }

    fn golden_seeds() -> HashMap<String, String> {
        serde_json::from_str(include_str!("../../../domain/src/credentials/golden/keys.json")).unwrap()
    }

    #[test]
    fn keeps_the_contract() {
        suite(&keys());
    }

    #[test]
    fn a_key_that_was_set_aside_signs_as_before_and_no_other_in_its_stead() {
        let keys = keys();
        let pairs: Vec<_> = (0..=MOST_READY).map(|_| keys.generate(KeyKind::Account)).collect();
        for _ in 0..2 {
            for pair in &pairs {
                let signature = keys.sign(&pair.seed, b"text").unwrap();
                let verified = pairs.iter().filter(|pair| keys.verify(&pair.public, b"text", &signature));
                assert_eq!(verified.map(|pair| &pair.public).collect::<Vec<_>>(), [&pair.public]);
                assert_eq!(keys.sign(&pair.seed, b"text").unwrap(), signature);
            }
        }
        assert_eq!(keys.ready.lock().unwrap().len(), MOST_READY);
    }

    #[test]
    fn seeds_are_those_of_the_go_library() {
        use KeyKind::{Account as A, Operator as O, Server as N, User as U};
        let (keys, golden) = (KeyPairs::new(Arc::new(Counting(Mutex::new(0)))), golden_seeds());
        let names =
            ["operator", "operator_signing", "account", "account_signing", "account_role", "system", "user", "server"];
        for (name, kind) in names.into_iter().zip([O, O, A, A, A, A, U, N]) {
            assert!(keys.generate(kind).seed.expose() == golden[name], "{name}");
        }
    }

    #[test]
    fn the_kinds_that_relais_has_no_use_for_are_refused() {
        for kind in [nkeys::KeyPairType::Cluster, nkeys::KeyPairType::Module, nkeys::KeyPairType::Curve] {
            let seed = nkeys::KeyPair::new_from_raw(kind, [7; 32]).unwrap().seed().unwrap();
            assert!(keys().from_seed(&seed.into()).is_err());
        }
    }

    /// Decodes what the Go library signed, and signs it again: the same text, `jti` and signature included.
    fn same_text<B: Body>(jwt: &str, signer: &str, text: impl Fn(&B::Jwt) -> String) -> Claims<B> {
        let claims = decode::<B>(jwt.trim(), &keys()).unwrap();
        let signer = keys().from_seed(&golden_seeds()[signer].clone().into()).unwrap();
        let again = encode(&claims, &signer, &keys()).unwrap();
        assert_eq!(text(&again), jwt.trim());
        claims
    }

    #[test]
    fn jwts_are_those_of_the_go_library() {
        macro_rules! golden {
            ($name:literal) => {
                include_str!(concat!("../../../domain/src/credentials/golden/", $name))
            };
        }
        let operator = same_text::<Operator>(golden!("operator.jwt"), "operator", |jwt| jwt.as_str().to_owned());
        let account = same_text::<Account>(golden!("account.jwt"), "operator_signing", |jwt| jwt.as_str().to_owned());
        let tiers = same_text::<Account>(golden!("account_tiers.jwt"), "operator", |jwt| jwt.as_str().to_owned());
        let user = same_text::<User>(golden!("user.jwt"), "account_signing", |jwt| jwt.as_str().to_owned());
        let scoped = same_text::<User>(golden!("scoped_user.jwt"), "account_role", |jwt| jwt.as_str().to_owned());
        let activation =
            same_text::<Activation>(golden!("activation.jwt"), "account_signing", |jwt| jwt.as_str().to_owned());
        same_text::<AuthorizationRequest>(golden!("authorization_request.jwt"), "server", |jwt| {
            jwt.as_str().to_owned()
        });
        same_text::<AuthorizationResponse>(golden!("authorization_response.jwt"), "account_signing", |jwt| {
            jwt.as_str().to_owned()
        });
        same_text::<AuthorizationResponse>(golden!("authorization_refusal.jwt"), "account", |jwt| {
            jwt.as_str().to_owned()
        });
        same_text::<Account>(golden!("later.jwt"), "operator", |jwt| jwt.as_str().to_owned());
        assert!(account.activated(&activation));
        assert!(operator.signed(&account));
        assert!(!operator.signed(&tiers), "a strict operator's identity key signs no account");
        let mut unrevoked = account.clone();
        unrevoked.body.revocations.clear();
        assert_eq!((unrevoked.vouches_for(&user), unrevoked.vouches_for(&scoped)), (Ok(()), Ok(())));

        let file = golden!("user.creds");
        let creds = Creds::parse(file).unwrap();
        assert!(creds.format().expose() == file);
        assert_eq!(creds.check(&keys()).unwrap(), scoped);
        let other = Creds { seed: keys().generate(KeyKind::User).seed, ..creds };
        assert!(other.check(&keys()).is_err());
    }

    #[test]
    fn jwts_are_those_of_nsc() {
        macro_rules! golden {
            ($name:literal) => {
                include_str!(concat!("../../../domain/src/credentials/golden/nsc/", $name))
            };
        }
        let operator = same_text::<Operator>(golden!("operator.jwt"), "operator", |jwt| jwt.as_str().to_owned());
        let account = same_text::<Account>(golden!("account.jwt"), "operator", |jwt| jwt.as_str().to_owned());
        let importer = same_text::<Account>(golden!("importer.jwt"), "operator", |jwt| jwt.as_str().to_owned());
        let user = same_text::<User>(golden!("user.jwt"), "account_signing", |jwt| jwt.as_str().to_owned());
        same_text::<Activation>(golden!("activation.jwt"), "account_signing", |jwt| jwt.as_str().to_owned());
        assert!(operator.signed(&account) && account.vouches_for(&user).is_ok());
        let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        for issues in [
            operator.validate(now, &keys()),
            account.validate(now, &keys()),
            importer.validate(now, &keys()),
            user.validate(now, &keys()),
        ] {
            assert!(issues.is_empty(), "nsc finds nothing wrong with it: {issues:?}");
        }
    }
}
