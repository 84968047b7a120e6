//! The endpoints of admins about users and the audit, and the URL resolver. Each translates a request into one call of the domain and its
//! answer back.

use std::net::IpAddr;

use poem::{IntoResponse, Request, Response, web::RemoteAddr};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::{Json, PlainText},
};
use relais_domain::{
    auth::{Auth, Expiry, UserChange},
    credentials::PublicKey,
    identity::UserId,
    nsc::Service,
    ports::Access,
};

use super::{
    admin_schema::{AuditAnswer, ChangeUserRequest, ClaimRequest, UserAnswer, UsersAnswer},
    api::{AccessToken, Tag},
    input::Input,
    problem::{AdminProblem, ChangeProblem, ClaimProblem, DeleteProblem, Kind, Problem, ResolverProblem},
};

/// What the endpoints of admins need; none of it makes the document alone.
#[derive(Clone, Default)]
pub struct Administration {
    /// What changes operator, accounts and users.
    pub service: Option<Service>,
    /// How long users that are made hold, unless it is said (`nsc.expiry`).
    pub expiry: Expiry,
    /// Who may ask the URL resolver.
    pub resolver: ResolverRules,
}

/// Who may ask the URL resolver: whoever has an account's old JWT can hand it to brokers again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolverRules {
    /// Whether this machine may; not where a proxy on it asks for everybody.
    pub loopback: bool,
    /// Addresses of brokers that may.
    pub brokers: Vec<IpAddr>,
}

impl ResolverRules {
    fn lets(&self, from: Option<IpAddr>) -> bool {
        from.map(|from| from.to_canonical()).is_some_and(|from| {
            (self.loopback && from.is_loopback()) || self.brokers.iter().any(|own| own.to_canonical() == from)
        })
    }
}

#[derive(Clone)]
pub(super) struct Admins {
    /// `None` makes the document alone.
    pub(super) auth: Option<Auth>,
    pub(super) own: Administration,
}

impl Admins {
    pub(super) fn auth(&self) -> Result<&Auth, Problem> {
        self.auth.as_ref().ok_or_else(|| Problem::new(Kind::UNAVAILABLE, "there is no authentication here"))
    }

    pub(super) fn service(&self) -> Result<&Service, Problem> {
        self.own.service.as_ref().ok_or_else(|| Problem::new(Kind::UNAVAILABLE, "there is no NSC service here"))
    }

    pub(super) async fn admin(&self, token: &AccessToken) -> Result<Access, Problem> {
        Ok(self.auth()?.authenticate_admin(&token.0.token).await?)
    }
}

#[derive(ApiResponse)]
enum Gone {
    /// The user is gone.
    #[oai(status = 204)]
    Gone,
}

fn user_id(id: &str) -> Result<UserId, Problem> {
    id.parse().map_err(|_| Problem::new(Kind::NO_SUCH_USER, "there is no such user"))
}

#[OpenApi]
impl Admins {
    /// Become the first admin
    ///
    /// With the one-time token that lies in `setup-token` in the data folder. Works once.
    #[oai(path = "/admin/claim", method = "post", operation_id = "claim", tag = "Tag::Administration")]
    async fn claim(&self, token: AccessToken, body: Input<ClaimRequest>) -> Result<Json<UserAnswer>, ClaimProblem> {
        let access = self.auth()?.authenticate(&token.0.token).await?;
        Ok(Json(self.auth()?.claim(&access, &body.0.token.0).await?.into()))
    }

    /// Users
    #[oai(path = "/users", method = "get", operation_id = "users", tag = "Tag::Administration")]
    async fn users(
        &self,
        token: AccessToken,
        /// The id behind which to begin.
        after: Query<Option<String>>,
        /// How many at most: 1 to 200.
        #[oai(default = "page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u32>,
        /// A part of the email address.
        #[oai(validator(min_length = 1, max_length = 254))]
        email: Query<Option<String>>,
    ) -> Result<Json<UsersAnswer>, AdminProblem> {
        self.admin(&token).await?;
        let after = after.0.map(|after| user_id(&after)).transpose()?;
        Ok(Json(self.auth()?.users(after, limit.0 as usize, email.0.as_deref()).await?.into()))
    }

    /// Remove a user
    ///
    /// All devices (their keys are revoked), what is stored, the address. It cannot be undone.
    #[oai(path = "/users/:id", method = "delete", operation_id = "deleteUser", tag = "Tag::Administration")]
    async fn delete_user(
        &self,
        token: AccessToken,
        /// The user's id.
        id: Path<String>,
    ) -> Result<Gone, DeleteProblem> {
        let access = self.admin(&token).await?;
        self.auth()?.delete_user(&access, &user_id(&id.0)?).await?;
        Ok(Gone::Gone)
    }

    /// Change a user
    ///
    /// Another role is what the user's devices get from their next login on.
    #[oai(path = "/users/:id", method = "patch", operation_id = "changeUser", tag = "Tag::Administration")]
    async fn change_user(
        &self,
        token: AccessToken,
        /// The user's id.
        id: Path<String>,
        body: Input<ChangeUserRequest>,
    ) -> Result<Json<UserAnswer>, ChangeProblem> {
        let access = self.admin(&token).await?;
        let role = body.0.role.map(|role| role.parse()).transpose();
        let role = role.map_err(|error: relais_domain::identity::InvalidName| {
            Problem::invalid(Some("role".to_owned()), format!("role: {error}"))
        })?;
        let change = UserChange { role, admin: body.0.admin, disabled: body.0.disabled };
        Ok(Json(self.auth()?.change_user(&access, &user_id(&id.0)?, &change).await?.into()))
    }

    /// Who did what
    ///
    /// Newest first; `before` is the id of the last entry that is known.
    #[oai(path = "/audit", method = "get", operation_id = "audit", tag = "Tag::Administration")]
    async fn audit(
        &self,
        token: AccessToken,
        /// The id before which to begin.
        before: Query<Option<String>>,
        /// How many at most: 1 to 200.
        #[oai(default = "page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u32>,
    ) -> Result<Json<AuditAnswer>, AdminProblem> {
        self.admin(&token).await?;
        let before = before.0.map(|before| before.parse()).transpose();
        let before = before.map_err(|error: relais_domain::audit::Unknown| {
            Problem::invalid(Some("before".to_owned()), format!("before: {error}"))
        })?;
        Ok(Json(self.auth()?.audit(before, limit.0 as usize).await?.into()))
    }

    /// Whether this is a URL resolver
    ///
    /// nats-server asks this when it starts with `resolver: URL(…/jwt/v1/accounts/)`.
    #[oai(path = "/jwt/v1/accounts", method = "get", operation_id = "resolver", tag = "Tag::Nsc")]
    async fn resolver(&self, request: &Request) -> Result<PlainText<String>, ResolverProblem> {
        self.may_resolve(request)?;
        Ok(PlainText("ok".to_owned()))
    }

    /// The JWT of an account, for a broker
    ///
    /// Answered to this machine, and to the brokers that `nsc.resolver_brokers` names.
    #[oai(path = "/jwt/v1/accounts/:key", method = "get", operation_id = "resolve", tag = "Tag::Nsc")]
    async fn resolve(
        &self,
        request: &Request,
        /// The account's public key (`A…`).
        key: Path<String>,
    ) -> Result<PlainText<String>, ResolverProblem> {
        self.may_resolve(request)?;
        let unknown = || Problem::new(Kind::UNKNOWN_NAME, "there is no account with this key");
        let key = key.0.parse::<PublicKey>().map_err(|_| unknown())?;
        let jwt = self.service()?.nsc.account_jwt(&key).await?;
        Ok(PlainText(jwt.ok_or_else(unknown)?.as_str().to_owned()))
    }
}

impl Admins {
    /// What stands at `/jwt/v1/accounts/`, which the framework's own routes cannot end like this.
    pub(super) fn resolver_page(&self, request: &Request) -> Response {
        self.may_resolve(request).map_or_else(IntoResponse::into_response, |()| "ok".into_response())
    }

    fn may_resolve(&self, request: &Request) -> Result<(), Problem> {
        let RemoteAddr(from) = request.remote_addr();
        let from = from.as_socket_addr().map(std::net::SocketAddr::ip);
        if self.own.resolver.lets(from) {
            return Ok(());
        }
        let why = "accounts are answered to this machine and to the brokers in nsc.resolver_brokers";
        Err(Problem::new(Kind::NOT_A_BROKER, why))
    }
}

fn page() -> u32 {
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolver_answers_this_machine_and_named_brokers() {
        let rules = |loopback, brokers: &[&str]| ResolverRules {
            loopback,
            brokers: brokers.iter().map(|address| address.parse().unwrap()).collect(),
        };
        for (rules, from, lets) in [
            (rules(true, &[]), Some("127.0.0.1"), true),
            (rules(true, &[]), Some("::1"), true),
            (rules(true, &[]), Some("::ffff:127.0.0.1"), true),
            (rules(true, &[]), Some("10.0.0.7"), false),
            (rules(false, &[]), Some("127.0.0.1"), false),
            (rules(false, &["10.0.0.7"]), Some("10.0.0.7"), true),
            (rules(false, &["10.0.0.7"]), Some("::ffff:10.0.0.7"), true),
            (rules(true, &["10.0.0.7"]), Some("10.0.0.8"), false),
            (rules(true, &[]), None, false),
        ] {
            assert_eq!(rules.lets(from.map(|from| from.parse().unwrap())), lets, "{rules:?} {from:?}");
        }
    }
}
