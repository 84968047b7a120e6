//! Mails to an SMTP server.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use lettre::{
    Address, Message,
    message::Mailbox,
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        commands,
        extension::ClientId,
    },
};
use relais_domain::{
    auth::Email,
    ports::{self, Clock, Mail, MailError, Rng},
};
use tokio::{
    net::TcpStream,
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Failure, Server, Step,
    guarded::Guarded,
    message::{self, Unfit},
    server::Tls,
};

/// How many mails are on their way at a time; the next wait for one of them.
pub const AT_ONCE: usize = 8;

/// How long a server may take to say good-bye, when the mail is in its hands.
const GOODBYE: Duration = Duration::from_secs(1);

/// Mails to an SMTP server.
pub struct Smtp {
    server: Server,
    from: Mailbox,
    tls: Option<TlsParameters>,
    times: Times,
    places: Semaphore,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

/// What [`Smtp`] must know.
#[derive(Clone)]
pub struct Options {
    /// Where mails go.
    pub server: Server,
    /// The address they come from.
    pub from: Email,
    /// The name beside it.
    pub from_name: Option<String>,
    /// Certificates of CAs in PEM, one of which must have signed the server's, instead of those that the system trusts.
    pub roots: Option<Vec<u8>>,
    /// How long it may take.
    pub times: Times,
}

/// How long handing a mail over may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Until there is a connection, with greetings and TLS.
    pub connect: Duration,
    /// In all.
    pub whole: Duration,
}

impl Default for Times {
    /// 5 s to connect, 15 s in all.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), whole: Duration::from_secs(15) }
    }
}

/// What is wrong with [`Options`].
#[derive(Debug, thiserror::Error)]
pub enum InvalidOptions {
    /// The sender is no address that servers know.
    #[error("mails cannot come from this address")]
    From(#[source] Unfit),
    /// The certificates to trust cannot be read, or those of the system.
    #[error("the certificates that the mail server's is checked against cannot be used")]
    Roots(#[source] Unfit),
}

impl Smtp {
    /// Mails to the server of `options`. Nothing is connected yet.
    ///
    /// # Errors
    /// [`InvalidOptions`].
    pub fn new(options: Options, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, InvalidOptions> {
        let from = message::address(&options.from).map_err(InvalidOptions::From)?;
        let tls = match options.server.tls {
            Tls::Never => None,
            Tls::Asked | Tls::AtOnce => {
                let roots = options.roots.as_deref();
                Some(parameters(&options.server.host, roots).map_err(InvalidOptions::Roots)?)
            }
        };
        Ok(Self {
            server: options.server,
            from: Mailbox::new(options.from_name, from),
            tls,
            times: options.times,
            places: Semaphore::new(AT_ONCE),
            clock,
            rng,
        })
    }

    fn compose(&self, to: &Address, mail: &Mail) -> Result<Message, Unfit> {
        let mut id = [0; 16];
        self.rng.fill(&mut id);
        message::compose(&self.from, to.clone(), mail, self.clock.now(), &HEXLOWER.encode(&id))
    }

    async fn deliver(&self, to: Address, text: &[u8]) -> Result<(), Failure> {
        let end = Instant::now() + self.times.whole;
        let place = timeout_at(end, self.places.acquire()).await;
        let _place = place.map_err(|_| Failure::timeout(Step::Turn))?;
        let mut connection = self.connect(end).await?;
        let handed = self.hand_over(&mut connection, to, text, end).await;
        // It has answered; what it says to this changes nothing, and a connection that hangs is closed by being dropped.
        if handed.as_ref().err().is_none_or(|failure| failure.code.is_some()) {
            let _ = timeout(GOODBYE, connection.quit()).await;
        }
        handed
    }

    /// A connection on which the server knows us, under TLS unless it is this machine.
    async fn connect(&self, end: Instant) -> Result<AsyncSmtpConnection, Failure> {
        let (address, hello) = ((self.server.host.as_str(), self.server.port), self.hello());
        let soon = end.min(Instant::now() + self.times.connect);
        let mut connection = match (self.server.tls, &self.tls) {
            (Tls::AtOnce, Some(tls)) => {
                let opened = AsyncSmtpConnection::connect_tokio1(address, None, &hello, Some(tls.clone()), None);
                within(soon, Step::Connect, opened).await?
            }
            _ => {
                let opened = timeout_at(soon, TcpStream::connect(address)).await;
                let stream = opened.map_err(|_| Failure::timeout(Step::Connect))?;
                let stream = stream.map_err(|error| Failure::new(Step::Connect, error))?;
                let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(Guarded::new(stream)), &hello);
                within(soon, Step::Connect, greeted).await?
            }
        };
        if let (Tls::Asked, Some(tls)) = (self.server.tls, &self.tls) {
            within(soon, Step::Secure, connection.starttls(tls.clone(), &hello)).await?;
        }
        if let Some(login) = &self.server.login {
            let credentials = Credentials::new(login.user.clone(), login.password.expose().to_owned());
            within(end, Step::Login, connection.auth(DEFAULT_MECHANISMS, &credentials)).await?;
        }
        Ok(connection)
    }

    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        to: Address,
        text: &[u8],
        end: Instant,
    ) -> Result<(), Failure> {
        let from = commands::Mail::new(Some(self.from.email.clone()), Vec::new());
        within(end, Step::Sender, connection.command(from)).await?;
        within(end, Step::Recipient, connection.command(commands::Rcpt::new(to, Vec::new()))).await?;
        within(end, Step::Text, connection.command(commands::Data)).await?;
        within(end, Step::Text, connection.message(text)).await?;
        Ok(())
    }

    /// Our name to the server: the sender's domain, which tells nothing of this machine.
    fn hello(&self) -> ClientId {
        ClientId::Domain(self.from.email.domain().to_owned())
    }
}

#[async_trait]
impl ports::Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let to = message::address(&mail.to).map_err(MailError::Refused)?;
        let text = self.compose(&to, mail).map_err(MailError::Refused)?.formatted();
        let handed = self.deliver(to, &text).await;
        match &handed {
            Ok(()) => tracing::debug!(server = %self.server, "a mail was taken"),
            Err(failure) => tracing::warn!(server = %self.server, %failure, "a mail was not taken"),
        }
        Ok(handed?)
    }
}

fn parameters(host: &str, roots: Option<&[u8]>) -> Result<TlsParameters, Unfit> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = roots {
        if !pem.windows(11).any(|window| window == b"CERTIFICATE") {
            return Err("there is no certificate in the file".into());
        }
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(Certificate::from_pem(pem)?);
    }
    Ok(builder.build_rustls()?)
}

async fn within<T>(
    end: Instant,
    step: Step,
    doing: impl Future<Output = Result<T, smtp::Error>>,
) -> Result<T, Failure> {
    match timeout_at(end, doing).await {
        Ok(done) => done.map_err(|error| Failure::of(step, &error)),
        Err(_) => Err(Failure::timeout(step)),
    }
}
