//! Listening and stopping.

use std::{future::Future, io, net::TcpListener, time::Duration};

use poem::{
    Endpoint, Server,
    http::uri::Scheme,
    listener::{Acceptor, TcpAcceptor},
    web::{LocalAddr, RemoteAddr},
};
use tokio::net::TcpStream;

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(75);
/// How long requests that run may take to end, once the server is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown` is ready; then takes no more connections, and returns when the requests that run have ended,
/// or after 10 s. It must be called inside a tokio runtime.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve<E>(listener: TcpListener, endpoint: E, shutdown: impl Future<Output = ()>) -> io::Result<()>
where
    E: Endpoint + 'static,
{
    listener.set_nonblocking(true)?;
    let acceptor = Patient(TcpAcceptor::from_std(listener)?);
    Server::new_with_acceptor(acceptor)
        .name("http")
        .idle_timeout(IDLE)
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
