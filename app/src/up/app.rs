//! What a program adds to the backend: routes, and who may reach whom.

use std::{future::Future, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};
use relais_domain::{
    identity::UserId,
    peers::{Peers, Tickets},
    ports::{Rng, Secrets},
    routing::{Complete, Router},
};

use crate::settings::{Reach, Settings};

/// What a program adds to the backend. A [`Router`] alone is one without a policy of its own.
///
/// ```no_run
/// use relais::{App, prelude::*};
///
/// # async fn run() -> relais::Result<()> {
/// let app = App::new(Router::new()).may_reach(async |caller, peer| caller != peer);
/// relais::up(Settings::load()?, app).await
/// # }
/// ```
#[derive(Default)]
pub struct App {
    pub(super) router: Router,
    may_reach: Option<Policy>,
}

type Policy = Arc<dyn Fn(UserId, UserId) -> BoxFuture<'static, bool> + Send + Sync>;

impl App {
    /// With these routes, beside the built-in ones.
    #[must_use]
    pub fn new(router: impl Complete) -> Self {
        Self { router: router.complete(), may_reach: None }
    }

    /// Asks `policy`, with the caller and the peer, whether one user may reach another through the server. The setting
    /// `peers = none` closes that way whatever the policy says; with another, or none, the policy decides.
    #[must_use]
    pub fn may_reach<F, Fut>(mut self, policy: F) -> Self
    where
        F: Fn(UserId, UserId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.may_reach = Some(Arc::new(move |caller, peer| policy(caller, peer).boxed()));
        self
    }

    /// Who may reach whom, by the policy and the settings. The key of tickets lies in the database, which all instances of
    /// the application server share, and no person or other service can read.
    pub(super) async fn peers(
        &self,
        settings: &Settings,
        external: bool,
        secrets: &dyn Secrets,
        rng: &dyn Rng,
    ) -> Result<Peers, relais_domain::ports::StoreError> {
        let mut fresh = [0_u8; 32];
        rng.fill(&mut fresh);
        let key = secrets.get_or_keep("tickets", fresh).await?;
        let peers = Peers::new(Tickets::new(&key)).topics(settings.topics.iter().cloned());
        Ok(match (settings.peers, &self.may_reach) {
            (Some(Reach::None), _) => peers,
            (_, Some(policy)) => {
                let policy = Arc::clone(policy);
                peers.may_reach(move |caller, peer| policy(caller, peer))
            }
            (None, None) if external => peers,
            (_, None) => peers.everybody(),
        })
    }
}

/// A program for the backend: an [`App`], or a [`Router`] alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing the backend can run",
    label = "neither a `Router` nor an `App`",
    note = "a router that takes `State` needs `.with_state(…)` first: what that gives is a `Router`, which can be run"
)]
pub trait IntoApp {
    /// The program.
    fn into_app(self) -> App;
}

impl IntoApp for App {
    fn into_app(self) -> App {
        self
    }
}

impl IntoApp for Router {
    fn into_app(self) -> App {
        App::new(self)
    }
}

#[cfg(test)]
mod tests {
    use relais_domain::memory;

    use super::*;

    #[tokio::test]
    async fn settings_and_policy_decide_together() {
        let secrets = memory::Secrets::default();
        let (ada, rng) = ("ada".parse::<UserId>().unwrap(), memory::Rng::default());
        let reaches = async |setting, external, policy: bool, peer: &str| {
            let settings = Settings { peers: setting, ..Settings::default() };
            let app = App::default();
            let app = if policy { app.may_reach(async |_, peer| peer.as_str() == "bob") } else { app };
            let peers = app.peers(&settings, external, &secrets, &rng).await.unwrap();
            peers.reach(&ada, peer).await.is_ok()
        };
        for (setting, external, policy, bob, carol) in [
            (None, false, false, true, true),
            (None, true, false, false, false),
            (Some(Reach::All), true, false, true, true),
            (Some(Reach::None), false, false, false, false),
            (Some(Reach::None), false, true, false, false),
            (None, true, true, true, false),
            (Some(Reach::All), false, true, true, false),
        ] {
            let case = format!("{setting:?}, external {external}, policy {policy}");
            assert_eq!(reaches(setting, external, policy, "bob").await, bob, "{case}");
            assert_eq!(reaches(setting, external, policy, "carol").await, carol, "{case}");
        }
    }
}
