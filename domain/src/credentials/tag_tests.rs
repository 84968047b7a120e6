//! Whatever text comes from outside: it is a user id or it is refused, and a user JWT has one tag, of a user id.

use proptest::prelude::*;

use super::{
    Grantee, KeyKind, User, decode,
    setup::{Keys, Names, Setup},
    user_to_sign,
};
use crate::{
    identity::UserId,
    memory,
    ports::{AccountRole, Grant, KeyPairs as _},
};

/// The rule of DESIGN, by hand: `^[a-z0-9][a-z0-9-]{0,63}$`, and neither `svc-` nor `op-` in front.
fn by_hand(text: &str) -> bool {
    let letter = |c: char| matches!(c, 'a'..='z' | '0'..='9');
    let mut rest = text.chars();
    rest.next().is_some_and(letter)
        && rest.all(|c| letter(c) || c == '-')
        && text.len() <= 64
        && !["svc-", "op-"].iter().any(|reserved| text.starts_with(reserved))
}

/// Text of every kind: anything, what is nearly a name, and names with something put into them.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "*",
        ">",
        ".",
        " ",
        ",",
        ":",
        "\0",
        "\n",
        "{{tag(user)}}",
        "svc-",
        "op-",
        "user:",
        "é",
        "A",
    ]);
    let put = ("[a-z0-9-]{0,12}", odd, "[a-z0-9-]{0,12}").prop_map(|(front, odd, back)| format!("{front}{odd}{back}"));
    prop_oneof![any::<String>(), "[a-z0-9-]{0,70}", "[a-z0-9.*>:,_{} -]{0,20}", put]
}

/// The claims of a JWT that `user_to_sign` makes, as they stand in it.
fn signed(grantee: Grantee) -> serde_json::Value {
    let pairs = memory::KeyPairs::default();
    let names = Names { operator: "O".parse().unwrap(), application: "A".parse().unwrap() };
    let (keys, now) = (Keys::generate(&pairs), jiff::Timestamp::from_second(1_767_225_600).unwrap());
    let accounts = Setup::new(&names, &keys, now).accounts;
    let role = grantee.account();
    let (_, account) = accounts.into_iter().find(|(own, _)| *own == role).unwrap();
    let signer = match (&grantee, role) {
        (Grantee::Device { .. }, _) => &keys.user_role,
        (_, AccountRole::Application) => &keys.application.signing,
        (_, AccountRole::Operations) => &keys.operations.signing,
        (_, AccountRole::System) => &keys.system.signing,
    };
    let key = pairs.generate(KeyKind::User).public;
    let grant = Grant { grantee, key, expires_at: None };
    let user = user_to_sign(&grant, &account, |key| *key == signer.public, now).unwrap();
    let jwt = user.sign(signer, &pairs).unwrap();
    let claims = decode::<User>(jwt.as_str(), &pairs).unwrap();
    assert_eq!(account.vouches_for(&claims), Ok(()));
    serde_json::to_value(&claims).unwrap()
}

fn device(user: UserId) -> Grantee {
    Grantee::Device { user, device: "d1".parse().unwrap(), role: "user".parse().unwrap() }
}

proptest! {
    #[test]
    fn text_is_a_user_id_by_every_way_in_or_by_none(text in text()) {
        let good = by_hand(&text);
        prop_assert_eq!(text.parse::<UserId>().is_ok(), good);
        prop_assert_eq!(UserId::try_from(text.clone()).is_ok(), good);
        prop_assert_eq!(UserId::from_bytes(text.clone().into()).is_ok(), good);
        prop_assert_eq!(serde_json::from_value::<UserId>(text.into()).is_ok(), good);
    }

    #[test]
    fn a_device_has_one_tag_and_nothing_of_its_own(text in text()) {
        let Ok(user) = text.parse::<UserId>() else { return Ok(()) };
        let claims = signed(device(user));
        prop_assert_eq!(&claims["nats"]["tags"], &serde_json::json!([format!("user:{text}")]));
        prop_assert_eq!(&claims["name"], &serde_json::json!(format!("{text}_d1")));
        for list in ["pub", "sub"] {
            prop_assert_eq!(&claims["nats"][list], &serde_json::json!({}));
        }
        prop_assert!(claims["tags"].is_null());
    }
}

#[test]
fn what_would_be_more_than_one_user_is_none() {
    let texts =
        ["*", ">", "a.*", "ada bob", "ada,user:bob", "user:ada", "ada\nuser:bob", "svc-shop", "op-nina", "", "Ada"];
    for text in texts {
        assert!(text.parse::<UserId>().is_err(), "{text:?}");
    }
}

#[test]
fn nobody_but_a_device_has_a_tag() {
    let name = || "shop".parse().unwrap();
    let routes = vec!["from.*.shop.>".parse().unwrap()];
    let others = [
        Grantee::Service { name: name(), routes },
        Grantee::Provisioner,
        Grantee::Issuer,
        Grantee::Operator { name: name() },
    ];
    for grantee in others {
        let claims = signed(grantee);
        assert!(claims["nats"]["tags"].is_null(), "{claims}");
        assert!(!claims["nats"]["pub"]["allow"].as_array().unwrap().is_empty(), "{claims}");
    }
    assert!(signed(device("ada".parse().unwrap()))["nats"]["tags"].is_array());
}
