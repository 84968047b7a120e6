//! A small typed client of Relais' own HTTP API: register, log in, go on, who am I, devices, log out, leave; and what admins do with
//! users (`admin`).
//!
//! What speaks (`generated`) is made from the document `openapi/relais.json` by `./x clients`; here its answers are parsed into the
//! domain's types, and its errors told (docs/adr/0018). Passwords and tokens go over TLS or loopback only: a plain `http://`
//! address elsewhere is refused before anything is sent. Redirects are not followed, for the same reason. A loopback
//! address is never reached through a proxy of the environment. Answers are bounded, and what is read from them is
//! parsed into the domain's types, so that a foreign server cannot slip text into a subject or a file.

mod address;
mod admin;
mod call;
mod error;
// Nobody's hand is in it (`clients/rust`), and not all operations are called.
#[allow(clippy::all, clippy::pedantic, dead_code, missing_docs, private_interfaces, unreachable_pub, unused_qualifications)]
#[rustfmt::skip]
mod generated;
mod wire;

pub use admin::{AuditEntry, User, UserChange};
pub use error::ClientError;
pub use wire::{Device, LoggedIn, Login, Me, PermissionLists, Registered};

use std::time::Duration;

use progenitor_client::{Error, ResponseValue};
use relais_domain::{auth::Email, identity::DeviceId, secret::Secret};
use reqwest::{Response, Url};

use self::{
    call::{Bearer, Sealed},
    generated::types,
};
use crate::tls::{self, Trust};

/// Connections to one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

/// Time to establish a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a whole call; a login waits for a password hash, maybe in a queue.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

impl Client {
    /// A client of the server at `server`, an `https://` address, or `http://` on loopback. Connects on the first call.
    ///
    /// # Errors
    /// [`ClientError::Address`] when that is no address, [`ClientError::Insecure`] for plain `http://` off loopback,
    /// [`ClientError::Tls`] when the system's certificates cannot be read.
    pub fn new(server: &str) -> Result<Self, ClientError> {
        Self::trusting(server, &Trust::default())
    }

    /// As [`Client::new`], with a word on whose certificates are believed.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn trusting(server: &str, trust: &Trust) -> Result<Self, ClientError> {
        let base = address::parse(server)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(
                tls::client_config(trust, base.scheme() == "https").map_err(|error| ClientError::Tls(error.into()))?,
            )
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .user_agent(concat!("relais/", env!("CARGO_PKG_VERSION")));
        if address::is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| ClientError::Tls(error.into()))?;
        Ok(Self { http, base })
    }

    /// The server's address, without a slash at its end.
    #[must_use]
    pub fn server(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// `POST /register`: a new user; without a password where logins are by mailed codes.
    ///
    /// # Errors
    /// [`ClientError::Conflict`] when the address is registered already, [`ClientError::Invalid`] with the server's
    /// words about address or password, and those every call has.
    pub async fn register(&self, email: &Email, password: Option<&Secret>) -> Result<Registered, ClientError> {
        let body = types::RegisterRequest { email: email.as_str().to_owned(), password: password.map(Sealed::from) };
        self.parsed(self.api(None).register(&body).await).await
    }

    /// `POST /login`: a user JWT for a device, and an access token.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] for a wrong address, password or code (the server does not say which),
    /// [`ClientError::Unverified`] when a code has to come with the password,
    /// [`ClientError::Conflict`] when the key is somebody else's or was removed, or there are too many devices, and
    /// those every call has.
    pub async fn login(&self, login: &Login<'_>) -> Result<LoggedIn, ClientError> {
        self.parsed(self.api(None).login(&types::LoginRequest::from(login)).await).await
    }

    /// `POST /login/code`: a code is mailed to the address, if it is a user's.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] where no mails are sent, and those every call has.
    pub async fn send_login_code(&self, email: &Email) -> Result<(), ClientError> {
        let body = types::CodeRequest { email: email.as_str().to_owned() };
        self.answer(self.api(None).send_login_code(&body).await).await
    }

    /// `POST /password/reset`: the same, with other words.
    ///
    /// # Errors
    /// As [`Client::send_login_code`].
    pub async fn send_reset_code(&self, email: &Email) -> Result<(), ClientError> {
        let body = types::CodeRequest { email: email.as_str().to_owned() };
        self.answer(self.api(None).send_reset_code(&body).await).await
    }

    /// `POST /password/reset/confirm`: another password in place of a forgotten one; all devices are removed.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] for a wrong address or code, [`ClientError::Invalid`] with the server's words about the
    /// password, and those every call has.
    pub async fn reset_password(&self, email: &Email, code: &Secret, password: &Secret) -> Result<(), ClientError> {
        let body = types::ResetRequest {
            email: email.as_str().to_owned(),
            code: Sealed::from(code),
            password: Sealed::from(password),
        };
        self.answer(self.api(None).reset_password(&body).await).await
    }

    /// `POST /token`: a fresh user JWT for the device's key, and the next tokens. The refresh token is good once; a call whose answer
    /// was lost can be repeated within a minute.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the session has ended, or the token was replaced, and those every call has.
    pub async fn refresh(&self, token: &Secret) -> Result<LoggedIn, ClientError> {
        let body = types::RefreshRequest { refresh_token: Sealed::from(token) };
        self.parsed(self.api(None).refresh(&body).await).await
    }

    /// `POST /logout`: removes the device whose token this is.
    ///
    /// # Errors
    /// As [`Client::me`].
    pub async fn logout(&self, token: &Secret) -> Result<(), ClientError> {
        self.answer(self.api(Some(token)).logout().await).await
    }

    /// `POST /password`: another password.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] when `old` is not the password, [`ClientError::Invalid`] for what no password can be, and as
    /// [`Client::me`].
    pub async fn change_password(
        &self,
        token: &Secret,
        old: &Secret,
        new: &Secret,
        remove_other_devices: bool,
    ) -> Result<(), ClientError> {
        let body = types::PasswordRequest {
            old: Sealed::from(old),
            new: Sealed::from(new),
            remove_other_devices: Some(remove_other_devices),
        };
        self.answer(self.api(Some(token)).change_password(&body).await).await
    }

    /// `DELETE /me`: removes the user with everything it has.
    ///
    /// # Errors
    /// [`ClientError::Conflict`] for the last admin, and as [`Client::me`].
    pub async fn leave(&self, token: &Secret) -> Result<(), ClientError> {
        self.answer(self.api(Some(token)).leave().await).await
    }

    /// `GET /me/devices`: the devices of who asks, oldest first.
    ///
    /// # Errors
    /// As [`Client::me`].
    pub async fn devices(&self, token: &Secret) -> Result<Vec<Device>, ClientError> {
        let answer = self.answer(self.api(Some(token)).devices().await).await?;
        answer.devices.into_iter().map(|device| device.try_into().map_err(|reason| self.foreign(reason))).collect()
    }

    /// `GET /me`: whose access token this is.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the token has expired or its device was removed, and those every call has.
    pub async fn me(&self, token: &Secret) -> Result<Me, ClientError> {
        self.parsed(self.api(Some(token)).me().await).await
    }

    /// `DELETE /me/devices/{id}`: takes a device's credentials back, for good.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such device (a repeat, for one), [`ClientError::Unauthorized`], and
    /// those every call has.
    pub async fn remove_device(&self, token: &Secret, device: &DeviceId) -> Result<(), ClientError> {
        self.answer(self.api(Some(token)).remove_device(device.as_str()).await).await
    }

    /// The generated client, on our connections, with an access token or without.
    fn api(&self, token: Option<&Secret>) -> generated::Client {
        generated::Client::new_with_client(self.server(), self.http.clone(), Bearer(token.cloned()))
    }

    /// What was answered, in the domain's types.
    async fn parsed<T, U: TryFrom<T, Error = String>>(
        &self,
        result: Result<ResponseValue<T>, Error>,
    ) -> Result<U, ClientError> {
        self.answer(result).await?.try_into().map_err(|reason| self.foreign(reason))
    }

    /// What was answered, or the error that the status and the problem tell.
    async fn answer<T>(&self, result: Result<ResponseValue<T>, Error>) -> Result<T, ClientError> {
        match result {
            Ok(answer) => Ok(answer.into_inner()),
            Err(Error::UnexpectedResponse(response)) => Err(self.refusal(response).await),
            Err(Error::CommunicationError(error) | Error::ResponseBodyError(error) | Error::InvalidUpgrade(error)) => {
                Err(self.unreachable(error))
            }
            Err(Error::InvalidResponsePayload(_, error)) => Err(self.foreign(error.to_string())),
            Err(Error::InvalidRequest(reason) | Error::Custom(reason)) => Err(self.foreign(reason)),
            Err(Error::ErrorResponse(answer)) => {
                Err(self.foreign(format!("it answered with status {}", answer.status())))
            }
        }
    }

    async fn refusal(&self, response: Response) -> ClientError {
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        // It was read already, in whole (`call`).
        let body = response.bytes().await.unwrap_or_default();
        let problem: wire::Problem = serde_json::from_slice(&body).unwrap_or_default();
        let (kind, text) = (problem.kind.as_deref(), problem.text());
        error::of_status(self.server(), status, kind, text.as_deref(), retry_after)
    }

    fn foreign(&self, reason: String) -> ClientError {
        ClientError::Foreign { server: self.server().to_owned(), reason }
    }

    fn unreachable(&self, error: reqwest::Error) -> ClientError {
        let server = self.server().to_owned();
        if let Some(why) = tls::distrust(&error) {
            ClientError::Untrusted { server, why }
        } else if error.is_timeout() && !error.is_connect() {
            ClientError::Timeout { server }
        } else {
            ClientError::Unreachable { server, source: error.without_url().into() }
        }
    }
}

#[cfg(test)]
mod tests;
