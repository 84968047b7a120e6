//! The settings `nsc.…`.

use serde_json::json;

use super::{FILE, Key, key};
use crate::settings::{
    Engine, SecretKey,
    read::{self, roles},
};

const STORE_NAME: &str = "1 to 64 letters, digits, - and _, beginning with a letter or digit";
const SUBJECTS: &str = "NATS subjects, with {user} for the user's own token, in a list or with commas between";

pub(super) const KEYS: &[Key] = &[
    key!(
        "nsc.engine",
        "who signs operator, accounts and users",
        "native, or nsc (the real tool, which must be there)",
        |s, given| {
            s.nsc.engine = match given.text()? {
                "native" => Engine::Native,
                "nsc" => Engine::Nsc,
                _ => return None,
            };
            Some(())
        },
        |s| json!(match s.nsc.engine {
            Engine::Native => "native",
            Engine::Nsc => "nsc",
        })
    ),
    key!(
        "nsc.path",
        "the nsc that is run (unset: the one on PATH)",
        FILE,
        |s, given| given.optional_path().map(|path| s.nsc.path = path),
        |s| json!(s.nsc.path)
    ),
    key!(
        "nsc.creds_directory",
        "where keys and JWTs lie (unset: nsc in the data folder)",
        "the path of a folder",
        |s, given| given.optional_path().map(|path| s.nsc.creds_directory = path),
        |s| json!(s.creds_directory())
    ),
    key!(
        "nsc.seal_key",
        "the key that seeds are sealed with on disk (better: nsc.seal_key_file)",
        "32 bytes as base64 or as 64 hexadecimal digits",
        true,
        |s, given| given.optional(|text| Some(SecretKey::from(text))).map(|key| s.nsc.seal_key = key),
        |s| json!(s.nsc.seal_key.as_ref().map(|_| "***"))
    ),
    key!(
        "nsc.seal_key_file",
        "the file of the key that seeds are sealed with on disk (unset: they are plain, as nsc has them)",
        FILE,
        |s, given| given.optional_path().map(|path| s.nsc.seal_key_file = path),
        |s| json!(s.nsc.seal_key_file)
    ),
    key!(
        "nsc.operator",
        "the operator's name",
        STORE_NAME,
        |s, given| {
            let name = given.text().filter(|name| read::is_store_name(name))?;
            s.nsc.operator = name.to_owned();
            Some(())
        },
        |s| json!(s.nsc.operator)
    ),
    key!(
        "nsc.account",
        "the application account's name",
        STORE_NAME,
        |s, given| {
            let name = given.text().filter(|name| read::is_store_name(name))?;
            s.nsc.account = name.to_owned();
            Some(())
        },
        |s| json!(s.nsc.account)
    ),
    key!(
        "nsc.expiry",
        "how long credentials hold",
        "a number with m, h, d, w, M or y behind it (6M, 30d), a day (2030-12-31), or 0 for ever",
        |s, given| { given.text()?.parse().ok().map(|expiry| s.nsc.expiry = expiry) },
        |s| json!(s.nsc.expiry.to_string())
    ),
    key!(
        "nsc.allow_pub",
        "what users that an admin makes publish to (unset, with nsc.allow_sub: what the role user says)",
        SUBJECTS,
        |s, given| given.list().map(|subjects| s.nsc.allow_pub = subjects),
        |s| json!(s.nsc.allow_pub)
    ),
    key!(
        "nsc.allow_sub",
        "what users that an admin makes listen to",
        SUBJECTS,
        |s, given| given.list().map(|subjects| s.nsc.allow_sub = subjects),
        |s| json!(s.nsc.allow_sub)
    ),
    key!(
        "nsc.force",
        "subjects that users are allowed although they reach beyond themselves, as they stand in a list",
        "NATS subjects, in a list or with commas between",
        |s, given| given.list().map(|subjects| s.nsc.force = subjects),
        |s| json!(s.nsc.force)
    ),
    key!(
        "nsc.resolver_brokers",
        "brokers that may ask the URL resolver /jwt/v1/accounts/, beside this machine",
        "IP addresses, in a list or with commas between",
        |s, given| {
            let brokers = given.list()?.iter().map(|address| address.parse().ok()).collect::<Option<_>>();
            brokers.map(|brokers| s.nsc.resolver_brokers = brokers)
        },
        |s| json!(s.nsc.resolver_brokers)
    ),
    key!(
        "nsc.roles",
        "roles of users: what the members of each may do",
        "a table: [nsc.roles.NAME] with the lists publish and subscribe, and, if need be, force and about",
        |s, given| roles(given).map(|own| s.nsc.roles = own),
        |s| json!(s.nsc.roles)
    ),
];
