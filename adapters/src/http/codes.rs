//! The endpoints of one-time codes: who asks for one, and a forgotten password. Each translates a request into one call of
//! [`Auth`] and its answer back.

use poem_openapi::{ApiResponse, Object, OpenApi};
use relais_domain::auth::{Auth, CodeWish, Reset};
use serde::Deserialize;

use super::{
    api::Tag,
    client_address::ClientAddress,
    input::Input,
    problem::{CodeProblem, Kind, Problem, ResetProblem},
    schema::{Code, Password},
};

/// Whose mailbox is to be proven.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
struct CodeRequest {
    /// The address that was registered.
    #[oai(validator(max_length = 254))]
    email: String,
}

/// Another password, and what proves whose it is.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
struct ResetRequest {
    /// The address that was registered.
    #[oai(validator(max_length = 254))]
    email: String,
    /// The code that was mailed.
    code: Code,
    /// The password from now on.
    password: Password,
}

#[derive(ApiResponse)]
enum Asked {
    /// A code is on its way, if the address is a user's.
    #[oai(status = 202)]
    Asked,
}

#[derive(ApiResponse)]
enum Done {
    /// Done.
    #[oai(status = 204)]
    Done,
}

pub(super) struct Codes {
    /// `None` makes the document alone.
    pub(super) auth: Option<Auth>,
}

impl Codes {
    fn auth(&self) -> Result<&Auth, Problem> {
        self.auth.as_ref().ok_or_else(|| Problem::new(Kind::UNAVAILABLE, "there is no authentication here"))
    }

    async fn send(&self, email: &str, wish: CodeWish, from: ClientAddress) -> Result<Asked, CodeProblem> {
        self.auth()?.send_code(email, wish, &from.into()).await?;
        Ok(Asked::Asked)
    }
}

#[OpenApi]
impl Codes {
    /// Ask for a code to log in
    ///
    /// Mails a code to the address, if it is a user's; the answer is the same if not. Log in with it: it is good once, for 15
    /// minutes, and proves that the address is yours.
    #[oai(path = "/login/code", method = "post", operation_id = "sendLoginCode", tag = "Tag::Authentication")]
    async fn login_code(&self, from: ClientAddress, body: Input<CodeRequest>) -> Result<Asked, CodeProblem> {
        self.send(&body.0.email, CodeWish::Login, from).await
    }

    /// Ask for a code for another password
    ///
    /// As the code to log in, with other words.
    #[oai(path = "/password/reset", method = "post", operation_id = "sendResetCode", tag = "Tag::Authentication")]
    async fn reset_code(&self, from: ClientAddress, body: Input<CodeRequest>) -> Result<Asked, CodeProblem> {
        self.send(&body.0.email, CodeWish::Reset, from).await
    }

    /// Replace a forgotten password
    ///
    /// Takes a code that was mailed. All devices of the user are removed: somebody else may have known the old password.
    #[oai(
        path = "/password/reset/confirm",
        method = "post",
        operation_id = "resetPassword",
        tag = "Tag::Authentication"
    )]
    async fn reset(&self, from: ClientAddress, body: Input<ResetRequest>) -> Result<Done, ResetProblem> {
        let ResetRequest { email, code, password } = body.0;
        let reset = Reset { email, code: code.0, password: password.0, from: from.into() };
        self.auth()?.reset_password(reset).await?;
        Ok(Done::Done)
    }
}
