//! What [`crate::ports::Resolver`] promises.

use jiff::Timestamp;

use crate::{
    credentials::{
        AccountJwt, Change, PublicKey, Trust, encode,
        setup::{Keys, Names, Setup},
    },
    ports::{AccountRole, KeyPair, KeyPairs, Resolver, ResolverError},
};

/// An installation to run the suite with. The broker behind the resolver must trust [`Case::trust`], and may know its
/// system account already, as from `resolver_preload`; it knows no other.
pub struct Case {
    /// Operator and system account, for the broker's configuration (`accounts` holds the system account alone).
    pub trust: Trust,
    /// The key of the account that is pushed.
    pub account: PublicKey,
    /// A first version of it.
    pub older: AccountJwt,
    /// A second version, a minute later, with one user revoked.
    pub newer: AccountJwt,
    /// The account signed with the operator's identity key, which a strict operator forbids.
    pub by_identity: AccountJwt,
    /// Signs users of the system account: for the connection that the resolver uses.
    pub system_signing: KeyPair,
    /// The system account's key.
    pub system: PublicKey,
}

impl Case {
    /// Makes an installation with new keys.
    ///
    /// # Panics
    /// When `pairs` does not keep its own contract.
    #[must_use]
    pub fn new(pairs: &dyn KeyPairs) -> Self {
        let now = Timestamp::from_second(1_767_225_600).expect("a time within range");
        let names = Names {
            operator: "Suite".parse().expect("a plain name"),
            application: "App".parse().expect("a plain name"),
        };
        let keys = Keys::generate(pairs);
        let setup = Setup::new(&names, &keys, now);
        let signed = setup.sign(&keys, pairs).expect("keys that were just made");
        let of = |signed: &[(AccountRole, String, AccountJwt)], wanted: AccountRole| {
            signed.iter().find(|(role, ..)| *role == wanted).map(|(.., jwt)| jwt.clone()).expect("all three are there")
        };
        let user = pairs.generate(crate::credentials::KeyKind::User).public;
        let claims = setup.accounts.iter().find(|(role, _)| *role == AccountRole::Application);
        let claims = &claims.expect("all three are there").1;
        let later = now + jiff::SignedDuration::from_mins(1);
        let newer = Change::ban(user.clone()).apply(claims, later).expect("nobody was revoked");
        let system = keys.system.identity.public.clone();
        Self {
            trust: Trust {
                operator: signed.operator.clone(),
                system_account: system.clone(),
                accounts: vec![(system.clone(), of(&signed.accounts, AccountRole::System))],
            },
            account: keys.application.identity.public.clone(),
            older: of(&signed.accounts, AccountRole::Application),
            newer: encode(&newer, &keys.operator_signing, pairs).expect("keys that were just made"),
            by_identity: encode(claims, &keys.operator, pairs).expect("keys that were just made"),
            system_signing: keys.system.signing.clone(),
            system,
        }
    }
}

/// Runs the whole suite.
///
/// # Panics
/// Where a promise is not kept.
pub async fn suite(resolver: &dyn Resolver, case: &Case) {
    let found = || async {
        let heard = resolver.lookup(&case.account).await.expect("the resolver answers");
        assert!(heard.brokers > 0 && heard.missing() == 0, "every broker answers: {heard:?}");
        let first = heard.answers[0].jwt.clone();
        for served in &heard.answers {
            let broker = served.broker.as_ref().expect("brokers that agree are told apart");
            assert!(!broker.name.is_empty() && !broker.id.is_empty());
            assert_eq!(served.jwt, first, "every broker has the same");
        }
        first
    };
    assert_eq!(found().await, None, "an account that nobody pushed");

    push(resolver, &case.older).await.expect("an account of the trusted operator");
    assert_eq!(found().await.as_ref(), Some(&case.older));
    push(resolver, &case.older).await.expect("a repeat does no harm");
    assert_eq!(found().await.as_ref(), Some(&case.older));

    push(resolver, &case.newer).await.expect("a newer version");
    assert_eq!(found().await.as_ref(), Some(&case.newer));
    push(resolver, &case.older).await.expect("an older version replaces the newer one; callers know");
    assert_eq!(found().await.as_ref(), Some(&case.older));

    let refused = |result| matches!(result, Err(ResolverError::Refused(why)) if !String::is_empty(&why));
    assert!(refused(push(resolver, &case.by_identity).await), "a strict operator signs with signing keys only");
    for text in ["", "a.b.c", "hello"] {
        let nonsense = AccountJwt::from_text(text.to_owned());
        assert!(refused(push(resolver, &nonsense).await), "{text:?} is no account");
    }
    let cut = AccountJwt::from_text(case.newer.as_str()[..case.newer.as_str().len() - 4].to_owned());
    assert!(refused(push(resolver, &cut).await), "a cut signature");
    assert_eq!(found().await.as_ref(), Some(&case.older), "what was refused changes nothing");

    let limit = resolver.largest();
    assert!(limit > case.newer.as_str().len());
    let huge = AccountJwt::from_text("x".repeat(limit + 1));
    assert!(matches!(resolver.push(&huge).await, Err(ResolverError::TooLarge { .. })), "more than a broker takes");
}

/// Pushes to every broker.
async fn push(resolver: &dyn Resolver, jwt: &AccountJwt) -> Result<(), ResolverError> {
    let heard = resolver.push(jwt).await?;
    let mut confirmed = heard.answers.clone();
    confirmed.sort();
    confirmed.dedup();
    assert_eq!(confirmed.len(), heard.brokers, "every broker confirms, once: {heard:?}");
    Ok(())
}
