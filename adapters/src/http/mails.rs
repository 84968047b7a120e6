//! `/dev/mail`: the mails that were caught instead of sent, for the developer on whose machine this runs.
//!
//! What they say came from others, so nothing of it is markup, and the page runs no script and loads nothing.

use std::{fmt::Write as _, sync::Arc};

use data_encoding::BASE64;
use jiff::Timestamp;
use poem::{
    Request, Response,
    http::{HeaderMap, header},
};
use relais_domain::secret::Secret;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The path.
pub(super) const PATH: &str = "/dev/mail";

/// A mail that was caught.
pub struct CaughtMail {
    /// To whom.
    pub to: String,
    /// What about.
    pub subject: String,
    /// The text.
    pub body: Secret,
    /// When.
    pub at: Timestamp,
}

/// What was caught, newest first.
pub type CaughtMails = Arc<dyn Fn() -> Vec<CaughtMail> + Send + Sync>;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;\
                     color-scheme:light dark}article{border-top:1px solid #8888;padding:.5rem 0}h2{font-size:1.1rem;\
                     margin:.5rem 0 0}p{margin:0 0 .5rem;opacity:.7}pre{font:inherit;white-space:pre-wrap;\
                     overflow-wrap:anywhere;margin:0}";

/// The mails as a page, or as JSON for whoever asks for that.
pub(super) fn answer(request: &Request, mails: &[CaughtMail]) -> Response {
    if wants_json(request.headers()) {
        let list: Value = mails.iter().map(told).collect();
        return Response::builder().content_type("application/json").body(list.to_string());
    }
    let style = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::VARY, "accept")
        .body(page(mails))
}

fn wants_json(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("application/json") && !value.contains("text/html"))
}

fn told(mail: &CaughtMail) -> Value {
    json!({"to": mail.to, "subject": mail.subject, "body": mail.body.expose(), "at": mail.at.to_string()})
}

fn page(mails: &[CaughtMail]) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"3\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Mail</title><style>{STYLE}</style></head><body>\n\
         <h1>Mail</h1>\n<p>Caught on this machine; nothing was sent. The newest first.</p>\n"
    );
    if mails.is_empty() {
        page.push_str("<p>No mail yet.</p>\n");
    }
    for mail in mails {
        let [to, subject, body] = [mail.to.as_str(), mail.subject.as_str(), mail.body.expose()].map(escaped);
        let written =
            writeln!(page, "<article><h2>{subject}</h2><p>to {to}, {}</p>\n<pre>\n{body}</pre></article>", mail.at);
        written.expect("a string takes whatever is written to it");
    }
    page.push_str("</body></html>\n");
    page
}

/// Text that is no markup, wherever it stands.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
