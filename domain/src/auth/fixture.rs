//! [`Auth`] on fakes, for the tests of this room.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU8, Ordering},
};

use async_trait::async_trait;

use crate::{
    auth::{
        Auth, AuthError, AuthPorts, AuthSettings, ClientAddress, ClientKind, CodeKey, CodeWish, LoggedIn, Login,
        Registration,
    },
    credentials::{
        Grantee, KeyKind, PublicKey, UserJwt,
        permissions::{self, Permissions},
    },
    memory,
    ports::{
        AccountRole, CredentialsInfo, CredentialsIssuer, Grant, IssueError, KeyError, KeyPair, KeyPairs, PasswordHasher,
    },
    secret::Secret,
};

pub(super) const EMAIL: &str = "ada@example.org";
pub(super) const TOKEN: &str = "one-time";
pub(super) const PASSWORD: &str = "open sesame";

/// Signs nothing; remembers what was asked.
#[derive(Default)]
pub(super) struct Issuer {
    pub(super) grants: Mutex<Vec<Grant>>,
    pub(super) revoked: Mutex<Vec<PublicKey>>,
    pub(super) brokers_away: Mutex<bool>,
}

#[async_trait]
impl CredentialsIssuer for Issuer {
    async fn issue(&self, grant: Grant) -> Result<UserJwt, IssueError> {
        if self.revoked.lock().unwrap().contains(&grant.key) {
            return Err(IssueError::Revoked(grant.key));
        }
        let jwt = format!("jwt.{}.{}", grant.grantee, grant.key);
        self.grants.lock().unwrap().push(grant);
        Ok(UserJwt::from_text(jwt))
    }

    async fn issue_kept(&self, grant: Grant) -> Result<UserJwt, IssueError> {
        self.issue(grant).await
    }

    async fn permissions(&self, grantee: &Grantee) -> Result<Permissions, IssueError> {
        match grantee {
            Grantee::Device { role, .. } if role.as_str() == "absent" => {
                Ok(Permissions { publish: Vec::new(), subscribe: Vec::new() })
            }
            grantee => Ok(permissions::of(grantee)),
        }
    }

    async fn revoke(&self, account: AccountRole, key: &PublicKey) -> Result<(), IssueError> {
        assert_eq!(account, AccountRole::Application);
        self.revoked.lock().unwrap().push(key.clone());
        if *self.brokers_away.lock().unwrap() { Err(IssueError::NotPushed("away".into())) } else { Ok(()) }
    }

    async fn prune(&self, keys: &[PublicKey]) -> Result<(), IssueError> {
        self.revoked.lock().unwrap().retain(|own| !keys.contains(own));
        Ok(())
    }

    async fn info(&self) -> Result<CredentialsInfo, IssueError> {
        Err(IssueError::Store("there is none".into()))
    }
}

/// Keys 200, 201, … whose seeds say which they are.
struct Pairs(AtomicU8);

impl KeyPairs for Pairs {
    fn generate(&self, kind: KeyKind) -> KeyPair {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        KeyPair { public: PublicKey::from_raw(kind, &[number; 32]), seed: Secret::from(format!("SEED{number}")) }
    }

    fn from_seed(&self, _: &Secret) -> Result<KeyPair, KeyError> {
        Err(KeyError::Seed("not needed".to_owned()))
    }

    fn sign(&self, _: &Secret, _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::Seed("not needed".to_owned()))
    }

    fn verify(&self, _: &PublicKey, _: &[u8], _: &[u8]) -> bool {
        false
    }
}

pub(super) struct Fixture {
    pub(super) auth: Auth,
    pub(super) clock: memory::Clock,
    pub(super) issuer: Arc<Issuer>,
    pub(super) belongings: Arc<memory::Belongings>,
    pub(super) mailer: memory::Mailer,
    pub(super) spawner: memory::Spawner,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self::with(AuthSettings::default(), Arc::new(memory::PasswordHasher::default()))
    }

    pub(super) fn set(settings: AuthSettings) -> Self {
        Self::with(settings, Arc::new(memory::PasswordHasher::default()))
    }

    pub(super) fn with(settings: AuthSettings, hasher: Arc<dyn PasswordHasher>) -> Self {
        let clock = memory::Clock::default();
        let issuer = Arc::new(Issuer::default());
        let belongings = Arc::new(memory::Belongings::default());
        let (mailer, spawner) = (memory::Mailer::default(), memory::Spawner::default());
        let ports = AuthPorts {
            users: Arc::new(memory::Users::default()),
            devices: Arc::new(memory::Devices::default()),
            codes: Arc::new(memory::Codes::default()),
            limits: Arc::new(memory::Limits::default()),
            mailer: Some(Arc::new(mailer.clone())),
            hasher,
            tokens: Arc::new(memory::TokenIssuer::default()),
            issuer: issuer.clone(),
            audit: Arc::new(memory::Audit::default()),
            belongings: vec![belongings.clone()],
            setup_token: Arc::new(memory::SetupToken::new(TOKEN)),
            key_pairs: Arc::new(Pairs(AtomicU8::new(200))),
            code_key: CodeKey::new(&[7; 32]),
            spawner: Arc::new(spawner.clone()),
            clock: Arc::new(clock.clone()),
            rng: Arc::new(memory::Rng::default()),
        };
        Self { auth: Auth::new(ports, settings.at_once()), clock, issuer, belongings, mailer, spawner }
    }

    pub(super) async fn register(&self, email: &str) {
        let registration = Registration { email: email.to_owned(), password: Some(PASSWORD.into()), from: home() };
        self.auth.register(registration).await.unwrap();
    }

    /// Logs `email` in with the right password; it must work.
    pub(super) async fn login(&self, email: &str) -> LoggedIn {
        let Ok(logged_in) = self.auth.login(login(email)).await else { panic!("{email} cannot log in") };
        logged_in
    }
}

pub(super) fn login(email: &str) -> Login {
    Login {
        email: email.to_owned(),
        password: Some(PASSWORD.into()),
        code: None,
        from: home(),
        device: None,
        public_key: None,
        client: ClientKind::Device,
    }
}

impl Fixture {
    /// Asks for a code, and reads it in the mail.
    pub(super) async fn code(&self, email: &str) -> Secret {
        self.spawner.settle().await;
        let before = self.mailer.sent().len();
        self.auth.send_code(email, CodeWish::Login, &home()).await.unwrap();
        self.spawner.settle().await;
        assert_eq!(self.mailer.sent().len(), before + 1, "one mail");
        self.mailed_code()
    }

    /// The code in the newest mail.
    pub(super) fn mailed_code(&self) -> Secret {
        let mails = self.mailer.sent();
        let body = mails.last().expect("a mail was sent").body.expose().to_owned();
        let line = body.lines().find_map(|line| line.strip_prefix("    "));
        Secret::from(line.expect("there is a code in it").to_owned())
    }

    /// Logs in with what is given; what went wrong otherwise.
    pub(super) async fn try_login(
        &self,
        email: &str,
        password: Option<&str>,
        code: Option<&Secret>,
    ) -> Result<LoggedIn, AuthError> {
        let login = Login { password: password.map(Into::into), code: code.cloned(), ..login(email) };
        self.auth.login(login).await
    }
}

/// Where everybody is.
pub(super) fn home() -> ClientAddress {
    ClientAddress::new("192.0.2.1")
}
