//! The contract of [`crate::ports::Users`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::{
    auth::PasswordHash,
    identity::UserId,
    ports::{Standing, StoreError, User, Users},
};

/// A user with this id, and an email address made of it.
///
/// # Panics
/// When `id` is no user id.
#[must_use]
pub fn user(id: &str) -> User {
    User {
        id: id.parse().expect("a user id"),
        email: format!("{id}@example.org").parse().expect("an email address"),
        password: PasswordHash::from_text("$memory$0$0$".to_owned()),
        created_at: Timestamp::from_millisecond(1_767_225_600_123).expect("a time within range"),
        role: "user".parse().expect("a role"),
        admin: false,
        standing: Standing::Active,
        verified: false,
    }
}

fn same(one: &User, other: &User) -> bool {
    let password = one.password.expose() == other.password.expose();
    let may = one.role == other.role && one.admin == other.admin && one.standing == other.standing;
    let may = may && one.verified == other.verified;
    one.id == other.id && one.email == other.email && one.created_at == other.created_at && password && may
}

/// Panics where `users`, empty at first, does not keep its contract.
pub async fn suite(users: &dyn Users) {
    let ada = user("ada");
    assert!(users.by_id(&ada.id).await.unwrap().is_none(), "who was never added is not found");
    assert!(users.by_email(&ada.email).await.unwrap().is_none(), "who was never added is not found");

    users.insert(ada.clone()).await.unwrap();
    for found in [users.by_id(&ada.id).await.unwrap(), users.by_email(&ada.email).await.unwrap()] {
        assert!(found.is_some_and(|found| same(&found, &ada)), "a user is found as added, to the millisecond");
    }

    let mut namesake = user("grace");
    namesake.email = ada.email.clone();
    assert!(matches!(users.insert(namesake).await, Err(StoreError::Taken)), "an email address is there once");
    let mut double = user("grace");
    double.id = ada.id.clone();
    assert!(matches!(users.insert(double.clone()).await, Err(StoreError::Taken)), "an id is there once");
    assert!(users.by_email(&double.email).await.unwrap().is_none(), "what is refused changes nothing");
    assert!(users.by_id(&ada.id).await.unwrap().is_some_and(|found| same(&found, &ada)), "nor what was there");

    let mut odd = user("odd");
    odd.email = "o'brien+%_*@bücher.example".parse().expect("an email address");
    users.insert(odd.clone()).await.unwrap();
    assert!(users.by_email(&odd.email).await.unwrap().is_some_and(|found| same(&found, &odd)), "odd letters are kept");
    let like = "%@example.org".parse().expect("an email address");
    assert!(users.by_email(&like).await.unwrap().is_none(), "an address is no pattern");

    let race = join_all((0..8).map(|n| {
        let mut rival = user(&format!("rival-{n}"));
        rival.email = "race@example.org".parse().expect("an email address");
        users.insert(rival)
    }))
    .await;
    assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1, "of eight at once one wins");
    assert!(
        race.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::Taken))),
        "and the others are told that it is taken: {race:?}"
    );
    let nobody: UserId = "nobody".parse().expect("a user id");
    assert!(users.by_id(&nobody).await.unwrap().is_none());
    lists_by_id(users).await;
    roles_and_admins(users, &ada.id, &nobody).await;
    standings(users, &ada.id, &nobody).await;
    passwords(users, &nobody).await;
    finds_by_a_part_of_the_address(users).await;
    forgets(users, &nobody).await;
    proves_and_replaces(users, &nobody).await;
}

async fn proves_and_replaces(users: &dyn Users, nobody: &UserId) {
    assert!(users.set_verified(nobody).await.unwrap().is_none());
    let squatter = user("squatter");
    users.insert(squatter.clone()).await.unwrap();
    for _ in 0..2 {
        let proven = users.set_verified(&squatter.id).await.unwrap();
        assert!(proven.is_some_and(|user| user.verified && user.email == squatter.email));
    }
    let owner = User { email: squatter.email.clone(), verified: true, ..user("owner") };
    users.replace(&squatter.id, owner.clone()).await.unwrap();
    assert!(users.by_id(&squatter.id).await.unwrap().is_none(), "who was replaced is forgotten");
    assert!(users.by_email(&owner.email).await.unwrap().is_some_and(|found| same(&found, &owner)));
    let second = User { email: owner.email.clone(), ..user("second") };
    let other = user("third");
    users.insert(other.clone()).await.unwrap();
    assert!(
        matches!(users.replace(&other.id, second.clone()).await, Err(StoreError::Taken)),
        "it is another's address"
    );
    assert!(users.by_id(&other.id).await.unwrap().is_some(), "and what is refused changes nothing");
    assert!(matches!(users.replace(nobody, second.clone()).await, Err(StoreError::Taken)));
    users.remove(&owner.id).await.unwrap();
    users.replace(&owner.id, second.clone()).await.unwrap();
    assert!(users.by_id(&second.id).await.unwrap().is_some(), "who is not there is no hindrance");
}

async fn lists_by_id(users: &dyn Users) {
    let all: Vec<_> = users.list(None, 100, None).await.unwrap().into_iter().map(|user| user.id).collect();
    assert_eq!(all.len(), 3, "ada, odd, and the one who won");
    assert!(all.is_sorted());
    let first = users.list(None, 2, None).await.unwrap();
    assert_eq!(first.iter().map(|user| &user.id).collect::<Vec<_>>(), [&all[0], &all[1]]);
    let rest = users.list(Some(all[1].clone()), 2, None).await.unwrap();
    assert_eq!(rest.iter().map(|user| &user.id).collect::<Vec<_>>(), [&all[2]]);
    assert!(users.list(Some(all[2].clone()), 2, None).await.unwrap().is_empty());
}

async fn standings(users: &dyn Users, ada: &UserId, nobody: &UserId) {
    let odd: UserId = "odd".parse().expect("a user id");
    users.set_admin(ada, true).await.unwrap();
    users.set_admin(&odd, true).await.unwrap();
    assert!(users.set_standing(nobody, Standing::Disabled).await.unwrap().is_none());
    let race = join_all([ada, &odd].map(|id| users.set_standing(id, Standing::Disabled))).await;
    assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1, "of the last two, one goes: {:?}", race.len());
    assert_eq!(users.admins().await.unwrap(), 1, "who is kept out is no admin");
    let (kept, out) = if race[0].is_ok() { (&odd, ada) } else { (ada, &odd) };
    assert!(matches!(users.set_standing(kept, Standing::Leaving).await, Err(StoreError::Taken)), "the last one stays");
    assert!(matches!(users.set_admin(kept, false).await, Err(StoreError::Taken)), "a disabled one is no other");
    for _ in 0..2 {
        let back = users.set_standing(out, Standing::Active).await.unwrap();
        assert!(back.is_some_and(|user| user.standing == Standing::Active));
    }
    assert!(users.leaving(10).await.unwrap().is_empty());
    assert!(users.set_standing(&odd, Standing::Leaving).await.unwrap().is_some());
    let back = users.set_standing(&odd, Standing::Active).await.unwrap();
    assert!(back.is_some_and(|user| user.standing == Standing::Leaving), "who leaves goes on to leave");
    let leaving: Vec<_> = users.leaving(10).await.unwrap().into_iter().map(|user| user.id).collect();
    assert_eq!(leaving, [odd]);
}

async fn passwords(users: &dyn Users, nobody: &UserId) {
    let hash = |text: &str| PasswordHash::from_text(text.to_owned());
    let pip = user("pip");
    users.insert(pip.clone()).await.unwrap();
    let is = async |text: &str| users.by_id(&pip.id).await.unwrap().is_some_and(|user| user.password.expose() == text);
    assert!(!users.set_password(&pip.id, Some(&hash("other")), &hash("new")).await.unwrap());
    assert!(is(pip.password.expose()).await, "what was refused changes nothing");
    assert!(users.set_password(&pip.id, Some(&pip.password), &hash("new")).await.unwrap());
    assert!(is("new").await);
    assert!(users.set_password(&pip.id, Some(&hash("new")), &hash("new")).await.unwrap(), "the same one counts too");
    assert!(users.set_password(&pip.id, None, &hash("newer")).await.unwrap());
    assert!(is("newer").await);
    assert!(!users.set_password(nobody, None, &hash("new")).await.unwrap());
    let hashes: Vec<_> = (0..8).map(|n| hash(&format!("race-{n}"))).collect();
    let newer = hash("newer");
    let race = join_all(hashes.iter().map(|new| users.set_password(&pip.id, Some(&newer), new))).await;
    assert_eq!(race.into_iter().filter(|set| matches!(set, Ok(true))).count(), 1, "of eight at once one does");
}

async fn finds_by_a_part_of_the_address(users: &dyn Users) {
    let found = async |part: &str| -> Vec<String> {
        let found = users.list(None, 100, Some(part)).await.unwrap();
        found.into_iter().map(|user| user.email.to_string()).collect()
    };
    assert_eq!(found("ip@ex").await, ["pip@example.org"]);
    assert_eq!(found("bücher").await.len(), 1);
    assert_eq!(found("%_*@").await.len(), 1, "that stands in an address");
    assert_eq!(found("p_p").await, [""; 0], "a part is no pattern");
    assert_eq!(found("p%p").await, [""; 0], "a part is no pattern");
    assert_eq!(found("\\").await, [""; 0], "a part is no pattern");
    assert_eq!(found("pip\0").await, [""; 0], "no address has this in it, and nothing breaks of it");
}

async fn forgets(users: &dyn Users, nobody: &UserId) {
    let pip: UserId = "pip".parse().expect("a user id");
    assert!(users.remove(&pip).await.unwrap());
    assert!(users.by_id(&pip).await.unwrap().is_none());
    assert!(!users.remove(&pip).await.unwrap(), "a repeat finds nothing");
    assert!(!users.remove(nobody).await.unwrap());
    users.insert(user("pip")).await.unwrap();
}

async fn roles_and_admins(users: &dyn Users, ada: &UserId, nobody: &UserId) {
    let courier = "courier".parse().expect("a role");
    for _ in 0..2 {
        let told = users.set_role(ada, &courier).await.unwrap().expect("ada is there");
        assert!(told.role == courier && !told.admin);
    }
    assert!(users.by_id(ada).await.unwrap().is_some_and(|user| user.role == courier), "it is kept");
    assert!(users.set_role(nobody, &courier).await.unwrap().is_none());
    assert!(users.set_admin(nobody, true).await.unwrap().is_none());
    assert_eq!(users.admins().await.unwrap(), 0);
    assert!(users.set_admin(ada, false).await.unwrap().is_some_and(|user| !user.admin), "who is none stays none");

    for _ in 0..2 {
        assert!(users.set_admin(ada, true).await.unwrap().is_some_and(|user| user.admin && user.role == courier));
    }
    assert_eq!(users.admins().await.unwrap(), 1);
    assert!(matches!(users.set_admin(ada, false).await, Err(StoreError::Taken)), "the last one stays");
    let odd: UserId = "odd".parse().expect("a user id");
    users.set_admin(&odd, true).await.unwrap();
    let race = join_all([ada, &odd].map(|id| users.set_admin(id, false))).await;
    assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1, "of the last two, one goes");
    assert_eq!(users.admins().await.unwrap(), 1);
}

#[cfg(test)]
mod tests {
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        super::suite(&memory::Users::default()).await;
    }
}
