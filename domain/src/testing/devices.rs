//! The contract of [`crate::ports::Devices`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::{
    auth::ClientKind,
    credentials::{KeyKind, PublicKey, UserJwt},
    identity::UserId,
    ports::{Device, Devices, Renewal, Replaced, Session, SessionId, StoreError, TokenHash, Users},
    testing::users,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_225_600_007 + second * 1_000).expect("a time within range")
}

/// The user key of a number.
#[must_use]
pub fn key(number: u8) -> PublicKey {
    PublicKey::from_raw(KeyKind::User, &[number; 32])
}

/// A device of `user` with the key of `number`, made `number` seconds into 2026, which never ends.
///
/// # Panics
/// When `user` is no user id.
#[must_use]
pub fn device(user: &str, number: u8) -> Device {
    Device {
        id: format!("{user}-{number:03}").parse().expect("a device id"),
        user: user.parse().expect("a user id"),
        name: format!("{user}'s 📱 {number}"),
        key: key(number),
        created_at: at(number.into()),
        seen_at: at(number.into()),
        expires_at: None,
        jwt: None,
        session: None,
    }
}

/// The session of a number, whose first token is that number's; it ends `second` seconds into 2026.
#[must_use]
pub fn session(number: u8, second: i64) -> Session {
    Session {
        id: SessionId([number; 16]),
        token: TokenHash([number; 32]),
        replaced: None,
        until: at(second),
        client: ClientKind::Device,
        ended: false,
    }
}

fn renewal(seen_at: i64, expires_at: Option<i64>, session: Session) -> Renewal {
    Renewal { seen_at: at(seen_at), expires_at: expires_at.map(at), session }
}

/// Panics where `devices`, empty at first, does not keep its contract. The users it is tried with are added to `users`,
/// for a store that wants to know them.
pub async fn suite(devices: &dyn Devices, users: &dyn Users) {
    for name in ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ian", "joy", "kim"] {
        users.insert(users::user(name)).await.unwrap();
    }
    keeps_and_forgets(devices).await;
    renews(devices).await;
    keeps_the_limit(devices).await;
    keeps_the_limit_in_a_race(devices).await;
    keeps_jwts_and_lists_all(devices).await;
    remembers_the_keys_of_the_removed(devices).await;
    forgets_the_ended(devices).await;
    goes_on_with_a_session(devices).await;
    ends_sessions(devices).await;
    keeps_what_a_session_holds(devices).await;
    lets_browsers_give_way(devices).await;
}

async fn keeps_and_forgets(devices: &dyn Devices) {
    let ada: UserId = "ada".parse().unwrap();
    let bob: UserId = "bob".parse().unwrap();
    assert_eq!(devices.of_user(&ada).await.unwrap(), []);

    let mut ending = device("ada", 2);
    ending.expires_at = Some(at(1_000));
    for one in [ending.clone(), device("ada", 1), device("bob", 3)] {
        devices.insert(one, 20).await.unwrap();
    }
    assert_eq!(devices.of_user(&ada).await.unwrap(), [device("ada", 1), ending.clone()], "oldest first, as added");

    let mut stolen = device("bob", 4);
    stolen.key = key(1);
    assert!(matches!(devices.insert(stolen, 20).await, Err(StoreError::Taken)), "a key is there once");
    let mut double = device("bob", 4);
    double.id = ending.id.clone();
    assert!(matches!(devices.insert(double, 20).await, Err(StoreError::Taken)), "an id is there once");
    assert_eq!(devices.of_user(&bob).await.unwrap(), [device("bob", 3)], "what is refused changes nothing");

    assert_eq!(devices.remove(&bob, &ending.id).await.unwrap(), None, "nobody removes what is another's");
    assert_eq!(devices.remove(&ada, &ending.id).await.unwrap(), Some(ending.clone()));
    assert_eq!(devices.remove(&ada, &ending.id).await.unwrap(), None, "a repeat finds nothing");
    assert_eq!(devices.of_user(&ada).await.unwrap(), [device("ada", 1)]);
    devices.insert(ending, 20).await.unwrap();
}

async fn renews(devices: &dyn Devices) {
    let ada: UserId = "ada".parse().unwrap();
    let bob: UserId = "bob".parse().unwrap();
    assert_eq!(
        devices.renew(&bob, &key(1), &renewal(50, None, session(1, 60))).await.unwrap(),
        None,
        "nobody renews what is another's"
    );
    assert_eq!(
        devices.renew(&ada, &key(99), &renewal(50, None, session(1, 60))).await.unwrap(),
        None,
        "nor what is not there"
    );
    let own = session(1, 3_000);
    let (expires_at, kept) = (Some(at(2_000)), Some(own.clone()));
    let renewed = Device { seen_at: at(50), expires_at, session: kept, ..device("ada", 1) };
    for _ in 0..2 {
        let answer = devices.renew(&ada, &key(1), &renewal(50, Some(2_000), own.clone())).await.unwrap();
        assert_eq!(answer.as_ref(), Some(&renewed), "a repeat does the same");
    }
    assert_eq!(devices.of_user(&ada).await.unwrap().first(), Some(&renewed), "and it is kept");
    let other = Session { client: ClientKind::Browser, ..session(101, 3_001) };
    let answer = devices.renew(&ada, &key(1), &renewal(60, None, other.clone())).await.unwrap();
    let wanted = Device { seen_at: at(60), session: Some(other), ..device("ada", 1) };
    assert_eq!(answer, Some(wanted), "an end can be taken away, and the session is another one");
    assert!(devices.of_session(&own.id).await.unwrap().is_none(), "the one before is gone");
}

async fn keeps_the_limit(devices: &dyn Devices) {
    let cyd: UserId = "cyd".parse().unwrap();
    let ending = |number: u8, end| Device { expires_at: Some(end), ..device("cyd", number) };
    devices.insert(ending(10, at(11)), 2).await.unwrap();
    devices.insert(device("cyd", 10 + 10), 2).await.unwrap();
    assert_eq!(devices.of_user(&cyd).await.unwrap(), [device("cyd", 20)], "what ended before is removed");
    devices.insert(ending(21, at(23)), 2).await.unwrap();
    assert!(matches!(devices.insert(device("cyd", 22), 2).await, Err(StoreError::Full(2))), "two are two");
    assert!(
        devices.renew(&cyd, &key(22), &renewal(22, None, session(22, 60))).await.unwrap().is_none(),
        "and nothing was added"
    );
    let mut stolen = device("cyd", 24);
    stolen.key = key(20);
    assert!(matches!(devices.insert(stolen, 2).await, Err(StoreError::Taken)));
    assert_eq!(devices.of_user(&cyd).await.unwrap().len(), 2, "what is refused removes nothing either");
    devices.insert(device("cyd", 23), 2).await.unwrap();
    assert_eq!(
        devices.of_user(&cyd).await.unwrap(),
        [device("cyd", 20), device("cyd", 23)],
        "an end is an end to the ms"
    );
    devices.insert(device("dan", 30), 1).await.unwrap();
    assert!(matches!(devices.insert(device("dan", 31), 1).await, Err(StoreError::Full(1))), "each user has a limit");
}

async fn keeps_the_limit_in_a_race(devices: &dyn Devices) {
    let eve: UserId = "eve".parse().unwrap();
    devices.insert(device("eve", 40), 3).await.unwrap();
    devices.insert(device("eve", 41), 3).await.unwrap();
    let race = join_all((50..58).map(|number| devices.insert(device("eve", number), 3))).await;
    assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1, "of eight for one place one wins: {race:?}");
    assert!(
        race.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::Full(3)))),
        "and the others are told that it is full: {race:?}"
    );
    assert_eq!(devices.of_user(&eve).await.unwrap().len(), 3);
}

async fn keeps_jwts_and_lists_all(devices: &dyn Devices) {
    let (fay, eve): (UserId, UserId) = ("fay".parse().unwrap(), "eve".parse().unwrap());
    let (one, two) = (UserJwt::from_text("a.b.c".to_owned()), UserJwt::from_text("d".repeat(4_000)));
    devices.insert(Device { jwt: Some(one.clone()), ..device("fay", 60) }, 20).await.unwrap();
    let own = async || devices.of_user(&fay).await.unwrap().remove(0).jwt;
    assert_eq!(own().await, Some(one.clone()), "kept as added");
    devices.keep_jwt(&eve, &key(60), &two).await.unwrap();
    assert_eq!(own().await, Some(one), "nobody replaces what is another's");
    devices.keep_jwt(&fay, &key(60), &two).await.unwrap();
    assert_eq!(own().await, Some(two));

    let all = devices.all(None, 1_000).await.unwrap();
    assert!(all.is_sorted_by(|a, b| a.id < b.id) && all.len() > 5);
    let users: std::collections::HashSet<_> = all.iter().map(|own| own.user.clone()).collect();
    assert!(users.len() > 3, "of all users");
    let mut paged = devices.all(None, 3).await.unwrap();
    while let Some(last) = paged.last().map(|own| own.id.clone()) {
        let more = devices.all(Some(last), 3).await.unwrap();
        if more.is_empty() {
            break;
        }
        paged.extend(more);
    }
    assert_eq!(paged, all, "page by page it is the same");
}

async fn remembers_the_keys_of_the_removed(devices: &dyn Devices) {
    let gus: UserId = "gus".parse().unwrap();
    let ends = |number: u8, at| Device { expires_at: at, ..device("gus", number) };
    // The first ended late and was renewed for a shorter time; the last never ended once.
    for one in [ends(70, Some(at(5_000))), ends(71, Some(at(900))), ends(72, None)] {
        devices.insert(one, 20).await.unwrap();
    }
    devices.renew(&gus, &key(70), &renewal(100, Some(200), session(70, 110))).await.unwrap();
    devices.renew(&gus, &key(72), &renewal(100, Some(200), session(72, 110))).await.unwrap();
    for number in [70, 71, 72] {
        assert!(!devices.was_removed(&key(number)).await.unwrap());
        devices.remove(&gus, &device("gus", number).id).await.unwrap();
        assert!(devices.was_removed(&key(number)).await.unwrap());
    }
    let prunable = async |second| {
        let keys = devices.prunable(at(second), 100).await.unwrap();
        [70, 71, 72].into_iter().filter(|number| keys.contains(&key(*number))).collect::<Vec<_>>()
    };
    assert_eq!(prunable(899).await, [0_u8; 0], "no JWT has ended yet");
    assert_eq!(prunable(900).await, [71]);
    assert_eq!(prunable(4_999).await, [71], "an earlier JWT of the first still holds");
    assert_eq!(prunable(50_000).await, [70, 71], "and the last had one that never ends");
    assert_eq!(devices.prunable(at(50_000), 1).await.unwrap().len(), 1);
    devices.pruned(&[key(71), key(99)]).await.unwrap();
    assert_eq!(prunable(50_000).await, [70]);
    assert!(devices.was_removed(&key(71)).await.unwrap(), "pruned or not, it never comes back");
    assert!(!devices.was_removed(&key(99)).await.unwrap());
}

async fn forgets_the_ended(devices: &dyn Devices) {
    let hal: UserId = "hal".parse().unwrap();
    for (number, end) in [(80, Some(at(90))), (81, Some(at(95))), (82, None)] {
        devices.insert(Device { expires_at: end, ..device("hal", number) }, 20).await.unwrap();
    }
    assert!(devices.forget_ended(at(94)).await.unwrap() >= 1);
    let left: Vec<_> = devices.of_user(&hal).await.unwrap().into_iter().map(|own| own.key).collect();
    assert_eq!(left, [key(81), key(82)]);
    assert_eq!(devices.forget_ended(at(94)).await.unwrap(), 0, "a repeat finds nothing");
    assert!(!devices.was_removed(&key(80)).await.unwrap(), "it may log in again");
}

async fn goes_on_with_a_session(devices: &dyn Devices) {
    let (first, second) = (session(120, 500), UserJwt::from_text("second".to_owned()));
    let made = Device { session: Some(first.clone()), ..device("ian", 120) };
    devices.insert(made.clone(), 20).await.unwrap();
    assert_eq!(devices.of_session(&first.id).await.unwrap(), Some(made.clone()));
    assert_eq!(devices.of_session(&SessionId([121; 16])).await.unwrap(), None);

    let next = |number: u8| {
        let replaced = Replaced { token: first.token, at: at(150), salt: [number; 32] };
        let (token, replaced) = (TokenHash([number; 32]), Some(replaced));
        renewal(150, Some(900), Session { token, replaced, until: at(600), ..first.clone() })
    };
    let wrong = devices.rotate(&TokenHash([1; 32]), &next(121), &second).await.unwrap();
    assert_eq!(wrong, None, "the token is another one");
    assert_eq!(devices.of_session(&first.id).await.unwrap(), Some(made.clone()), "so nothing is changed");
    let rivals: Vec<_> = (121..129).map(next).collect();
    let race = join_all(rivals.iter().map(|own| devices.rotate(&first.token, own, &second))).await;
    let won: Vec<_> = race.into_iter().filter_map(|came| came.unwrap()).collect();
    assert_eq!(won.len(), 1, "of eight at once one goes on");
    let kept = devices.of_session(&first.id).await.unwrap().unwrap();
    assert_eq!(kept, won[0], "as it was told");
    let session = kept.session.clone().unwrap();
    let wanted = next(session.token.0[0]);
    let (jwt, session) = (Some(second.clone()), Some(wanted.session));
    assert_eq!(kept, Device { seen_at: at(150), expires_at: Some(at(900)), jwt, session, ..made });
    assert_eq!(devices.rotate(&first.token, &next(130), &second).await.unwrap(), None, "once");
}

async fn ends_sessions(devices: &dyn Devices) {
    let (own, jwt) = (session(140, 500), UserJwt::from_text("jwt".to_owned()));
    let made = Device { session: Some(own.clone()), expires_at: Some(at(150)), ..device("ian", 140) };
    devices.insert(made.clone(), 20).await.unwrap();
    devices.end_session(&SessionId([99; 16])).await.unwrap();
    assert_eq!(devices.to_be_removed(10).await.unwrap(), []);
    for _ in 0..2 {
        devices.end_session(&own.id).await.unwrap();
    }
    let ended = Device { session: Some(Session { ended: true, ..own.clone() }), ..made };
    assert_eq!(devices.to_be_removed(10).await.unwrap(), std::slice::from_ref(&ended));
    assert_eq!(devices.to_be_removed(0).await.unwrap(), []);
    let next = Session { token: TokenHash([141; 32]), ..own.clone() };
    assert_eq!(devices.rotate(&own.token, &renewal(145, None, next), &jwt).await.unwrap(), None, "it does not go on");
    devices.forget_ended(at(10_000)).await.unwrap();
    assert_eq!(devices.of_session(&own.id).await.unwrap(), Some(ended), "its key is still to be revoked");
    devices.remove(&"ian".parse().unwrap(), &device("ian", 140).id).await.unwrap();
    assert_eq!(devices.to_be_removed(10).await.unwrap(), []);
    assert_eq!(devices.of_session(&own.id).await.unwrap(), None);
}

/// Browsers have credentials of minutes and a session of days.
async fn keeps_what_a_session_holds(devices: &dyn Devices) {
    let joy: UserId = "joy".parse().unwrap();
    let made = |number: u8, until| Device {
        expires_at: Some(at(i64::from(number) + 5)),
        session: Some(session(number, until)),
        ..device("joy", number)
    };
    devices.insert(made(150, 400), 20).await.unwrap();
    devices.insert(made(160, 162), 20).await.unwrap();
    devices.forget_ended(at(161)).await.unwrap();
    assert_eq!(devices.of_user(&joy).await.unwrap().len(), 2);
    devices.forget_ended(at(399)).await.unwrap();
    assert_eq!(devices.of_user(&joy).await.unwrap(), [made(150, 400)], "credentials and session have ended");
    assert!(matches!(devices.insert(device("joy", 170), 1).await, Err(StoreError::Full(1))), "its session holds");
    let late = Device { created_at: at(400), ..device("joy", 171) };
    devices.insert(late.clone(), 1).await.unwrap();
    assert_eq!(devices.of_user(&joy).await.unwrap(), [late], "to the ms");
}

async fn lets_browsers_give_way(devices: &dyn Devices) {
    let kim: UserId = "kim".parse().unwrap();
    let made = |number: u8, client, seen, ends| Device {
        seen_at: at(seen),
        expires_at: Some(at(ends)),
        session: Some(Session { client, ..session(number, 5_000) }),
        ..device("kim", number)
    };
    let (browser, plain) = (ClientKind::Browser, ClientKind::Device);
    for one in [made(180, plain, 1, 185), made(181, browser, 9, 200), made(182, browser, 8, 200)] {
        devices.insert(one, 3).await.unwrap();
    }
    let late = |number: u8, second| Device { created_at: at(second), ..device("kim", number) };
    assert!(matches!(devices.insert(late(183, 199), 3).await, Err(StoreError::Full(3))), "their credentials hold");
    devices.insert(late(183, 200), 3).await.unwrap();
    let left: Vec<_> = devices.of_user(&kim).await.unwrap().into_iter().map(|own| own.key).collect();
    assert_eq!(
        left,
        [key(180), key(181), key(183)],
        "the browser that was not seen for longest gives way, and no device"
    );
    assert!(!devices.was_removed(&key(182)).await.unwrap(), "it may log in again");
    devices.insert(late(184, 201), 3).await.unwrap();
    assert!(matches!(devices.insert(late(185, 202), 3).await, Err(StoreError::Full(3))), "no browser is left");
}

#[cfg(test)]
mod tests {
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        super::suite(&memory::Devices::default(), &memory::Users::default()).await;
    }
}
