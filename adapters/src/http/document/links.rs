//! What to do next with an answer: links from one operation to another, with what of the first goes into the second.

use serde_json::{Map, Value, json};

/// A link.
struct Link {
    /// The operation whose answer it begins at, and which answers those are.
    from: (&'static str, &'static [&'static str]),
    /// The operation it leads to.
    to: &'static str,
    /// What for.
    about: &'static str,
    /// Parameters, and where their values come from.
    parameters: &'static [(&'static str, &'static str)],
    /// Fields of the body, and where their values come from.
    body: &'static [(&'static str, &'static str)],
}

macro_rules! links {
    ($($from:ident [$($status:literal)+] -> $to:ident, $about:literal
        $(, parameters $($parameter:ident = $value:literal)+)? $(, body $($field:ident = $part:literal)+)?;)*) => {
        &[$(Link {
            from: (stringify!($from), &[$($status),+]),
            to: stringify!($to),
            about: $about,
            parameters: &[$($((stringify!($parameter), $value)),+)?],
            body: &[$($((stringify!($field), $part)),+)?],
        }),*]
    };
}

/// With the `access_token` of a login goes without saying: a link cannot say it.
const LINKS: &[Link] = links! {
    register["201"] -> login, "Log in.",
        body email = "$request.body#/email" password = "$request.body#/password";
    register["201"] -> sendLoginCode, "Ask for a code, to log in without the password.", body email = "$request.body#/email";
    register["201"] -> changeUser, "As an admin, change the user.", parameters id = "$response.body#/id";
    register["201"] -> deleteUser, "As an admin, remove the user.", parameters id = "$response.body#/id";
    sendLoginCode["202"] -> login, "Log in with the `code` that was mailed.", body email = "$request.body#/email";
    sendResetCode["202"] -> resetPassword, "Choose a password, with the `code` that was mailed.",
        body email = "$request.body#/email";
    resetPassword["204"] -> login, "Log in with the new password.",
        body email = "$request.body#/email" password = "$request.body#/password";
    login["200"] -> refresh, "Go on, when the access token or the JWT ends.",
        body refresh_token = "$response.body#/refresh_token";
    login["200"] -> me, "Who am I.";
    login["200"] -> devices, "My devices.";
    login["200"] -> changePassword, "Change the password.", body old = "$request.body#/password";
    login["200"] -> removeDevice, "Remove this device.", parameters id = "$response.body#/device_id";
    login["200"] -> logout, "Log out.";
    login["200"] -> leave, "Leave.";
    login["200"] -> claim, "Become the first admin, with the set-up token.";
    refresh["200"] -> refresh, "Go on again, with the next token.",
        body refresh_token = "$response.body#/refresh_token";
    refresh["200"] -> me, "Who am I.";
    refresh["200"] -> removeDevice, "Remove this device.", parameters id = "$response.body#/device_id";
    refresh["200"] -> logout, "Log out.";
    me["200"] -> removeDevice, "Remove this device.", parameters id = "$response.body#/device_id";
    devices["200"] -> removeDevice, "Remove a device, such as the first.", parameters id = "$response.body#/devices/0/id";
    claim["200"] -> users, "See the users.";
    claim["200"] -> nscInfo, "See operator and accounts.";
    users["200"] -> changeUser, "Change a user, such as the first.", parameters id = "$response.body#/users/0/id";
    users["200"] -> deleteUser, "Remove a user, such as the first.", parameters id = "$response.body#/users/0/id";
    changeUser["200"] -> deleteUser, "Remove the user.", parameters id = "$response.body#/id";
    changeUser["200"] -> audit, "See who changed what.";
    audit["200"] -> audit, "Older entries: behind the last one, such as the first.",
        parameters before = "$response.body#/entries/0/id";
    newSetup["200" "201"] -> describeAccount, "See the application's account (of this installation's operator).",
        parameters account = "$response.body#/account";
    newSetup["200" "201"] -> newUser, "Make a user.";
    nscInfo["200"] -> describeAccount, "See all that an account claims.",
        parameters account = "$response.body#/accounts/0/name";
    nscInfo["200"] -> nscUsers, "See an account's users.", parameters account = "$response.body#/accounts/0/name";
    nscInfo["200"] -> resolve, "See an account's JWT.", parameters key = "$response.body#/accounts/0/public_key";
    newAccount["200" "201"] -> newUser, "Make a user in it.", body account = "$response.body#/name";
    newAccount["200" "201"] -> describeAccount, "See all that it claims.", parameters account = "$response.body#/name";
    newAccount["200" "201"] -> nscUsers, "See its users.", parameters account = "$response.body#/name";
    newAccount["200" "201"] -> rotateKeys, "Replace its signing keys.", parameters account = "$response.body#/name";
    newAccount["200" "201"] -> revokeAll, "Revoke its users.", parameters account = "$response.body#/name";
    describeAccount["200"] -> resolve, "See its JWT as brokers do.", parameters key = "$response.body#/public_key";
    rotateKeys["200"] -> endRotation, "End the overlap.", parameters account = "$request.path.account";
    newUser["200" "201"] -> describeUser, "See all that it claims.",
        parameters name = "$response.body#/name" account = "$response.body#/account";
    newUser["200" "201"] -> editUser, "Give it other permissions.",
        parameters name = "$response.body#/name" account = "$response.body#/account";
    newUser["200" "201"] -> revokeUser, "Revoke it.",
        parameters name = "$response.body#/name" account = "$response.body#/account";
    nscUsers["200"] -> describeUser, "See all that one claims, such as the first.",
        parameters name = "$response.body#/users/0/name" account = "$request.query.account";
    describeUser["200"] -> editUser, "Give it other permissions.",
        parameters name = "$request.path.name" account = "$request.query.account";
    describeUser["200"] -> revokeUser, "Revoke it.",
        parameters name = "$request.path.name" account = "$request.query.account";
    editUser["200"] -> describeUser, "See all that it claims now.",
        parameters name = "$response.body#/name" account = "$response.body#/account";
};

/// Adds the links to a document.
pub(super) fn add(document: &mut Value) {
    for operation in super::operations_mut(document) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        for link in LINKS.iter().filter(|link| link.from.0 == id) {
            for status in link.from.1 {
                if let Some(answer) = operation["responses"].get_mut(status) {
                    answer["links"][link.to] = link.told();
                }
            }
        }
    }
}

impl Link {
    fn told(&self) -> Value {
        let map = |parts: &[(&str, &str)]| -> Map<String, Value> {
            parts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
        };
        let mut told = json!({"operationId": self.to, "description": self.about});
        if !self.parameters.is_empty() {
            told["parameters"] = map(self.parameters).into();
        }
        if !self.body.is_empty() {
            told["requestBody"] = map(self.body).into();
        }
        told
    }
}

/// How many links there are in a document.
#[cfg(test)]
pub(super) fn count() -> usize {
    LINKS.iter().map(|link| link.from.1.len()).sum()
}
