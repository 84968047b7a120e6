//! The endpoints of who is logged in: going on, logging out, another password. Each translates a request into
//! one call of [`Auth`] and its answer back.

use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json};
use relais_domain::{auth::Auth, ports::Access};
use serde::Deserialize;

use super::{
    api::{AccessToken, Tag},
    input::{Input, present},
    problem::{JwksProblem, Kind, LogoutProblem, PasswordProblem, Problem, RefreshProblem},
    schema::{LoginAnswer, Password, RefreshToken},
};

/// What goes on with a login.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    /// The `refresh_token` of the newest login or refresh.
    refresh_token: RefreshToken,
}

/// Another password.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
struct PasswordRequest {
    /// The password until now.
    old: Password,
    /// The password from now on.
    new: Password,
    /// Whether all other devices are removed, because somebody else may know the old password.
    #[serde(default, deserialize_with = "present")]
    remove_other_devices: Option<bool>,
}

/// The public keys of access tokens (RFC 7517).
#[derive(Object, Deserialize)]
struct JwksAnswer {
    /// The keys: of tokens that may be met now, and the one that comes next.
    keys: Vec<Jwk>,
}

/// A public key (RFC 8037).
#[derive(Object, Deserialize)]
struct Jwk {
    /// Always `OKP`.
    kty: String,
    /// Always `Ed25519`.
    crv: String,
    /// Always `sig`.
    r#use: String,
    /// Always `EdDSA`.
    alg: String,
    /// Its id, as it stands in the header of tokens.
    kid: String,
    /// The key, as base64url.
    x: String,
}

#[derive(ApiResponse)]
enum Keys {
    /// The keys.
    #[oai(status = 200)]
    Keys(
        Json<JwksAnswer>,
        /// How long to keep them.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Done {
    /// Done.
    #[oai(status = 204)]
    Done,
}

pub(super) struct Sessions {
    /// `None` makes the document alone.
    pub(super) auth: Option<Auth>,
}

impl Sessions {
    fn auth(&self) -> Result<&Auth, Problem> {
        self.auth.as_ref().ok_or_else(|| Problem::new(Kind::UNAVAILABLE, "there is no authentication here"))
    }

    async fn caller(&self, token: &AccessToken) -> Result<Access, Problem> {
        Ok(self.auth()?.authenticate(&token.0.token).await?)
    }
}

#[OpenApi]
impl Sessions {
    /// Go on
    ///
    /// Renews the NATS credentials of a device and the access token, without a password. The refresh token is good once: the answer
    /// has the next one. Who has lost the answer may repeat the request within a minute, and gets the same. A token that is used
    /// later ends the session, and the device's key is revoked: somebody has a copy.
    #[oai(path = "/token", method = "post", operation_id = "refresh", tag = "Tag::Authentication")]
    async fn refresh(&self, body: Input<RefreshRequest>) -> Result<Json<LoginAnswer>, RefreshProblem> {
        Ok(Json(self.auth()?.refresh(&body.0.refresh_token.0).await?.into()))
    }

    /// Log out
    ///
    /// Removes the device that asks: its key is revoked, and its tokens are worth nothing.
    #[oai(path = "/logout", method = "post", operation_id = "logout", tag = "Tag::Authentication")]
    async fn logout(&self, token: AccessToken) -> Result<Done, LogoutProblem> {
        let access = self.caller(&token).await?;
        self.auth()?.logout(&access).await?;
        Ok(Done::Done)
    }

    /// Change the password
    #[oai(path = "/password", method = "post", operation_id = "changePassword", tag = "Tag::Me")]
    async fn change_password(&self, token: AccessToken, body: Input<PasswordRequest>) -> Result<Done, PasswordProblem> {
        let access = self.caller(&token).await?;
        let PasswordRequest { old, new, remove_other_devices } = body.0;
        let cut_off_others = remove_other_devices.unwrap_or_default();
        self.auth()?.change_password(&access, &old.0, &new.0, cut_off_others).await?;
        Ok(Done::Done)
    }

    /// The keys of access tokens
    ///
    /// With these others can verify an access token. A key signs for 30 days; the next one is here before it signs.
    #[oai(path = "/.well-known/jwks.json", method = "get", operation_id = "jwks", tag = "Tag::Authentication")]
    async fn jwks(&self) -> Result<Keys, JwksProblem> {
        let keys = serde_json::from_str(&self.auth()?.jwks());
        let keys =
            keys.map_err(|error| Problem::new(Kind::INTERNAL, format!("the keys cannot be written: {error}")))?;
        Ok(Keys::Keys(Json(keys), "public, max-age=3600".to_owned()))
    }
}
