//! Listening and stopping, with TLS or without.

use std::{future::Future, io, net::TcpListener, sync::Arc, time::Duration};

use poem::{
    Endpoint, Server,
    http::uri::Scheme,
    listener::{Acceptor, TcpAcceptor},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::tls::Certificate;

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(75);
/// How long requests that run may take to end, once the server is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many handshakes may run beside each other; more connections wait to be taken.
const HANDSHAKES: usize = 512;
/// How many requests one HTTP/2 connection may have open.
const STREAMS: u32 = 100;

/// Serves until `shutdown` is ready; then takes no more connections, and returns when the requests that run have ended,
/// or after 10 s. With a certificate it speaks TLS, and nothing else. It must be called inside a tokio runtime.
///
/// # Errors
/// When the listener or the certificate cannot be used.
pub async fn serve<E>(
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    endpoint: E,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    E: Endpoint + 'static,
{
    listener.set_nonblocking(true)?;
    let plain = Patient(TcpAcceptor::from_std(listener)?);
    match certificate {
        None => run(plain, endpoint, shutdown).await,
        Some(certificate) => {
            let tls = certificate.http_config().map_err(io::Error::other)?;
            let acceptor = Encrypted { plain, tls: TlsAcceptor::from(Arc::new(tls)), handshakes: JoinSet::new() };
            run(acceptor, endpoint, shutdown).await
        }
    }
}

async fn run<E>(acceptor: impl Acceptor + 'static, endpoint: E, shutdown: impl Future<Output = ()>) -> io::Result<()>
where
    E: Endpoint + 'static,
{
    Server::new_with_acceptor(acceptor)
        .name("http")
        .idle_timeout(IDLE)
        .http2_max_concurrent_streams(STREAMS)
        .run_with_graceful_shutdown(endpoint, shutdown, Some(GRACE))
        .await
}

/// Waits a moment after a failure: the server asks again at once, and without file descriptors left that is a loop that
/// takes a core and gets nowhere.
struct Patient(TcpAcceptor);

impl Acceptor for Patient {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, LocalAddr, RemoteAddr, Scheme)> {
        let accepted = self.0.accept().await;
        if let Err(error) = &accepted {
            tracing::warn!(error = error as &dyn std::error::Error, "no connection can be taken");
            tokio::time::sleep(PAUSE).await;
        }
        accepted
    }
}

/// Hands out connections whose handshake is done. Who dawdles over his holds nobody else up. (The framework's own acceptor
/// insists on a second cryptography library.)
struct Encrypted {
    plain: Patient,
    tls: TlsAcceptor,
    handshakes: JoinSet<io::Result<Accepted>>,
}

type Accepted = (TlsStream<TcpStream>, LocalAddr, RemoteAddr);

impl Acceptor for Encrypted {
    type Io = TlsStream<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.plain.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        loop {
            tokio::select! {
                accepted = self.plain.accept(), if self.handshakes.len() < HANDSHAKES => {
                    let (stream, local, remote, _) = accepted?;
                    let handshake = self.tls.accept(stream);
                    self.handshakes.spawn(async move { Ok((timeout(HANDSHAKE, handshake).await??, local, remote)) });
                }
                Some(done) = self.handshakes.join_next(), if !self.handshakes.is_empty() => match done {
                    Ok(Ok((stream, local, remote))) => return Ok((stream, local, remote, Scheme::HTTPS)),
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(error) => tracing::warn!(%error, "a TLS handshake broke off"),
                },
            }
        }
    }
}
