//! Why no name from outside may become a tag: what a broker makes of JWTs that `user_to_sign` never makes.
//!
//! These are controls. They are signed here by hand with the key of the role `user`; that our own code writes one tag, of a
//! parsed user id, is shown in the domain (`credentials/tag_tests.rs`).

use super::house::House;
use crate::support::Verdict;

async fn with(house: &House, tags: &[&str]) -> Verdict {
    house.client(&house.tagged(tags), "_INBOX.ada").await
}

/// Whether it may speak, and whether it may listen, as ada, as bob and as everybody.
async fn may(who: &mut Verdict) -> [(bool, bool); 3] {
    let mut found = [(false, false); 3];
    for (found, (speaks, hears)) in
        found.iter_mut().zip([("from.ada.x", "to.ada.x"), ("from.bob.x", "to.bob.x"), ("from.x.y", "to.*.>")])
    {
        *found = (who.publishes(speaks).await, who.listens(hears).await);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_believes_whatever_tag_is_signed() {
    let house = House::new().await;
    let (no, yes) = ((false, false), (true, true));
    // As it is meant to be.
    assert_eq!(may(&mut with(&house, &["user:ada"]).await).await, [yes, no, no]);
    // `user:*` is everybody: it speaks as any user and hears what any user is told.
    assert_eq!(may(&mut with(&house, &["user:*"]).await).await, [yes, yes, yes]);
    // Two tags are two identities.
    assert_eq!(may(&mut with(&house, &["user:ada", "user:bob"]).await).await, [yes, yes, no]);
    // A name with a dot speaks as a part of somebody else.
    assert_eq!(may(&mut with(&house, &["user:bob.x"]).await).await, [no, no, no]);
    assert!(with(&house, &["user:bob.x"]).await.publishes("from.bob.x.pay").await);
    // A reserved name is a user like any other, with the inbox of a person who operates.
    assert!(with(&house, &["user:op-nina"]).await.listens("_INBOX.op-nina.>").await);
    assert!(with(&house, &["user:svc-shop"]).await.publishes("from.svc-shop.x").await);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_makes_no_subject_lets_nobody_speak() {
    let house = House::new().await;
    for tags in [&[][..], &["user:>"], &["device:ada"]] {
        let mut who = with(&house, tags).await;
        assert_eq!(may(&mut who).await, [(false, false); 3], "{tags:?}");
        assert!(!who.publishes("x").await && !who.listens("_INBOX.ada.>").await, "{tags:?}");
        // What names nobody is left of the role.
        assert!(who.listens("topic.news.*").await, "{tags:?}");
    }
    house.end().await;
}
