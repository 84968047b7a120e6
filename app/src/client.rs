//! A client of one user, from the creds file of a login.

use std::{path::Path, sync::Arc};

use relais_adapters::{
    nats::{self, ConnectOptions, Security},
    nkeys, system,
    tls::Trust,
};
use relais_domain::{client::Client, identity::UserId, ports::Rng};

use crate::error::{Error, Result};

/// Connects as the user whose creds lie at `creds`; `relais whoami` says where that is after a login. A broker on another
/// machine must speak TLS.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use relais::prelude::*;
///
/// let client = relais::connect_client(&["nats://127.0.0.1:4222"], "ada.creds").await?;
/// let answer: EchoResponse = client.request("echo", &EchoRequest { message: "hello".into() }).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error`]: the file cannot be read or holds no user's creds, or no broker lets us in.
pub async fn connect_client(servers: &[&str], creds: impl AsRef<Path>) -> Result<Client> {
    connect(servers, creds.as_ref(), Trust::default()).await
}

/// As [`connect_client`], where the brokers' certificates are from an authority of your own: `ca` is its certificate, as a PEM
/// file. The system's authorities are believed too.
///
/// # Errors
/// As [`connect_client`]; and the file cannot be read, or holds no certificate.
pub async fn connect_client_with_ca(servers: &[&str], creds: impl AsRef<Path>, ca: impl AsRef<Path>) -> Result<Client> {
    let wrong = |source| crate::serve::file("the authority's certificate", ca.as_ref(), source);
    let trust = Trust::with_ca(ca.as_ref()).map_err(wrong)?;
    connect(servers, creds.as_ref(), trust).await
}

async fn connect(servers: &[&str], path: &Path, trust: Trust) -> Result<Client> {
    let rng: Arc<dyn Rng> = Arc::new(system::Rng);
    let keys = Arc::new(nkeys::KeyPairs::new(Arc::clone(&rng)));
    let (creds, claims) = crate::serve::read_creds(path)?;
    // A device's JWT is named `{user}_{device}`; a user id has no `_`.
    let user = claims.name.split_once('_').and_then(|(user, _)| user.parse::<UserId>().ok());
    let user = user.ok_or_else(|| Error::Creds {
        path: path.to_owned(),
        source: format!("they are those of {}, which is no user", claims.name).into(),
    })?;
    let options = ConnectOptions {
        servers: servers.iter().map(|&server| server.to_owned()).collect(),
        jwt: creds.jwt,
        seed: creds.seed,
        inbox_prefix: format!("_INBOX.{user}"),
        name: "relais client".to_owned(),
        keys,
        rng,
        security: Security { trust, plain: false },
    };
    let bus = nats::Bus::connect(options).await?;
    Ok(Client::new(Arc::new(bus), user).with_clock(Arc::new(system::Clock)))
}
