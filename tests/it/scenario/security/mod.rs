//! What the broker really enforces: DESIGN's table of credentials, row by row, and the attacks it is there for.

mod attacks;
mod rows;

use std::{fs, sync::Arc};

use relais_adapters::{nkeys, nsc, system};
use relais_domain::{
    credentials::{Grantee, KeyKind, creds::Creds},
    nsc::Nsc,
    ports::{CredentialsIssuer as _, Grant, KeyPairs as _},
};

pub(super) use attacks::streams_of;

use crate::support::{Up, User, Verdict, World};

pub(crate) fn native(world: &World) -> (Nsc, Arc<nkeys::KeyPairs>) {
    let keys = Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)));
    let settings =
        nsc::Settings { directory: world.path("data/nsc"), operator: "relais".to_owned(), account: "app".to_owned() };
    (nsc::Native::open(&settings, Arc::clone(&keys) as _, Arc::new(system::Clock)).unwrap().into_nsc(), keys)
}

/// A credential signed by the store of a running Relais.
pub(super) async fn as_grantee(world: &World, up: &Up, grantee: Grantee) -> Verdict {
    let (native, keys) = native(world);
    let pair = keys.generate(KeyKind::User);
    let prefix = grantee.inbox_prefix();
    let jwt = native.issue(Grant { grantee, key: pair.public, expires_at: None }).await.unwrap();
    let text = Creds { jwt, seed: pair.seed }.format();
    Verdict::connect(up.text("nats"), text.expose(), &prefix).await
}

pub(super) async fn as_user(up: &Up, user: &User<'_>) -> Verdict {
    let creds = fs::read_to_string(user.creds()).unwrap();
    Verdict::connect(up.text("nats"), &creds, user.who["inbox_prefix"].as_str().unwrap()).await
}
