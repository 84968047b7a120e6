//! The endpoints of the NSC service. Each translates a request into one call of the domain and its answer back.

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use relais_domain::{
    audit::Actor,
    auth::Expiry,
    credentials::{PublicKey, setup::EntityName},
    nsc::{NewUser, Service, Wish},
    ports::Made,
};

use super::{
    admin::Admins,
    api::{AccessToken, Tag},
    input::Input,
    nsc_requests::{NewAccountRequest, NewSetupRequest, NewUserRequest, PermissionsRequest, RotateRequest},
    nsc_schema::{
        AccountAnswer, ClaimsAnswer, InfoAnswer, NewUserAnswer, NscUserAnswer, NscUsersAnswer, PushAnswer,
        RevokedAnswer, RotationAnswer, SetupAnswer,
    },
    problem::{AdminProblem, ChangeProblem, Problem},
};

/// The NSC service, for those whom [`Admins`] lets in.
pub(super) struct Nsc(pub(super) Admins);

/// Made now, or there already.
#[derive(ApiResponse)]
enum MadeUserResponse {
    /// It was there already, as asked for.
    #[oai(status = 200)]
    There(Json<NewUserAnswer>),
    /// It was made.
    #[oai(status = 201)]
    New(Json<NewUserAnswer>),
}

/// Made now, or there already.
#[derive(ApiResponse)]
enum MadeAccountResponse {
    /// It was there already.
    #[oai(status = 200)]
    There(Json<AccountAnswer>),
    /// It was made, and every broker has it.
    #[oai(status = 201)]
    New(Json<AccountAnswer>),
}

/// Made now, or there already.
#[derive(ApiResponse)]
enum MadeSetupResponse {
    /// It was there already, with this account.
    #[oai(status = 200)]
    There(Json<SetupAnswer>),
    /// It was made.
    #[oai(status = 201)]
    New(Json<SetupAnswer>),
}

impl Nsc {
    /// An admin, or who holds the set-up token while it is not redeemed: that can make an admin as well.
    async fn admin_or_token(&self, token: &AccessToken) -> Result<Actor, Problem> {
        let auth = self.0.auth()?;
        if auth.is_setup_token(&token.0.token.as_str().into()).await? {
            return Ok(Actor::Command("set-up token".to_owned()));
        }
        Ok(Actor::User(self.0.admin(token).await?.user))
    }

    async fn service_for(&self, token: &AccessToken) -> Result<(&Service, Actor), Problem> {
        let access = self.0.admin(token).await?;
        Ok((self.0.service()?, Actor::User(access.user)))
    }
}

fn account_name(name: &str) -> Result<EntityName, Problem> {
    name.parse().map_err(|error| Problem::invalid(Some("account".to_owned()), format!("account: {error}")))
}

#[OpenApi]
impl Nsc {
    /// Operator and accounts
    ///
    /// Names and public keys; never a seed.
    #[oai(path = "/nsc/info", method = "get", operation_id = "nscInfo", tag = "Tag::Nsc")]
    async fn info(&self, token: AccessToken) -> Result<Json<InfoAnswer>, AdminProblem> {
        self.admin_or_token(&token).await?;
        Ok(Json(self.0.service()?.nsc.overview().await?.into()))
    }

    /// A new operator with its accounts
    ///
    /// The operator of this installation is returned, if it has that account; another one is made beside it, for brokers
    /// elsewhere. Admins may, and who has the set-up token before it is redeemed (as the bearer token).
    #[oai(path = "/nsc/new-setup", method = "post", operation_id = "newSetup", tag = "Tag::Nsc")]
    async fn new_setup(
        &self,
        token: AccessToken,
        body: Input<NewSetupRequest>,
    ) -> Result<MadeSetupResponse, ChangeProblem> {
        let by = self.admin_or_token(&token).await?;
        let NewSetupRequest { operator, account } = body.0;
        Ok(match self.0.service()?.set_up(by, &operator, &account).await? {
            Made::There(held) => MadeSetupResponse::There(Json(SetupAnswer::new(&held, account))),
            Made::New(held) => MadeSetupResponse::New(Json(SetupAnswer::new(&held, account))),
        })
    }

    /// A new account
    ///
    /// Its users may do what their own lists say; it has no JetStream.
    #[oai(path = "/nsc/new-account", method = "post", operation_id = "newAccount", tag = "Tag::Nsc")]
    async fn new_account(
        &self,
        token: AccessToken,
        body: Input<NewAccountRequest>,
    ) -> Result<MadeAccountResponse, ChangeProblem> {
        let (service, by) = self.service_for(&token).await?;
        Ok(match service.add_account(by, &body.0.name).await? {
            Made::There(account) => MadeAccountResponse::There(Json(account.into())),
            Made::New(account) => MadeAccountResponse::New(Json(account.into())),
        })
    }

    /// An account, with all that it claims
    #[oai(path = "/nsc/accounts/:account", method = "get", operation_id = "describeAccount", tag = "Tag::Nsc")]
    async fn describe_account(
        &self,
        token: AccessToken,
        /// Its name.
        account: Path<String>,
    ) -> Result<Json<ClaimsAnswer>, AdminProblem> {
        let (service, _) = self.service_for(&token).await?;
        let found = service.nsc.account_named(&account_name(&account.0)?).await?;
        Ok(Json(ClaimsAnswer::new(&found.held.claims, found.held.jwt.as_str())?))
    }

    /// Revoke every user of an account
    ///
    /// Every user JWT that was made until now: devices, services, users. Devices log in again; services and users need new creds.
    #[oai(path = "/nsc/accounts/:account/revoke-all", method = "post", operation_id = "revokeAll", tag = "Tag::Nsc")]
    async fn revoke_all(
        &self,
        token: AccessToken,
        /// Its name.
        account: Path<String>,
    ) -> Result<Json<AccountAnswer>, ChangeProblem> {
        let (service, by) = self.service_for(&token).await?;
        Ok(Json(service.revoke_all(by, &account_name(&account.0)?).await?.into()))
    }

    /// New signing keys for an account
    ///
    /// What the old ones have signed goes on to be believed, until `end-rotation`; with `at_once` nobody whom they signed is
    /// believed any more.
    #[oai(path = "/nsc/accounts/:account/rotate-keys", method = "post", operation_id = "rotateKeys", tag = "Tag::Nsc")]
    async fn rotate_keys(
        &self,
        token: AccessToken,
        /// Its name.
        account: Path<String>,
        body: Input<RotateRequest>,
    ) -> Result<Json<RotationAnswer>, ChangeProblem> {
        let (service, by) = self.service_for(&token).await?;
        let at_once = body.0.at_once.unwrap_or_default();
        Ok(Json(service.rotate(by, &account_name(&account.0)?, at_once).await?.into()))
    }

    /// End the overlap of a rotation
    ///
    /// Whom the old keys have signed is not believed any more.
    #[oai(
        path = "/nsc/accounts/:account/end-rotation",
        method = "post",
        operation_id = "endRotation",
        tag = "Tag::Nsc"
    )]
    async fn end_rotation(
        &self,
        token: AccessToken,
        /// Its name.
        account: Path<String>,
    ) -> Result<Json<RotationAnswer>, ChangeProblem> {
        let (service, by) = self.service_for(&token).await?;
        Ok(Json(service.end_rotation(by, &account_name(&account.0)?).await?.into()))
    }

    /// A new user
    ///
    /// A long-lived one, with the role `user` unless a role, lists, or the settings say otherwise. Without a `public_key` a pair
    /// is made, whose seed is in this answer and nowhere else.
    #[oai(path = "/nsc/new-user", method = "post", operation_id = "newUser", tag = "Tag::Nsc")]
    async fn new_user(
        &self,
        token: AccessToken,
        body: Input<NewUserRequest>,
    ) -> Result<MadeUserResponse, ChangeProblem> {
        let (service, by) = self.service_for(&token).await?;
        let NewUserRequest { name, account, role, allow_pub, allow_sub, public_key, expiry, keep_seed } = body.0;
        let public_key = public_key.map(|key| key.parse::<PublicKey>()).transpose();
        let public_key = public_key
            .map_err(|error| Problem::invalid(Some("public_key".to_owned()), format!("public_key: {error}")))?;
        let expiry = expiry.map(|expiry| expiry.parse::<Expiry>()).transpose();
        let expiry = expiry.map_err(|error| Problem::invalid(Some("expiry".to_owned()), format!("expiry: {error}")))?;
        let new = NewUser {
            name,
            account,
            wish: wish(role, allow_pub, allow_sub)?,
            public_key,
            expires_at: expiry.unwrap_or(self.0.own.expiry).after(service.clock.now()),
            keep_seed: keep_seed.unwrap_or_default(),
        };
        Ok(match service.add_user(by, new).await? {
            Made::There(made) => MadeUserResponse::There(Json(made.into())),
            Made::New(made) => MadeUserResponse::New(Json(made.into())),
        })
    }

    /// The users of an account
    ///
    /// Long-lived ones; devices are their users' own.
    #[oai(path = "/nsc/users", method = "get", operation_id = "nscUsers", tag = "Tag::Nsc")]
    async fn nsc_users(
        &self,
        token: AccessToken,
        /// The account's name; without it, the application's.
        account: Query<Option<String>>,
    ) -> Result<Json<NscUsersAnswer>, AdminProblem> {
        let (service, _) = self.service_for(&token).await?;
        Ok(Json(service.nsc.users(account.0.as_deref()).await?.into()))
    }

    /// A user, with all that it claims
    #[oai(path = "/nsc/users/:name", method = "get", operation_id = "describeUser", tag = "Tag::Nsc")]
    async fn describe_user(
        &self,
        token: AccessToken,
        /// Its name.
        name: Path<String>,
        /// The account's name; without it, the application's.
        account: Query<Option<String>>,
    ) -> Result<Json<NscUserAnswer>, AdminProblem> {
        let (service, _) = self.service_for(&token).await?;
        Ok(Json(NscUserAnswer::with_claims(&service.nsc.user_named(&name.0, account.0.as_deref()).await?)?))
    }

    /// Other permissions for a user
    ///
    /// Its JWT is replaced, and the one before is refused from now on.
    #[oai(path = "/nsc/users/:name", method = "patch", operation_id = "editUser", tag = "Tag::Nsc")]
    async fn edit_user(
        &self,
        token: AccessToken,
        /// Its name.
        name: Path<String>,
        /// The account's name; without it, the application's.
        account: Query<Option<String>>,
        body: Input<PermissionsRequest>,
    ) -> Result<Json<NewUserAnswer>, ChangeProblem> {
        let (service, by) = self.service_for(&token).await?;
        let PermissionsRequest { role, allow_pub, allow_sub } = body.0;
        let wish = wish(role, allow_pub, allow_sub)?;
        Ok(Json(service.edit_user(by, &name.0, account.0.as_deref(), &wish).await?.into()))
    }

    /// Revoke a user
    ///
    /// By its name or its public key, for good: it is cut off from every broker when this is answered.
    #[oai(path = "/nsc/users/:name", method = "delete", operation_id = "revokeUser", tag = "Tag::Nsc")]
    async fn revoke_user(
        &self,
        token: AccessToken,
        /// Its name, or its public key.
        name: Path<String>,
        /// The account's name; without it, the application's.
        account: Query<Option<String>>,
    ) -> Result<Json<RevokedAnswer>, ChangeProblem> {
        let (service, by) = self.service_for(&token).await?;
        let key = service.revoke_user(by, &name.0, account.0.as_deref()).await?;
        Ok(Json(RevokedAnswer { public_key: key.into() }))
    }

    /// Hand every account to the brokers now
    ///
    /// And say which broker has which version then.
    #[oai(path = "/nsc/push", method = "post", operation_id = "push", tag = "Tag::Nsc")]
    async fn push(&self, token: AccessToken) -> Result<Json<PushAnswer>, ChangeProblem> {
        let (service, by) = self.service_for(&token).await?;
        Ok(Json(service.push(by).await?.into()))
    }
}

/// A role, or lists, or neither.
fn wish(role: Option<String>, publish: Option<Vec<String>>, subscribe: Option<Vec<String>>) -> Result<Wish, Problem> {
    match (role, publish, subscribe) {
        (None, None, None) => Ok(Wish::Default),
        (Some(role), None, None) => Ok(Wish::Role(role)),
        (None, Some(publish), Some(subscribe)) => Ok(Wish::Lists { publish, subscribe }),
        (Some(_), ..) => {
            Err(Problem::invalid(Some("role".to_owned()), "role: a user has a role, or lists of its own, not both"))
        }
        (None, ..) => Err(Problem::invalid(
            Some("allow_pub".to_owned()),
            "allow_pub: both lists are needed, allow_pub and allow_sub; an empty one allows nothing",
        )),
    }
}
