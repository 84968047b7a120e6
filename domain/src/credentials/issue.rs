//! The one place where a user JWT is made: [`sign_user`].
//!
//! It takes a [`Grantee`], in which every name is a parsed one, and nothing from outside becomes a tag: nats-server
//! believes any tag (`user:*` would be everybody, two tags two identities).

use jiff::Timestamp;

use crate::{
    credentials::{AccountClaims, Grantee, KeyKind, PublicKey, User, UserClaims, UserJwt, encode, permissions},
    ports::{Cause, Grant, IssueError, KeyPair, KeyPairs},
};

/// The key of `account` that signs `grantee`: the scoped one of the role `user` for devices, the plain one for others.
///
/// Of several plain keys (as while they are rotated) the first that `held` says is at hand is taken.
#[must_use]
pub fn signing_key(account: &AccountClaims, grantee: &Grantee, held: impl Fn(&PublicKey) -> bool) -> Option<PublicKey> {
    let keys = &account.body.signing_keys;
    match grantee {
        Grantee::Device { .. } => keys.of_role(permissions::USER_ROLE).map(|scope| scope.key.clone()),
        _ => keys.plain().find(|key| held(key)).cloned(),
    }
}

/// What a JWT for `grant` claims, made at `now` in `account`.
///
/// A device has exactly one tag, `user:{user}`, and no permissions or limits of its own, as its scoped key demands; all
/// others bring their lists and no tag.
#[must_use]
pub fn user_claims(grant: &Grant, account: &PublicKey, now: Timestamp) -> UserClaims {
    let mut body = User { issuer_account: Some(account.clone()), ..User::default() };
    match &grant.grantee {
        Grantee::Device { user, .. } => body.generic.tags = vec![format!("user:{user}")],
        other => body.limits = permissions::limits(permissions::of(other)),
    }
    let mut claims = UserClaims::new(&grant.grantee.to_string(), grant.key.clone(), body, now);
    // 0 would be never, so what ended in 1970 ends in its first second.
    claims.expires_at = grant.expires_at.map_or(0, |at| at.as_second().max(1));
    claims
}

/// Signs a user JWT for `grant` with `signer`, the pair of what [`signing_key`] names.
///
/// # Errors
/// [`IssueError::WrongKey`] for a key that is no user's, [`IssueError::NotGranted`] for routes no service may have,
/// [`IssueError::Revoked`] for a key that the account has revoked, [`IssueError::Store`] when `signer` is no key
/// of the account that may sign this grantee.
pub fn sign_user(
    grant: &Grant,
    account: &AccountClaims,
    signer: &KeyPair,
    now: Timestamp,
    keys: &dyn KeyPairs,
) -> Result<UserJwt, IssueError> {
    if grant.key.kind() != KeyKind::User {
        return Err(IssueError::WrongKey(grant.key.clone()));
    }
    permissions::check(&grant.grantee).map_err(IssueError::NotGranted)?;
    let claims = user_claims(grant, &account.subject, now);
    if account.has_revoked(&grant.key, claims.issued_at) {
        return Err(IssueError::Revoked(grant.key.clone()));
    }
    let device = matches!(grant.grantee, Grantee::Device { .. });
    let fits = account.body.signing_keys.0.get(&signer.public).is_some_and(|scope| scope.is_some() == device);
    if !fits {
        return Err(IssueError::Store(
            format!("{} is no key of the account that signs {}", signer.public, grant.grantee).into(),
        ));
    }
    encode(&claims, signer, keys).map_err(|e| IssueError::Store(Cause::from(e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credentials::{
            FOR_GOOD,
            setup::{Keys, Names, Setup},
        },
        memory,
        ports::AccountRole,
    };

    struct House {
        pairs: memory::KeyPairs,
        keys: Keys,
        account: AccountClaims,
        now: Timestamp,
    }

    fn house() -> House {
        let pairs = memory::KeyPairs::default();
        let names = Names { operator: "O".parse().unwrap(), application: "A".parse().unwrap() };
        let (keys, now) = (Keys::generate(&pairs), Timestamp::from_second(1_767_225_600).unwrap());
        let setup = Setup::new(&names, &keys, now);
        let (_, account) = setup.accounts.into_iter().find(|(role, _)| *role == AccountRole::Application).unwrap();
        House { pairs, keys, account, now }
    }

    impl House {
        fn device(&self) -> Grant {
            let grantee = Grantee::Device { user: "ada".parse().unwrap(), device: "d".parse().unwrap() };
            Grant { grantee, key: self.pairs.generate(KeyKind::User).public, expires_at: None }
        }

        fn provisioner(&self) -> Grant {
            Grant { grantee: Grantee::Provisioner, ..self.device() }
        }

        fn sign(&self, grant: &Grant, signer: &KeyPair) -> Result<UserJwt, IssueError> {
            sign_user(grant, &self.account, signer, self.now, &self.pairs)
        }
    }

    #[test]
    fn each_grantee_is_signed_by_its_key_and_by_no_other() {
        let house = house();
        let (role, plain) = (&house.keys.user_role, &house.keys.application.signing);
        for (grant, own, other) in [(house.device(), role, plain), (house.provisioner(), plain, role)] {
            let jwt = house.sign(&grant, own).unwrap();
            let claims = crate::credentials::decode::<User>(jwt.as_str(), &house.pairs).unwrap();
            assert_eq!(house.account.vouches_for(&claims), Ok(()));
            let identity = &house.keys.application.identity;
            for signer in [other, identity, &house.keys.system.signing, &house.keys.operator] {
                assert!(matches!(house.sign(&grant, signer), Err(IssueError::Store(_))));
            }
        }
    }

    #[test]
    fn a_key_of_several_that_is_at_hand_signs() {
        let mut house = house();
        let further: Vec<_> = (0..5).map(|_| house.pairs.generate(KeyKind::Account).public).collect();
        house.account.body.signing_keys.0.extend(further.iter().map(|key| (key.clone(), None)));
        for held in &further {
            let found = signing_key(&house.account, &Grantee::Provisioner, |key| key == held);
            assert_eq!(found.as_ref(), Some(held));
        }
        assert_eq!(signing_key(&house.account, &Grantee::Provisioner, |_| false), None);
    }

    #[test]
    fn a_time_before_1970_does_not_become_never() {
        let house = house();
        let grant = Grant { expires_at: Some(Timestamp::UNIX_EPOCH), ..house.device() };
        assert_eq!(user_claims(&grant, &house.account.subject, house.now).expires_at, 1);
    }

    #[test]
    fn a_revocation_makes_a_newer_version_and_outlives_every_iat() {
        let house = house();
        let grant = house.device();
        let earlier = Timestamp::from_second(5).unwrap();
        let next = house.account.with_revoked(&grant.key, earlier).unwrap();
        assert_eq!(next.issued_at, house.account.issued_at + 1, "also when the clock went back");
        assert!(next.has_revoked(&grant.key, FOR_GOOD));
        assert_eq!(next.with_revoked(&grant.key, house.now), None);
        assert!(!next.has_revoked(&house.device().key, 0));
        let mut all = house.account.clone();
        all.body.revocations.insert("*".to_owned(), 7);
        assert!(all.has_revoked(&grant.key, 7) && !all.has_revoked(&grant.key, 8));
    }

    #[test]
    fn revocations_that_only_a_broker_remembers_are_taken_over() {
        let house = house();
        let (ours, theirs) = (house.device().key, house.device().key);
        let own = house.account.with_revoked(&ours, house.now).unwrap();
        let other = house.account.with_revoked(&theirs, Timestamp::from_second(1_800_000_000).unwrap()).unwrap();
        let both = own.with_revocations_of(&other, house.now).unwrap();
        assert!(both.has_revoked(&ours, FOR_GOOD) && both.has_revoked(&theirs, FOR_GOOD));
        assert!(both.issued_at > own.issued_at && both.issued_at > other.issued_at);
        assert_eq!(both.with_revocations_of(&other, house.now), None);
    }
}
