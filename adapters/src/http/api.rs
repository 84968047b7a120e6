//! The endpoints. Each translates a request into one call of [`Auth`] and its answer back.

use poem::{Request, http::header};
use poem_openapi::{ApiResponse, OpenApi, SecurityScheme, Tags, auth::Bearer, param::Path, payload::Json};
use relais_domain::{
    auth::{Auth, AuthError, Login, Registration},
    identity::DeviceId,
    ports::Access,
};

use super::{
    Ready,
    client_address::ClientAddress,
    input::Input,
    problem::{
        HealthProblem, Kind, LeaveProblem, LoginProblem, MeProblem, Problem, ReadyProblem, RegisterProblem,
        RemoveProblem,
    },
    schema::{DevicesAnswer, HealthAnswer, LoginAnswer, LoginRequest, MeAnswer, RegisterAnswer, RegisterRequest},
};

pub(super) struct Endpoints {
    /// `None` makes the document alone.
    pub(super) auth: Option<Auth>,
    pub(super) ready: Ready,
}

#[derive(Tags)]
pub(super) enum Tag {
    /// Becoming a user, and logging in.
    Authentication,
    /// What users see of themselves.
    Me,
    /// What admins see and change of users.
    Administration,
    /// Operators, accounts and users of NATS, for admins.
    #[oai(rename = "NSC")]
    Nsc,
    /// Whether the server works.
    Operations,
}

/// The `access_token` of a login.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", bearer_format = "JWT", rename = "access_token", checker = "alone")]
pub(super) struct AccessToken(pub(super) Bearer);

/// The token, if the request has no other: what stands in front of us may have believed that one.
async fn alone(request: &Request, token: Bearer) -> Option<Bearer> {
    (request.headers().get_all(header::AUTHORIZATION).iter().count() == 1).then_some(token)
}

#[derive(ApiResponse)]
enum Created {
    /// The user is saved.
    #[oai(status = 201)]
    Created(Json<RegisterAnswer>),
}

#[derive(ApiResponse)]
enum Done {
    /// Done.
    #[oai(status = 204)]
    Done,
}

impl Endpoints {
    fn auth(&self) -> Result<&Auth, Problem> {
        self.auth.as_ref().ok_or_else(|| Problem::new(Kind::UNAVAILABLE, "there is no authentication here"))
    }

    async fn caller(&self, token: &AccessToken) -> Result<Access, Problem> {
        Ok(self.auth()?.authenticate(&token.0.token).await?)
    }
}

#[OpenApi]
impl Endpoints {
    /// Register
    ///
    /// Saves an email address and a password. Log in with them to get credentials. Where addresses are verified, a code is mailed,
    /// and the first login takes that too.
    #[oai(path = "/register", method = "post", operation_id = "register", tag = "Tag::Authentication")]
    async fn register(&self, from: ClientAddress, body: Input<RegisterRequest>) -> Result<Created, RegisterProblem> {
        let RegisterRequest { email, password } = body.0;
        let registration = Registration { email, password: password.map(|password| password.0), from: from.into() };
        let registered = self.auth()?.register(registration).await?;
        Ok(Created::Created(Json(registered.into())))
    }

    /// Log in
    ///
    /// Makes a device with NATS credentials. Password or mailed code prove who asks; an address that has to be proven first takes
    /// both (403 `unverified` otherwise, and a code is mailed), or a code alone, which displaces whoever only registered the
    /// address. With the `public_key` of a device that the user has already, that device's
    /// credentials are renewed instead.
    #[oai(path = "/login", method = "post", operation_id = "login", tag = "Tag::Authentication")]
    async fn login(&self, from: ClientAddress, body: Input<LoginRequest>) -> Result<Json<LoginAnswer>, LoginProblem> {
        let LoginRequest { email, password, code, device, public_key, client } = body.0;
        let public_key = public_key.map(|key| key.parse()).transpose();
        let public_key = public_key.map_err(|error: relais_domain::credentials::InvalidKey| {
            Problem::invalid(Some("public_key".to_owned()), format!("public_key: {error}"))
        })?;
        let login = Login {
            email,
            password: password.map(|password| password.0),
            code: code.map(|code| code.0),
            from: from.into(),
            device,
            public_key,
            client: client.map(Into::into).unwrap_or_default(),
        };
        Ok(Json(self.auth()?.login(login).await?.into()))
    }

    /// Who am I
    #[oai(path = "/me", method = "get", operation_id = "me", tag = "Tag::Me")]
    async fn me(&self, token: AccessToken) -> Result<Json<MeAnswer>, MeProblem> {
        let access = self.caller(&token).await?;
        let me = self.auth()?.me(&access.user).await?;
        Ok(Json(MeAnswer::new(me, access)))
    }

    /// Leave
    ///
    /// Removes the user who asks: all devices (their keys are revoked), what is stored, the address. It cannot be undone.
    #[oai(path = "/me", method = "delete", operation_id = "leave", tag = "Tag::Me")]
    async fn leave(&self, token: AccessToken) -> Result<Done, LeaveProblem> {
        let access = self.caller(&token).await?;
        self.auth()?.leave(&access).await?;
        Ok(Done::Done)
    }

    /// My devices
    #[oai(path = "/me/devices", method = "get", operation_id = "devices", tag = "Tag::Me")]
    async fn devices(&self, token: AccessToken) -> Result<Json<DevicesAnswer>, MeProblem> {
        let access = self.caller(&token).await?;
        let devices = self.auth()?.devices(&access.user).await?;
        Ok(Json(DevicesAnswer::new(devices, &access)))
    }

    /// Remove a device
    ///
    /// Revokes its key for good: its connections are closed, and no login with that key works again.
    #[oai(path = "/me/devices/:id", method = "delete", operation_id = "removeDevice", tag = "Tag::Me")]
    async fn remove_device(
        &self,
        token: AccessToken,
        /// The device's id.
        id: Path<String>,
    ) -> Result<Done, RemoveProblem> {
        let access = self.caller(&token).await?;
        let device: DeviceId = id.0.parse().map_err(|_| AuthError::NoSuchDevice)?;
        self.auth()?.remove_own_device(&access, &device).await?;
        Ok(Done::Done)
    }

    /// Is it up
    ///
    /// Answers as long as the process does.
    #[oai(path = "/health", method = "get", operation_id = "health", tag = "Tag::Operations")]
    async fn health(&self) -> Result<Json<HealthAnswer>, HealthProblem> {
        Ok(Json(HealthAnswer { status: "ok".to_owned() }))
    }

    /// Is it ready
    ///
    /// Answers 200 when the database and the brokers do.
    #[oai(path = "/ready", method = "get", operation_id = "ready", tag = "Tag::Operations")]
    async fn ready(&self) -> Result<Json<HealthAnswer>, ReadyProblem> {
        match (self.ready)().await {
            Ok(()) => Ok(Json(HealthAnswer { status: "ok".to_owned() })),
            Err(why) => Err(Problem::new(Kind::NOT_READY, why).into()),
        }
    }
}
