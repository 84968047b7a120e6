//! What admins ask of the HTTP API: users, page by page, what is changed about one, who did what, and which roles there are.

use jiff::Timestamp;
use relais_domain::{
    audit::EntryId,
    identity::{RoleName, UserId},
    ports::Standing,
    secret::Secret,
};

use super::{Client, ClientError, call::Sealed, generated::types, wire::parsed};

/// A user, as admins see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Made by the server.
    pub id: UserId,
    /// The address, as the server keeps it; others have chosen it.
    pub email: String,
    /// When they registered.
    pub created_at: Timestamp,
    /// What they may do on NATS.
    pub role: RoleName,
    /// Whether they are an admin.
    pub admin: bool,
    /// Whether they are let in.
    pub standing: Standing,
}

/// What is changed about a user; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another role.
    pub role: Option<RoleName>,
    /// Whether they are an admin.
    pub admin: Option<bool>,
    /// Whether they are kept out.
    pub disabled: Option<bool>,
}

/// Somebody did something. The words are told as the server says them, so that those of a newer one are readable too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in time.
    pub id: EntryId,
    /// When.
    pub at: Timestamp,
    /// Who: `user:…`, `command:…` (on the server), `relais`.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom or what.
    pub target: String,
    /// `done`, `there` (it was so already), `refused`, `failed`.
    pub outcome: String,
    /// More, in words.
    pub detail: String,
}

impl Client {
    /// `POST /admin/claim`: makes whose access token this is the first admin.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] when it is not the token, or was redeemed; [`ClientError::Unauthorized`], and those every call
    /// has.
    pub async fn claim(&self, access: &Secret, token: &Secret) -> Result<(), ClientError> {
        let body = types::ClaimRequest { token: Sealed::from(token) };
        self.answer(self.api(Some(access)).claim(&body).await).await.map(drop)
    }

    /// `GET /users`: at most `limit` users (1 to 200), by id, beginning behind `after`; with `part`, those whose address holds it.
    /// No more of them is the empty answer.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] for who is no admin, and as [`Client::me`]. Users that do not go on behind `after` are none of
    /// ours: whoever follows the pages comes to an end.
    pub async fn users(
        &self,
        token: &Secret,
        after: Option<&UserId>,
        part: Option<&str>,
        limit: u32,
    ) -> Result<Vec<User>, ClientError> {
        let answer = self.api(Some(token)).users(after.map(UserId::as_str), part, Some(limit)).await;
        let answer = self.answer(answer).await?.users.into_iter().map(User::try_from);
        let users: Vec<User> = answer.collect::<Result<_, _>>().map_err(|reason| self.foreign(reason))?;
        if !go_on(after, users.iter().map(|user| &user.id), |one, next| one < next) {
            return Err(self.foreign("its users do not go on by their ids".to_owned()));
        }
        Ok(users)
    }

    /// `PATCH /users/{id}`: changes a user; how they are then.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such user, [`ClientError::Conflict`] for the last admin,
    /// [`ClientError::Unavailable`] when not every broker has cut the devices off, [`ClientError::Forbidden`] for who is no
    /// admin, and as [`Client::me`].
    pub async fn change_user(&self, token: &Secret, id: &UserId, change: &UserChange) -> Result<User, ClientError> {
        let body = types::ChangeUserRequest {
            role: change.role.as_ref().map(|role| role.as_str().to_owned()),
            admin: change.admin,
            disabled: change.disabled,
        };
        self.parsed(self.api(Some(token)).change_user(id.as_str(), &body).await).await
    }

    /// `DELETE /users/{id}`: removes a user with everything they have.
    ///
    /// # Errors
    /// As [`Client::change_user`].
    pub async fn delete_user(&self, token: &Secret, id: &UserId) -> Result<(), ClientError> {
        self.answer(self.api(Some(token)).delete_user(id.as_str()).await).await
    }

    /// `GET /audit`: at most `limit` entries (1 to 200), newest first, beginning with the one before `before`. No more of them is
    /// the empty answer.
    ///
    /// # Errors
    /// As [`Client::users`].
    pub async fn audit(
        &self,
        token: &Secret,
        before: Option<&EntryId>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, ClientError> {
        let answer = self.api(Some(token)).audit(before.map(EntryId::as_str), Some(limit)).await;
        let answer = self.answer(answer).await?.entries.into_iter().map(AuditEntry::try_from);
        let entries: Vec<AuditEntry> = answer.collect::<Result<_, _>>().map_err(|reason| self.foreign(reason))?;
        if !go_on(before, entries.iter().map(|entry| &entry.id), |one, next| one > next) {
            return Err(self.foreign("its entries do not go on by their ids".to_owned()));
        }
        Ok(entries)
    }

    /// The roles that users can have, by name: those whose members some key in `GET /nsc/info` signs.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] for who is no admin, and as [`Client::me`].
    pub async fn roles(&self, token: &Secret) -> Result<Vec<RoleName>, ClientError> {
        let answer = self.answer(self.api(Some(token)).nsc_info().await).await?;
        let keys = answer.accounts.into_iter().flat_map(|account| account.signing_keys).filter(|key| key.signs);
        // A key that somebody made with nsc may name a role as no user here can have it.
        let mut roles: Vec<RoleName> = keys.filter_map(|key| key.role?.parse().ok()).collect();
        roles.sort();
        roles.dedup();
        Ok(roles)
    }
}

/// Whether each id stands in its place behind the one before it, the first behind the one that was known.
fn go_on<'i, I>(known: Option<&'i I>, mut ids: impl Iterator<Item = &'i I>, behind: impl Fn(&I, &I) -> bool) -> bool {
    let mut last = known;
    ids.all(|id| last.replace(id).is_none_or(|last| behind(last, id)))
}

impl TryFrom<types::UserAnswer> for User {
    type Error = String;

    fn try_from(answer: types::UserAnswer) -> Result<Self, String> {
        Ok(Self {
            id: parsed("id", &answer.id)?,
            email: answer.email,
            created_at: answer.created_at,
            role: parsed("role", &answer.role)?,
            admin: answer.admin,
            standing: match answer.standing {
                types::Standing::Active => Standing::Active,
                types::Standing::Disabled => Standing::Disabled,
                types::Standing::Leaving => Standing::Leaving,
            },
        })
    }
}

impl TryFrom<types::AuditEntry> for AuditEntry {
    type Error = String;

    fn try_from(answer: types::AuditEntry) -> Result<Self, String> {
        Ok(Self {
            id: parsed("id", &answer.id)?,
            at: answer.at,
            actor: answer.actor,
            action: answer.action,
            target: answer.target,
            outcome: answer.outcome,
            detail: answer.detail,
        })
    }
}
