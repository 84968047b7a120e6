//! The certificates that are shown: read at the start, and again when their files have changed.
//!
//! They are looked at every minute, and at once on SIGHUP. New ones are shown to whoever connects from then on; connections
//! that are there go on. Two files that do not belong together are half of a renewal: the old certificate stays, and the next
//! look finds the other half.

use std::{sync::Arc, time::Duration};

use relais_adapters::{
    nats_server::Reload,
    tls::{Certificate, Pair, PairError},
};
use relais_domain::ports::Clock;

use super::people::Task;
use crate::{
    error::{Error, Result},
    serve::file,
    settings::{Settings, SettingsError},
};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(60);
/// How long before its end a certificate is warned of, once a day: by then it should have been renewed.
const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const LOOKS_A_DAY: u32 = 24 * 60;

/// The certificates of the HTTP API and of the broker that is our child.
pub(super) struct Certificates {
    pub(super) http: Option<Arc<Certificate>>,
    nats: Option<Arc<Certificate>>,
}

impl Certificates {
    /// Reads them.
    pub(super) fn open(settings: &Settings) -> Result<Self> {
        let (http, nats) = (&settings.http, &settings.nats);
        let pair = |certificate: &Option<_>, key: &Option<_>| {
            certificate.clone().zip(key.clone()).map(|(certificate, key)| Pair { certificate, key })
        };
        // The one for a child is of no use where there is none.
        let child = pair(&nats.tls_cert, &nats.tls_key).filter(|_| nats.url.is_empty());
        Ok(Self {
            http: open(["http.tls_cert", "http.tls_key"], pair(&http.tls_cert, &http.tls_key))?,
            nats: open(["nats.tls_cert", "nats.tls_key"], child)?,
        })
    }

    /// Keeps them fresh, as long as the task lives; none where there are none, so that SIGHUP means what it always does.
    pub(super) fn keep(self, broker: Option<Reload>, clock: Arc<dyn Clock>) -> Result<Option<Task>> {
        if self.http.is_none() && self.nats.is_none() {
            return Ok(None);
        }
        let hang_up = HangUp::listen().map_err(|source| file("the signals of", "this process".as_ref(), source))?;
        Ok(Some(Task::spawn(self.watch(broker, clock, hang_up))))
    }

    async fn watch(self, broker: Option<Reload>, clock: Arc<dyn Clock>, mut hang_up: HangUp) {
        for look in 0_u32.. {
            if look.is_multiple_of(LOOKS_A_DAY) {
                self.http.iter().chain(&self.nats).for_each(|own| warn_of_its_end(own));
            }
            tokio::select! {
                () = clock.sleep(EVERY) => {}
                () = hang_up.next() => {}
            }
            self.http.as_deref().map(refreshed);
            if self.nats.as_deref().is_some_and(refreshed)
                && let Some(broker) = &broker
            {
                broker.now();
            }
        }
    }
}

fn open([certificate, key]: [&'static str; 2], pair: Option<Pair>) -> Result<Option<Arc<Certificate>>> {
    let opened = pair.map(Certificate::open).transpose();
    opened.map(|own| own.map(Arc::new)).map_err(|source| {
        let source = SettingsError::Certificate { certificate, key, source };
        Error::Settings(source)
    })
}

fn refreshed(certificate: &Certificate) -> bool {
    let path = certificate.pair().certificate.display();
    match certificate.refresh() {
        Ok(true) => {
            tracing::info!(certificate = %path, "a new certificate is shown");
            true
        }
        Ok(false) => false,
        // Nothing lies there that could be shown in place of what is.
        Err(PairError::Expired(_)) if has_ended(certificate) => {
            tracing::error!(certificate = %path, "a certificate has expired, and clients refuse it: put another in its place");
            false
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, certificate = %path, "a certificate was not renewed; the one before is still shown");
            false
        }
    }
}

fn has_ended(certificate: &Certificate) -> bool {
    certificate.ends_within(Duration::ZERO)
}

fn warn_of_its_end(certificate: &Certificate) {
    if certificate.ends_within(SOON) && !has_ended(certificate) {
        tracing::warn!(certificate = %certificate.pair().certificate.display(), "a certificate ends within a week");
    }
}

/// SIGHUP, where there is one.
struct HangUp {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl HangUp {
    fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { signal: signal(SignalKind::hangup())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        let _ = self.signal.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}
