//! Who brings mails to people: the server of the settings, or on a laptop nobody: mails are caught, and shown at `/dev/mail`.

use std::sync::Arc;

use relais_adapters::{http, mail};
use relais_domain::ports::Mailer;

use super::wiring::Basics;
use crate::{error::Result, settings::Settings};

/// Who brings mails, and the mails that were caught instead.
#[derive(Default)]
pub(super) struct Post {
    pub(super) mailer: Option<Arc<dyn Mailer>>,
    pub(super) caught: Option<http::CaughtMails>,
}

/// The server that the settings name; without one, mails are caught where nobody but the developer sees them.
pub(super) fn post(settings: &Settings, external: bool, basics: &Basics) -> Result<Post> {
    if let Some((server, smtp)) = crate::mail::smtp(settings, Arc::clone(&basics.clock), Arc::clone(&basics.rng))? {
        tracing::info!(%server, "mails go out");
        return Ok(Post { mailer: Some(Arc::new(smtp)), caught: None });
    }
    if !catches(settings, external) {
        return Ok(Post::default());
    }
    let catcher = mail::Catcher::new(Arc::clone(&basics.clock));
    let mailer: Arc<dyn Mailer> = Arc::new(catcher.clone());
    Ok(Post { mailer: Some(mailer), caught: Some(shown(catcher)) })
}

/// Whether mails are caught. Whoever sees them can log in as anybody; so not where others reach the API: on another address, or
/// through a proxy or tunnel in front.
fn catches(settings: &Settings, external: bool) -> bool {
    let alone = settings.http.listen.ip().is_loopback() && settings.http.public_url.is_none() && !settings.behind_proxy;
    alone && !external
}

fn shown(catcher: mail::Catcher) -> http::CaughtMails {
    let shown = |own: mail::Caught| http::CaughtMail {
        to: own.mail.to.to_string(),
        subject: own.mail.subject.to_string(),
        body: own.mail.body,
        at: own.at,
    };
    Arc::new(move || catcher.caught().into_iter().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_caught_where_nobody_else_sees_them() {
        let settings = Settings::default();
        assert!(catches(&settings, false));
        assert!(!catches(&settings, true), "not in `serve`");
        let mut elsewhere = settings.clone();
        elsewhere.http.listen = "0.0.0.0:8080".parse().unwrap();
        assert!(!catches(&elsewhere, false));
        let mut public = settings.clone();
        public.http.public_url = Some("https://api.example.org".to_owned());
        assert!(!catches(&public, false));
        assert!(!catches(&Settings { behind_proxy: true, ..settings }, false));
    }
}
