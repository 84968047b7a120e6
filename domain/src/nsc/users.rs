//! Long-lived users: made, edited, listed, revoked. Devices are not among them; they log in.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{Nsc, NscError};
use crate::{
    credentials::{
        Access, Account, AccountClaims, Change, Grantee, KeyKind, PublicKey, User, UserJwt, check_length,
        creds::Creds,
        lint::{self, Rules},
        permissions::{self, USER_ROLE},
        setup::{EntityName, UserName},
    },
    identity::{RoleName, Topic, UserId},
    ports::{EngineError, Grant, Held, IssueError, Keep, KeyPair, Made},
    secret::Secret,
};

/// What users that are made get when nothing else is asked for, and what they may be allowed (`nsc.allow_pub`,
/// `nsc.allow_sub`, `nsc.force`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// What they publish to, with `{user}` for their own token; with `subscribe` empty too, they get the role `user`.
    pub publish: Vec<String>,
    /// What they listen to.
    pub subscribe: Vec<String>,
    /// Topics that there are.
    pub topics: Vec<Topic>,
    /// Subjects that are allowed although the linter would refuse them.
    pub forced: BTreeSet<String>,
}

/// What somebody wants a user to be allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wish {
    /// What the settings say.
    #[default]
    Default,
    /// What the members of a role may.
    Role(String),
    /// These lists, with `{user}` for its own token.
    Lists {
        /// What it publishes to.
        publish: Vec<String>,
        /// What it listens to.
        subscribe: Vec<String>,
    },
}

/// A user to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUser {
    /// Its name, which becomes its user id.
    pub name: String,
    /// In which account; `None` is the application's.
    pub account: Option<String>,
    /// What it may do.
    pub wish: Wish,
    /// Its own public key; without one a pair is made here.
    pub public_key: Option<PublicKey>,
    /// When its JWT ends; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Whether the seed of a pair made here is kept in the store, with a creds file.
    pub keep_seed: bool,
}

/// A user with its JWT.
#[derive(Clone)]
pub struct MadeUser {
    /// Its name.
    pub name: String,
    /// Its account.
    pub account: String,
    /// Its key.
    pub public_key: PublicKey,
    /// What it is believed by.
    pub jwt: UserJwt,
    /// JWT and seed, when the pair was made here; on a repeat, when its seed was kept.
    pub creds: Option<Secret>,
    /// When it ends, in seconds since 1970; 0 is never.
    pub expires_at: i64,
}

/// What is known of a user in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct UserOverview {
    /// Its claims and JWT.
    pub held: Arc<Held<User>>,
    /// The role whose key has signed it.
    pub role: Option<String>,
    /// Why the brokers do not believe it, when they do not.
    pub refused: Option<&'static str>,
}

impl Nsc {
    /// Makes a user and keeps its JWT. A repeat returns the one that is there, when it is the same.
    ///
    /// # Errors
    /// [`NscError::Invalid`], [`NscError::Lint`], [`EngineError::Unknown`] for an account or role, [`NscError::Exists`] for
    /// another user of this name, [`IssueError::Revoked`] for a key that was revoked, and other [`NscError::Engine`].
    pub async fn add_user(&self, new: NewUser) -> Result<Made<MadeUser>, NscError> {
        let (name, account) = self.place(&new.name, new.account.as_deref()).await?;
        let access = self.access(&name, &new.wish, &account.claims)?;
        if let Some(held) = self.kept(&account, &user_name(&name)?).await? {
            self.same(&held, &account.claims, &access, &new)?;
            return Ok(Made::There(self.made(&held, &account.claims, None).await?));
        }
        let pair = match new.public_key {
            Some(_) => None,
            None => Some(self.pairs.generate(KeyKind::User)),
        };
        let key = pair.as_ref().map(|pair| pair.public.clone()).or(new.public_key);
        let key = key.ok_or_else(|| NscError::invalid("public_key", "it is missing"))?;
        let keep = match &pair {
            Some(pair) if new.keep_seed => Keep::Creds(pair.clone()),
            _ => Keep::Jwt,
        };
        let grant = Grant { grantee: Grantee::User { name, access }, key, expires_at: new.expires_at };
        let jwt = self.sign(&grant, &account.claims, keep).await?;
        let held = self.read(jwt)?;
        Ok(Made::New(self.made(&held, &account.claims, pair).await?))
    }

    /// Gives a user other permissions: its JWT is replaced, and the one before is refused from now on. A user of a role is
    /// edited by editing the role, or gets lists of its own by this.
    ///
    /// # Errors
    /// As [`Nsc::add_user`]; [`EngineError::Unknown`] when there is no such user.
    pub async fn edit_user(&self, name: &str, account: Option<&str>, wish: &Wish) -> Result<MadeUser, NscError> {
        let (name, account) = self.place(name, account).await?;
        let user = user_name(&name)?;
        let held = self.kept(&account, &user).await?;
        let held = held.ok_or_else(|| EngineError::Unknown { what: "user", name: name.to_string() })?;
        let access = self.access(&name, wish, &account.claims)?;
        let unlike = NewUser { expires_at: seconds(held.claims.expires_at), ..NewUser::default() };
        let believed = account.claims.vouches_for(&held.claims).is_ok();
        if believed && self.same(&held, &account.claims, &access, &unlike).is_ok() {
            return self.made(&held, &account.claims, None).await;
        }
        let account_name = entity_name(&account.claims)?;
        let (key, until) = (held.claims.subject.clone(), held.claims.issued_at);
        let expires_at = seconds(held.claims.expires_at);
        let grant = Grant { grantee: Grantee::User { name, access }, key: key.clone(), expires_at };
        // What cannot be signed must not take away what is there.
        check_length(&grant, &account.claims, self.clock.now())?;
        // The JWT of before must go first, so that a repeat after a crash finds it refused and goes on; and the new one must not
        // go with it, so it is made in a later second.
        let after = self.change(&account_name, &Change::Revoke { key: key.clone(), until }).await?;
        let later = seconds(until.saturating_add(1)).unwrap_or(Timestamp::MAX);
        if self.clock.now() < later {
            self.clock.sleep_until(later).await;
        }
        let keep = match self.engine.seed(&key).await? {
            Some(seed) => Keep::Creds(KeyPair { public: key, seed }),
            None => Keep::Jwt,
        };
        let jwt = self.sign(&grant, &after.claims, keep).await?;
        let held = self.read(jwt)?;
        self.made(&held, &after.claims, None).await
    }

    /// The users of an account that are kept, by name.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] for the account, and other [`NscError::Engine`].
    pub async fn users(&self, account: Option<&str>) -> Result<Vec<UserOverview>, NscError> {
        let account = self.account_or_own(account).await?;
        let users = self.engine.users(&entity_name(&account.claims)?).await?;
        Ok(users.into_iter().map(|held| self.user_overview(held, &account.claims)).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`Nsc::users`]; [`EngineError::Unknown`] when there is no such user.
    pub async fn user_named(&self, name: &str, account: Option<&str>) -> Result<UserOverview, NscError> {
        let account = self.account_or_own(account).await?;
        let user = name.parse::<UserName>().map_err(|error| NscError::invalid("name", error))?;
        let held = self.kept(&account, &user).await?;
        let held = held.ok_or_else(|| EngineError::Unknown { what: "user", name: name.to_owned() })?;
        Ok(self.user_overview(held, &account.claims))
    }

    /// Bans the key of a user, by its name or by the key itself, and forgets what is kept of it: it is cut off from every
    /// broker when this returns. A repeat by key does it again.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] for the account or the name, [`NscError::Invalid`] for what is neither name nor user key,
    /// [`IssueError::NotPushed`] when it is stored and not every broker has it.
    pub async fn revoke_user(&self, name_or_key: &str, account: Option<&str>) -> Result<PublicKey, NscError> {
        let account = self.account_or_own(account).await?;
        let account_name = entity_name(&account.claims)?;
        let users = self.engine.users(&account_name).await?;
        let by_key = name_or_key.parse::<PublicKey>().ok();
        let found =
            users.iter().find(|held| held.claims.name == name_or_key || Some(&held.claims.subject) == by_key.as_ref());
        let key = match (found, by_key) {
            (Some(held), _) => held.claims.subject.clone(),
            (None, Some(key)) if key.kind() == KeyKind::User => key,
            (None, Some(key)) => return Err(IssueError::WrongKey(key).into()),
            (None, None) => {
                let name = name_or_key.parse::<UserName>().map_err(|error| NscError::invalid("name", error))?;
                return Err(EngineError::Unknown { what: "user", name: name.to_string() }.into());
            }
        };
        // Banned first: what is forgotten could not be banned by name any more.
        self.change(&account_name, &Change::ban(key.clone())).await?;
        if let Some(held) = found {
            let name = held.claims.name.parse().map_err(EngineError::Name)?;
            self.engine.remove_user(&account_name, &name).await?;
        }
        Ok(key)
    }

    /// Forgets users whose JWTs have ended, of every account; their names. One of them turns `nsc validate` red.
    ///
    /// # Errors
    /// [`NscError::Engine`].
    pub async fn forget_ended(&self) -> Result<Vec<String>, NscError> {
        let (now, mut gone) = (self.clock.now(), Vec::new());
        for account in self.engine.accounts().await? {
            let account = entity_name(&account.claims)?;
            for held in self.engine.users(&account).await? {
                if held.claims.has_expired(now) {
                    let name = held.claims.name.parse().map_err(EngineError::Name)?;
                    self.engine.remove_user(&account, &name).await?;
                    gone.push(held.claims.name.clone());
                }
            }
        }
        Ok(gone)
    }

    async fn account_or_own(&self, account: Option<&str>) -> Result<Arc<Held<Account>>, NscError> {
        let name = match account {
            Some(name) => name.parse().map_err(|error| NscError::invalid("account", error))?,
            None => self.application.clone(),
        };
        Ok(self.engine.account(&name).await?)
    }

    async fn place(&self, name: &str, account: Option<&str>) -> Result<(UserId, Arc<Held<Account>>), NscError> {
        let name = name.parse::<UserId>().map_err(|error| NscError::invalid("name", error))?;
        Ok((name, self.account_or_own(account).await?))
    }

    async fn kept(&self, account: &Held<Account>, user: &UserName) -> Result<Option<Arc<Held<User>>>, NscError> {
        let users = self.engine.users(&entity_name(&account.claims)?).await?;
        Ok(users.into_iter().find(|held| held.claims.name == user.as_str()))
    }

    /// What a wish comes to in an account.
    fn access(&self, user: &UserId, wish: &Wish, account: &AccountClaims) -> Result<Access, NscError> {
        let roles = &account.body.signing_keys;
        let allowed = &self.allowed;
        let rules = Rules { topics: &allowed.topics, forced: &allowed.forced };
        let lists = |publish: &[String], subscribe: &[String]| {
            lint::compile_own(user, publish, subscribe, rules).map(Access::Lists).map_err(NscError::Lint)
        };
        match wish {
            Wish::Lists { publish, subscribe } => lists(publish, subscribe),
            Wish::Role(role) => {
                let name = role.parse::<RoleName>().map_err(|error| NscError::invalid("role", error))?;
                if roles.of_role(role).is_none() {
                    return Err(EngineError::Unknown { what: "role", name: role.clone() }.into());
                }
                Ok(Access::Role(name))
            }
            Wish::Default if !(allowed.publish.is_empty() && allowed.subscribe.is_empty()) => {
                lists(&allowed.publish, &allowed.subscribe)
            }
            Wish::Default if roles.of_role(USER_ROLE).is_some() => {
                Ok(Access::Role(USER_ROLE.parse().expect("it is the name of a role")))
            }
            Wish::Default => Ok(Access::Lists(permissions::of_user(user))),
        }
    }

    /// Whether a user that is there is the one that is asked for.
    fn same(&self, held: &Held<User>, account: &AccountClaims, access: &Access, new: &NewUser) -> Result<(), NscError> {
        let differs = |why: String| Err(NscError::Exists { what: "a user", name: held.claims.name.clone(), why });
        if let Some(key) = &new.public_key
            && *key != held.claims.subject
        {
            return differs(format!("its key is {}; revoke it first, or choose another name", held.claims.subject));
        }
        let scope =
            held.claims.issuer.as_ref().and_then(|issuer| account.body.signing_keys.0.get(issuer)).cloned().flatten();
        let alike = match access {
            Access::Role(role) => scope.is_some_and(|scope| scope.role == role.as_str()),
            Access::Lists(lists) => scope.is_none() && held.claims.body.limits == permissions::role(lists.clone()),
        };
        if !alike {
            return differs("it may do something else; edit it, or choose another name".to_owned());
        }
        if account.vouches_for(&held.claims).is_err() || held.claims.has_expired(self.clock.now()) {
            return differs("it is not believed any more; revoke it first, or choose another name".to_owned());
        }
        Ok(())
    }

    fn read(&self, jwt: UserJwt) -> Result<Held<User>, NscError> {
        let claims = crate::credentials::decode::<User>(jwt.as_str(), self.pairs.as_ref());
        let claims = claims.map_err(|error| EngineError::Store(error.into()))?;
        Ok(Held { claims, jwt })
    }

    async fn made(
        &self,
        held: &Held<User>,
        account: &AccountClaims,
        pair: Option<KeyPair>,
    ) -> Result<MadeUser, NscError> {
        let seed = match pair {
            Some(pair) => Some(pair.seed),
            None => self.engine.seed(&held.claims.subject).await?,
        };
        let creds = seed.map(|seed| Creds { jwt: held.jwt.clone(), seed }.format());
        Ok(MadeUser {
            name: held.claims.name.clone(),
            account: account.name.clone(),
            public_key: held.claims.subject.clone(),
            jwt: held.jwt.clone(),
            creds,
            expires_at: held.claims.expires_at,
        })
    }

    fn user_overview(&self, held: Arc<Held<User>>, account: &AccountClaims) -> UserOverview {
        let issuer = held.claims.issuer.as_ref();
        let scope = issuer.and_then(|issuer| account.body.signing_keys.0.get(issuer)).and_then(Option::as_ref);
        let refused = if held.claims.has_expired(self.clock.now()) {
            Some("expired")
        } else {
            account.vouches_for(&held.claims).err().map(|why| match why {
                crate::credentials::NotVouched::Issuer => "signed by a key that is gone",
                crate::credentials::NotVouched::Scope => "brings permissions against its role",
                crate::credentials::NotVouched::Revoked => "revoked",
            })
        };
        UserOverview { role: scope.map(|scope| scope.role.clone()), refused, held }
    }
}

fn entity_name(account: &AccountClaims) -> Result<EntityName, NscError> {
    Ok(account.name.parse().map_err(EngineError::Name)?)
}

fn user_name(user: &UserId) -> Result<UserName, NscError> {
    Ok(user.as_str().parse().map_err(EngineError::Name)?)
}

/// A moment of a JWT; 0 is never.
fn seconds(at: i64) -> Option<Timestamp> {
    if at == 0 { None } else { Timestamp::from_second(at).ok() }
}
