//! A small typed client of Relais' own HTTP API: register, log in, go on, who am I, devices, log out, leave.
//!
//! It follows the document `openapi/relais.json`. Passwords and tokens go over TLS or loopback only: a plain `http://`
//! address elsewhere is refused before anything is sent. Redirects are not followed, for the same reason. A loopback
//! address is never reached through a proxy of the environment. Answers are bounded, and what is read from them is
//! parsed into the domain's types, so that a foreign server cannot slip text into a subject or a file.

mod address;
mod error;
mod wire;

pub use error::ClientError;
pub use wire::{Device, LoggedIn, Login, Me, PermissionLists, Registered};

use std::time::Duration;

use relais_domain::{auth::Email, identity::DeviceId, secret::Secret};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

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
/// The largest answer that is read, in bytes; a login's is about 3 KB.
const MAX_ANSWER: usize = 256 * 1024;

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
        let body = wire::Credentials { email: email.as_str(), password: password.map(Secret::expose) };
        self.call(self.request(Method::POST, &["register"])?.json(&body)).await
    }

    /// `POST /login`: a user JWT for a device, and an access token.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] for a wrong address, password or code (the server does not say which),
    /// [`ClientError::Unverified`] when a code has to come with the password,
    /// [`ClientError::Conflict`] when the key is somebody else's or was removed, or there are too many devices, and
    /// those every call has.
    pub async fn login(&self, login: &Login<'_>) -> Result<LoggedIn, ClientError> {
        let answer: LoggedIn = self.call(self.request(Method::POST, &["login"])?.json(&login.wire())).await?;
        answer.check().map_err(|reason| self.foreign(reason))?;
        Ok(answer)
    }

    /// `POST /login/code`: a code is mailed to the address, if it is a user's.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] where no mails are sent, and those every call has.
    pub async fn send_login_code(&self, email: &Email) -> Result<(), ClientError> {
        let body = wire::Address { email: email.as_str() };
        self.send(self.request(Method::POST, &["login", "code"])?.json(&body)).await.map(drop)
    }

    /// `POST /password/reset`: the same, with other words.
    ///
    /// # Errors
    /// As [`Client::send_login_code`].
    pub async fn send_reset_code(&self, email: &Email) -> Result<(), ClientError> {
        let body = wire::Address { email: email.as_str() };
        self.send(self.request(Method::POST, &["password", "reset"])?.json(&body)).await.map(drop)
    }

    /// `POST /password/reset/confirm`: another password in place of a forgotten one; all devices are removed.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] for a wrong address or code, [`ClientError::Invalid`] with the server's words about the
    /// password, and those every call has.
    pub async fn reset_password(&self, email: &Email, code: &Secret, password: &Secret) -> Result<(), ClientError> {
        let body = wire::Reset { email: email.as_str(), code: code.expose(), password: password.expose() };
        self.send(self.request(Method::POST, &["password", "reset", "confirm"])?.json(&body)).await.map(drop)
    }

    /// `POST /token`: a fresh user JWT for the device's key, and the next tokens. The refresh token is good once; a call whose answer
    /// was lost can be repeated within a minute.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the session has ended, or the token was replaced, and those every call has.
    pub async fn refresh(&self, token: &Secret) -> Result<LoggedIn, ClientError> {
        let body = wire::Refresh { refresh_token: token.expose() };
        let answer: LoggedIn = self.call(self.request(Method::POST, &["token"])?.json(&body)).await?;
        answer.check().map_err(|reason| self.foreign(reason))?;
        Ok(answer)
    }

    /// `POST /logout`: removes the device whose token this is.
    ///
    /// # Errors
    /// As [`Client::me`].
    pub async fn logout(&self, token: &Secret) -> Result<(), ClientError> {
        let request = self.request(Method::POST, &["logout"])?;
        self.send(request.bearer_auth(token.expose())).await.map(drop)
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
        let body = wire::Passwords { old: old.expose(), new: new.expose(), remove_other_devices };
        let request = self.request(Method::POST, &["password"])?.json(&body);
        self.send(request.bearer_auth(token.expose())).await.map(drop)
    }

    /// `DELETE /me`: removes the user with everything it has.
    ///
    /// # Errors
    /// [`ClientError::Conflict`] for the last admin, and as [`Client::me`].
    pub async fn leave(&self, token: &Secret) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &["me"])?;
        self.send(request.bearer_auth(token.expose())).await.map(drop)
    }

    /// `GET /me/devices`: the devices of who asks, oldest first.
    ///
    /// # Errors
    /// As [`Client::me`].
    pub async fn devices(&self, token: &Secret) -> Result<Vec<Device>, ClientError> {
        let request = self.request(Method::GET, &["me", "devices"])?.bearer_auth(token.expose());
        self.call(request).await.map(|answer: wire::Devices| answer.devices)
    }

    /// `GET /me`: whose access token this is.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the token has expired or its device was removed, and those every call has.
    pub async fn me(&self, token: &Secret) -> Result<Me, ClientError> {
        self.call(self.request(Method::GET, &["me"])?.bearer_auth(token.expose())).await
    }

    /// `DELETE /me/devices/{id}`: takes a device's credentials back, for good.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such device (a repeat, for one), [`ClientError::Unauthorized`], and
    /// those every call has.
    pub async fn remove_device(&self, token: &Secret, device: &DeviceId) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &["me", "devices", device.as_str()])?;
        self.send(request.bearer_auth(token.expose())).await.map(drop)
    }

    /// `POST /admin/claim`: makes whose access token this is the first admin.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] when it is not the token, or was redeemed; [`ClientError::Unauthorized`], and those every call
    /// has.
    pub async fn claim(&self, access: &Secret, token: &Secret) -> Result<(), ClientError> {
        let body = wire::Claim { token: token.expose() };
        let request = self.request(Method::POST, &["admin", "claim"])?.json(&body);
        self.send(request.bearer_auth(access.expose())).await.map(drop)
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, ClientError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ClientError::Address { given: self.server().to_owned(), reason: "it can have no path" })?
            .pop_if_empty()
            .extend(path);
        Ok(self.http.request(method, url))
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let (_, body) = self.send(request).await?;
        serde_json::from_slice(&body).map_err(|error| self.foreign(error.to_string()))
    }

    /// Sends, and sorts what came back: a success with its body, or the error that the status and the problem tell.
    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = self.read(response).await?;
        if status.is_success() {
            return Ok((status, body));
        }
        let problem: wire::Problem = serde_json::from_slice(&body).unwrap_or_default();
        let (kind, text) = (problem.kind.as_deref(), problem.text());
        Err(error::of_status(self.server(), status.as_u16(), kind, text.as_deref(), retry_after))
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.foreign(format!("its answer is longer than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
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
