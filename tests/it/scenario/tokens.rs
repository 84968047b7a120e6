//! Access tokens that are none: more than two hundred, each wrong in one thing and well signed where that is not the thing. All are
//! refused, and none as anything else than a wrong token.

mod corpus;
mod ended;
mod places;
mod strangers;

use std::collections::HashSet;

use reqwest::Method;
use serde_json::Value;

use self::corpus::{Corpus, Right};
use crate::support::{Caller, World};

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_believed_but_a_right_one() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (Caller::new(&up, "ada").await, Caller::new(&up, "bob").await);
    let right = Right::of(&ada);
    let mut all = Corpus::new();
    corpus::headers(&right, &mut all);
    corpus::claims(&right, &mut all);
    corpus::writing(&right, &mut all);
    corpus::no_text(&right, &mut all);
    corpus::periods(&right, &up, &mut all);
    // Of another who is there as well.
    for name in ["sub", "device"] {
        let value = Right::of(&bob).claims[name].clone();
        all.push((format!("bob's {name}"), right.claiming(|claims| claims[name] = value)));
    }
    strangers::all(&ada, &mut all).await;

    assert!(all.len() >= 300, "{}", all.len());
    let names: HashSet<_> = all.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), all.len(), "each has a name of its own");
    let right_one = right.token();
    let of = |token: &str| Caller { token: token.to_owned(), ..Caller::stranger(&up) };
    for token in [&right_one, &ada.token] {
        assert_eq!(of(token).get("/me").await.0, 200, "what is right but for that is believed");
    }
    for (name, token) in &all {
        assert!(*token != right_one && *token != ada.token, "{name}");
        let refused = of(token).refused(Method::GET, "/me", Value::Null).await;
        assert_eq!(refused, (401, "invalid-token".to_owned()), "{name}: {token:.200}");
    }
    for token in [&right_one, &ada.token] {
        assert_eq!(of(token).get("/me").await.0, 200, "and still is");
    }
    up.stop();
}
