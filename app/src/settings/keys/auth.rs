//! The settings of `auth.…`.

use super::{Key, json, key};
use crate::settings::Proof;

const RATE: &str = "a number and a time, such as 5 per 1m (s, m, h or d), or off";

macro_rules! limit {
    ($field:ident, $about:literal) => {
        key!(
            concat!("auth.limits.", stringify!($field)),
            $about,
            RATE,
            |s, given| given.text()?.parse().ok().map(|rate| s.auth.limits.$field = rate),
            |s| json!(s.auth.limits.$field.to_string())
        )
    };
}

pub(super) const KEYS: &[Key] = &[
    key!(
        "auth.proof",
        "what a login needs beside the email",
        "password (or a mailed code), code (mailed for each login), or none (for local play: the email alone is believed)",
        |s, given| given.text()?.parse().ok().map(|proof| s.auth.proof = proof),
        |s| json!(match s.auth.proof {
            Proof::Password => "password",
            Proof::Code => "code",
            Proof::None => "none",
        })
    ),
    key!(
        "auth.verify",
        "whether an address is proven by a mailed code before the first login (unset: when mail.smtp_url is set)",
        "true or false",
        |s, given| {
            s.auth.verify = if given.text() == Some("") { None } else { Some(given.boolean()?) };
            Some(())
        },
        |s| json!(s.auth.verify)
    ),
    key!(
        "auth.hash_memory",
        "what hashing a password (Argon2id) takes, in MiB; older hashes are raised at the next login",
        "a number from 7 to 1024",
        |s, given| given.number().filter(|own| (7..=1024).contains(own)).map(|own| s.auth.hash_memory = own),
        |s| json!(s.auth.hash_memory)
    ),
    key!(
        "auth.hash_passes",
        "how often hashing a password goes over its memory",
        "a number from 1 to 64",
        |s, given| given.number().filter(|own| (1..=64).contains(own)).map(|own| s.auth.hash_passes = own),
        |s| json!(s.auth.hash_passes)
    ),
    limit!(login_per_email_and_address, "wrong passwords for one email address from one network address"),
    limit!(login_per_email, "wrong passwords for one email address from everywhere; known devices are not counted"),
    limit!(login_per_known_device, "wrong passwords from a device that the user has already"),
    limit!(login_per_address, "wrong passwords from one network address"),
    limit!(login_total, "logins of everybody"),
    limit!(register_per_address, "registrations from one network address"),
    limit!(mail_per_email, "mails to one email address"),
    limit!(mail_per_address, "mails that one network address asks for"),
    limit!(mail_total, "mails to everybody"),
    limit!(device_removals_per_user, "devices that one user removes"),
    limit!(refresh_per_device, "new access tokens for one device"),
];
