//! The one place where it is said what a user JWT claims: [`user_to_sign`].
//!
//! It takes a [`Grantee`], in which every name is a parsed one, and nothing from outside becomes a tag: nats-server
//! believes any tag (`user:*` would be everybody, two tags two identities). Engines sign a [`UserToSign`], which nothing
//! else can make.

use jiff::Timestamp;

use crate::{
    credentials::{
        Access, AccountClaims, Grantee, KeyKind, Permission, PublicKey, User, UserClaims, UserJwt, UserLimits, encode,
        lint::TAG,
        permissions::{self, Permissions},
        setup::{EntityName, InvalidEntityName, UserName},
        signed_length,
    },
    ports::{Cause, Grant, IssueError, KeyPair, KeyPairs},
};

/// A user JWT to be: what it claims, in which account, signed by which key. Only [`user_to_sign`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct UserToSign {
    account: EntityName,
    name: UserName,
    claims: UserClaims,
    signer: PublicKey,
}

/// The key of `account` that signs `grantee`: a scoped one of the role for devices and members, a plain one for others.
///
/// Of several keys (as while they are rotated) the first of which `held` says that it is at hand is taken.
#[must_use]
pub fn signing_key(account: &AccountClaims, grantee: &Grantee, held: impl Fn(&PublicKey) -> bool) -> Option<PublicKey> {
    signing_keys(account, grantee).into_iter().find(held)
}

/// The keys of `account` of which any may sign `grantee`.
#[must_use]
pub fn signing_keys(account: &AccountClaims, grantee: &Grantee) -> Vec<PublicKey> {
    let keys = &account.body.signing_keys;
    match grantee {
        Grantee::Device { role, .. } | Grantee::User { access: Access::Role(role), .. } => {
            keys.all_of_role(role.as_str()).cloned().collect()
        }
        _ => keys.plain().cloned().collect(),
    }
}

/// What a JWT for `grant` claims, made at `now` in `account`.
///
/// A device, or a user of a role, has exactly one tag, `user:{user}`, and no permissions or limits of its own, as its scoped key
/// demands. A user with lists of its own has the tag and the lists, all others bring their lists and no tag.
#[must_use]
pub fn user_claims(grant: &Grant, account: &PublicKey, now: Timestamp) -> UserClaims {
    let mut body = User { issuer_account: Some(account.clone()), ..User::default() };
    match &grant.grantee {
        Grantee::Device { user, .. } | Grantee::User { name: user, access: Access::Role(_) } => {
            body.generic.tags = vec![format!("user:{user}")];
        }
        Grantee::User { name, access: Access::Lists(lists) } => {
            body.generic.tags = vec![format!("user:{name}")];
            body.limits = permissions::role(lists.clone());
        }
        other => body.limits = permissions::limits(permissions::of(other)),
    }
    let mut claims = UserClaims::new(&grant.grantee.to_string(), grant.key.clone(), body, now);
    // 0 would be never, so what ended in 1970 ends in its first second.
    claims.expires_at = grant.expires_at.map_or(0, |at| at.as_second().max(1));
    claims
}

/// The longest user JWT that is signed, in bytes. nats-server reads 4 096 bytes of CONNECT (`max_control_line`); with the JWT come
/// the signature of its nonce and what the client says about itself, some 300 to 500.
pub const MAX_USER_JWT: usize = 3_500;

/// Whether a broker would read the JWT of `grant` that one of the account's keys signs. For who must know before it is signed.
///
/// # Errors
/// [`IssueError::TooLong`]; [`IssueError::Store`] when the account has no key that signs this grantee.
pub fn check_length(grant: &Grant, account: &AccountClaims, now: Timestamp) -> Result<(), IssueError> {
    let signer = signing_key(account, &grant.grantee, |_| true).ok_or_else(|| no_key(account, &grant.grantee))?;
    fits(&user_claims(grant, &account.subject, now), &signer)
}

fn fits(claims: &UserClaims, signer: &PublicKey) -> Result<(), IssueError> {
    let length = signed_length(claims, signer).map_err(|error| IssueError::Store(error.into()))?;
    if length > MAX_USER_JWT {
        return Err(IssueError::TooLong { grantee: claims.name.clone(), length });
    }
    Ok(())
}

/// The user JWT for `grant` in `account`, as it is to be signed at `now` by a key of which `held` says that it is at hand.
///
/// # Errors
/// [`IssueError::WrongKey`] for a key that is no user's, [`IssueError::NotGranted`] for routes no service may have,
/// [`IssueError::Revoked`] for a key that the account has revoked, [`IssueError::TooLong`] for more than a broker reads,
/// [`IssueError::Store`] when the account has no key that signs this grantee.
pub fn user_to_sign(
    grant: &Grant,
    account: &AccountClaims,
    held: impl Fn(&PublicKey) -> bool,
    now: Timestamp,
) -> Result<UserToSign, IssueError> {
    if grant.key.kind() != KeyKind::User {
        return Err(IssueError::WrongKey(grant.key.clone()));
    }
    permissions::check(&grant.grantee).map_err(IssueError::NotGranted)?;
    let claims = user_claims(grant, &account.subject, now);
    if account.has_revoked(&grant.key, claims.issued_at) {
        return Err(IssueError::Revoked(grant.key.clone()));
    }
    let no_name = |error: InvalidEntityName| IssueError::Store(Cause::from(error));
    let signer = signing_key(account, &grant.grantee, held);
    let signer = signer.ok_or_else(|| no_key(account, &grant.grantee))?;
    fits(&claims, &signer)?;
    Ok(UserToSign {
        account: account.name.parse().map_err(no_name)?,
        name: claims.name.parse().map_err(no_name)?,
        claims,
        signer,
    })
}

fn no_key(account: &AccountClaims, grantee: &Grantee) -> IssueError {
    let name = &account.name;
    let why = match grantee {
        Grantee::Device { role, .. } | Grantee::User { access: Access::Role(role), .. }
            if account.body.signing_keys.of_role(role.as_str()).is_none() =>
        {
            format!(
                "the account {name} has no role {role}; declare it in the settings (nsc.roles.{role}), or give {grantee} another"
            )
        }
        _ => format!("the account {name} has no key at hand that signs {grantee}; bring its seed back from a backup"),
    };
    IssueError::Store(why.into())
}

/// What `grantee` may publish and listen to in `account`: for members of a role, what its scope says for them.
#[must_use]
pub fn permissions_in(account: &AccountClaims, grantee: &Grantee) -> Permissions {
    let (Grantee::Device { user, role, .. } | Grantee::User { name: user, access: Access::Role(role) }) = grantee
    else {
        return permissions::of(grantee);
    };
    let template = account.body.signing_keys.of_role(role.as_str()).map(|scope| &scope.template.known);
    let filled = |list: &[String]| list.iter().map(|subject| subject.replace(TAG, user.as_str())).collect();
    let allowed = |of: fn(&UserLimits) -> &Permission| template.map(|own| filled(&of(own).allow)).unwrap_or_default();
    Permissions { publish: allowed(|own| &own.publish), subscribe: allowed(|own| &own.subscribe) }
}

impl UserToSign {
    /// Its account.
    #[must_use]
    pub fn account(&self) -> &EntityName {
        &self.account
    }

    /// The name that it bears.
    #[must_use]
    pub fn name(&self) -> &UserName {
        &self.name
    }

    /// What it claims.
    #[must_use]
    pub fn claims(&self) -> &UserClaims {
        &self.claims
    }

    /// The signing key of the account that signs it.
    #[must_use]
    pub fn signer(&self) -> &PublicKey {
        &self.signer
    }

    /// Signs it.
    ///
    /// # Errors
    /// [`IssueError::Store`] when `signer` is not the pair of [`UserToSign::signer`].
    pub fn sign(&self, signer: &KeyPair, keys: &dyn KeyPairs) -> Result<UserJwt, IssueError> {
        if signer.public != self.signer {
            let text = format!("{} is not the key that signs {}", signer.public, self.name);
            return Err(IssueError::Store(text.into()));
        }
        encode(&self.claims, signer, keys).map_err(|error| IssueError::Store(Cause::from(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credentials::setup::{Keys, Names, Setup},
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
            let role = permissions::USER_ROLE.parse().unwrap();
            let grantee = Grantee::Device { user: "ada".parse().unwrap(), device: "d".parse().unwrap(), role };
            Grant { grantee, key: self.pairs.generate(KeyKind::User).public, expires_at: None }
        }

        fn provisioner(&self) -> Grant {
            Grant { grantee: Grantee::Provisioner, ..self.device() }
        }

        fn to_sign(&self, grant: &Grant) -> Result<UserToSign, IssueError> {
            user_to_sign(grant, &self.account, |_| true, self.now)
        }
    }

    #[test]
    fn each_grantee_is_signed_by_its_key_and_by_no_other() {
        let house = house();
        let (role, plain) = (&house.keys.user_role, &house.keys.application.signing);
        for (grant, own, other) in [(house.device(), role, plain), (house.provisioner(), plain, role)] {
            let user = house.to_sign(&grant).unwrap();
            let jwt = user.sign(own, &house.pairs).unwrap();
            let claims = crate::credentials::decode::<User>(jwt.as_str(), &house.pairs).unwrap();
            assert_eq!(house.account.vouches_for(&claims), Ok(()));
            let identity = &house.keys.application.identity;
            for signer in [other, identity, &house.keys.system.signing, &house.keys.operator] {
                assert!(matches!(user.sign(signer, &house.pairs), Err(IssueError::Store(_))));
            }
        }
    }

    /// `<`, `>` and `&` take six bytes each in a JWT, as Go writes them.
    #[test]
    fn what_a_broker_would_not_read_is_not_signed() {
        let house = house();
        let (mut signed, mut refused) = (0, 0);
        for count in 0..120 {
            let subjects = (0..count).map(|n| format!("from.ada.<&.{n}.>")).collect();
            let access = Access::Lists(Permissions { publish: subjects, subscribe: vec!["to.ada.>".to_owned()] });
            let grantee = Grantee::User { name: "ada".parse().unwrap(), access };
            let grant = Grant { grantee, ..house.device() };
            let told = check_length(&grant, &house.account, house.now);
            match house.to_sign(&grant) {
                Ok(user) => {
                    let jwt = user.sign(&house.keys.application.signing, &house.pairs).unwrap();
                    assert!(told.is_ok() && refused == 0 && jwt.as_str().len() <= MAX_USER_JWT);
                    let counted = signed_length(user.claims(), user.signer()).unwrap();
                    assert_eq!(counted, jwt.as_str().len());
                    signed += 1;
                }
                Err(IssueError::TooLong { grantee, length }) => {
                    assert!(told.is_err() && grantee == "ada" && length > MAX_USER_JWT);
                    refused += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(signed > 40 && refused > 20, "{signed} {refused}");
    }

    #[test]
    fn no_key_at_hand_signs_nothing() {
        let house = house();
        let refused = user_to_sign(&house.provisioner(), &house.account, |_| false, house.now);
        assert!(matches!(refused, Err(IssueError::Store(_))));
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
}
