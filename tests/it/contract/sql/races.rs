//! Several at once, at two processes.

use futures_util::future::join_all;
use jiff::Timestamp;
use relais_domain::{
    auth::PasswordHash,
    credentials::UserJwt,
    identity::UserId,
    ports::{Devices as _, Renewal, Replaced, Secrets as _, Session, Standing, StoreError, TokenHash, Users as _},
    testing::{
        devices::{device, session},
        users::user,
    },
};

use super::{on_servers, two};
use crate::support::SqlKind;

/// How often each race is run.
const ROUNDS: u8 = 10;

async fn one_of_eight_goes_on_with_a_session(kind: SqlKind) {
    let processes = two(kind).await;
    processes[0].users().insert(user("ada")).await.unwrap();
    let jwt = UserJwt::from_text("jwt".to_owned());
    let mut own = device("ada", 200);
    let mut last = session(200, 1_000);
    own.session = Some(last.clone());
    processes[0].devices().insert(own, 20).await.unwrap();
    for round in 0..ROUNDS {
        let next = |number: u8| {
            let token = TokenHash([round * 8 + number; 32]);
            let replaced = Some(Replaced { token: last.token, at: Timestamp::UNIX_EPOCH, salt: [number; 32] });
            let session = Session { token, replaced, ..last.clone() };
            Renewal { seen_at: Timestamp::UNIX_EPOCH, expires_at: None, session }
        };
        let rivals: Vec<_> = (0..8).map(next).collect();
        let race = rivals.iter().enumerate().map(|(number, own)| {
            let devices = processes[number % 2].devices();
            let (expected, jwt) = (last.token, &jwt);
            async move { devices.rotate(&expected, own, jwt).await }
        });
        let race = join_all(race).await;
        let won: Vec<_> = race.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(won.len(), 1, "round {round}");
        for process in &processes {
            let kept = process.devices().of_session(&last.id).await.unwrap();
            assert_eq!(kept.as_ref(), Some(&won[0]), "whoever asks sees the same successor");
        }
        last = won[0].session.clone().unwrap();
    }
}

async fn one_of_eight_gets_an_address(kind: SqlKind) {
    let processes = two(kind).await;
    for round in 0..ROUNDS {
        let race = (0..8).map(|number| {
            let mut rival = user(&format!("rival-{round}-{number}"));
            rival.email = format!("race-{round}@example.org").parse().unwrap();
            let users = processes[number % 2].users();
            async move { users.insert(rival).await }
        });
        let race = join_all(race).await;
        assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1, "round {round}: {race:?}");
        assert!(race.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::Taken))), "round {round}: {race:?}");
    }
}

async fn one_of_eight_gets_the_last_place(kind: SqlKind) {
    let processes = two(kind).await;
    processes[0].users().insert(user("ada")).await.unwrap();
    for round in 0..ROUNDS {
        let limit = usize::from(round) + 1;
        let race = (0..8).map(|number| {
            let devices = processes[usize::from(number) % 2].devices();
            async move { devices.insert(device("ada", round * 8 + number), limit).await }
        });
        let race = join_all(race).await;
        assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1, "round {round}: {race:?}");
        let full = |result: &Result<(), _>| matches!(result, Err(StoreError::Full(count)) if *count == limit);
        assert!(race.iter().all(|result| result.is_ok() || full(result)), "round {round}: {race:?}");
    }
}

/// Many users at a time come and go without anybody's way being barred for long.
async fn devices_of_many_come_and_go(kind: SqlKind) {
    let processes = two(kind).await;
    let names: Vec<_> = (0..8).map(|number| format!("user-{number}")).collect();
    for name in &names {
        processes[0].users().insert(user(name)).await.unwrap();
    }
    let race = names.iter().zip(0..8_u8).map(|(name, number)| {
        let devices = [processes[0].devices(), processes[1].devices()];
        async move {
            for round in 0..ROUNDS {
                let own = device(name, number * 20 + round);
                devices[usize::from(round) % 2].insert(own.clone(), 3).await.unwrap();
                if round % 2 == 0 {
                    devices[0].forget_ended(Timestamp::UNIX_EPOCH).await.unwrap();
                }
                assert_eq!(devices[1].remove(&own.user, &own.id).await.unwrap(), Some(own));
            }
        }
    });
    join_all(race).await;
}

async fn one_of_eight_sets_the_password(kind: SqlKind) {
    let processes = two(kind).await;
    let ada = user("ada");
    processes[0].users().insert(ada.clone()).await.unwrap();
    let mut old = ada.password.clone();
    for round in 0..ROUNDS {
        let hashes: Vec<_> = (0..8).map(|n| PasswordHash::from_text(format!("{round}-{n}"))).collect();
        let race = hashes.iter().enumerate().map(|(number, new)| {
            let users = processes[number % 2].users();
            let (id, old) = (&ada.id, &old);
            async move { users.set_password(id, Some(old), new).await.unwrap() }
        });
        let race = join_all(race).await;
        let won: Vec<_> = race.iter().zip(&hashes).filter(|(won, _)| **won).map(|(_, hash)| hash).collect();
        assert_eq!(won.len(), 1, "round {round}");
        let kept = processes[1].users().by_id(&ada.id).await.unwrap().unwrap();
        assert_eq!(kept.password.expose(), won[0].expose());
        old = kept.password;
    }
}

async fn the_last_of_two_admins_stays(kind: SqlKind) {
    let processes = two(kind).await;
    let ids: [UserId; 2] = ["ada", "bob"].map(|name| name.parse().unwrap());
    for name in ["ada", "bob"] {
        processes[0].users().insert(user(name)).await.unwrap();
    }
    for round in 0..ROUNDS {
        for id in &ids {
            processes[0].users().set_standing(id, Standing::Active).await.unwrap();
            processes[0].users().set_admin(id, true).await.unwrap();
        }
        let race = ids.iter().zip(&processes).map(|(id, process)| {
            let users = process.users();
            async move {
                match round % 2 {
                    0 => users.set_admin(id, false).await.map(drop),
                    _ => users.set_standing(id, Standing::Disabled).await.map(drop),
                }
            }
        });
        let race = join_all(race).await;
        assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1, "round {round}: {race:?}");
        assert!(race.iter().any(|result| matches!(result, Err(StoreError::Taken))), "round {round}: {race:?}");
        assert_eq!(processes[1].users().admins().await.unwrap(), 1);
    }
}

async fn all_get_the_same_secret(kind: SqlKind) {
    let processes = two(kind).await;
    for round in 0..ROUNDS {
        let name = format!("secret-{round}");
        let race = (0..8_u8).map(|number| {
            let (secrets, name) = (processes[usize::from(number) % 2].secrets(), &name);
            async move { secrets.get_or_keep(name, [number; 32]).await.unwrap() }
        });
        let mut race = join_all(race).await;
        race.dedup();
        assert_eq!(race.len(), 1, "round {round}");
    }
}

on_servers!(
    one_of_eight_goes_on_with_a_session
    one_of_eight_gets_an_address
    one_of_eight_gets_the_last_place
    devices_of_many_come_and_go
    one_of_eight_sets_the_password
    the_last_of_two_admins_stays
    all_get_the_same_secret
);
