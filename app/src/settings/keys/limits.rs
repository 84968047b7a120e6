//! The settings of `auth.limits.…`.

use super::{Key, json, key};

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
