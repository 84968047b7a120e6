//! Commands for nsc that mean what claims say: vectors of arguments, made of claims alone.

use std::path::PathBuf;

use relais_domain::credentials::{
    Account, AccountClaims, Export, Import, JetStreamLimits, OperatorClaims, Permission, PublicKey, ShareKind, User,
    UserLimits, UserScope, UserToSign,
};

use super::ToolError;

/// The arguments of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argv(Vec<String>);

/// A key, as nsc is told of it: its seed lies in the key store, or in a file.
pub(super) enum Named {
    Key(PublicKey),
    File(PathBuf),
}

impl Argv {
    pub(super) fn of<const N: usize>(words: [&str; N]) -> Self {
        Self(words.map(str::to_owned).to_vec())
    }

    /// `--name=value`, in one: nothing in the value can become another flag.
    pub(super) fn flag(&mut self, name: &str, value: &str) -> Result<(), ToolError> {
        if value.chars().any(char::is_control) {
            return Err(ToolError::Odd(value.chars().take(40).collect()));
        }
        self.0.push(format!("--{name}={value}"));
        Ok(())
    }

    fn with(mut self, name: &str, value: &str) -> Result<Self, ToolError> {
        self.flag(name, value).map(|()| self)
    }

    /// One entry of a list, which nsc reads as a line of CSV.
    pub(super) fn entry(&mut self, name: &str, value: &str) -> Result<(), ToolError> {
        let quoted = if value.contains([',', '"']) || value.is_empty() {
            format!("\"{}\"", value.replace('"', "\"\""))
        } else {
            value.to_owned()
        };
        self.flag(name, &quoted)
    }

    fn signed_by(self, signer: &Named) -> Result<Self, ToolError> {
        match signer {
            Named::Key(key) => self.with("private-key", key.as_str()),
            Named::File(path) => self.with("private-key", &path.display().to_string()),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// For people: the command without its flags.
    pub(super) fn shown(&self) -> String {
        let words = self.iter().take_while(|word| !word.starts_with("--"));
        std::iter::once("nsc").chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// An operator with its signing keys.
pub(super) fn operator(claims: &OperatorClaims, identity: &Named) -> Result<Vec<Argv>, ToolError> {
    let add = Argv::of(["add", "operator"]).with("name", &claims.name)?.signed_by(identity)?;
    let mut edit = Argv::of(["edit", "operator"]).signed_by(identity)?;
    for key in &claims.body.signing_keys {
        edit.entry("sk", key.as_str())?;
    }
    Ok(vec![add, edit])
}

/// What an operator can be told when its accounts are there.
pub(super) fn strict(claims: &OperatorClaims, identity: &Named) -> Result<Vec<Argv>, ToolError> {
    let mut edit = Argv::of(["edit", "operator"]).signed_by(identity)?;
    if let Some(account) = &claims.body.system_account {
        edit.flag("system-account", account.as_str())?;
    }
    edit.flag("require-signing-keys", &claims.body.strict_signing_key_usage.to_string())?;
    Ok(vec![edit])
}

/// What makes an account of nothing, or of the version before.
pub(super) fn account(
    before: Option<&AccountClaims>,
    next: &AccountClaims,
    signer: &PublicKey,
) -> Result<Vec<Argv>, ToolError> {
    let signer = Named::Key(signer.clone());
    let name = next.name.as_str();
    if !next.body.limits.tiered_limits.is_empty() {
        return Err(ToolError::NoCommand("an account with limits by tier, which an edit would take away"));
    }
    let mut steps = Vec::new();
    let nothing = Account::default();
    let old = before.map_or(&nothing, |before| &before.body);
    let new = &next.body;
    if before.is_none() {
        let add = Argv::of(["add", "account"]).with("name", name)?.with("public-key", next.subject.as_str())?;
        let mut add = add.signed_by(&signer)?;
        permission(&mut add, "pub", &new.default_permissions.publish)?;
        permission(&mut add, "sub", &new.default_permissions.subscribe)?;
        steps.push(add);
    } else if old.default_permissions != new.default_permissions {
        return Err(ToolError::NoCommand("other default permissions"));
    }
    let of_account = |words: [&str; 2]| Argv::of(words).with("account", name)?.signed_by(&signer);

    let mut edit = Argv::of(["edit", "account"]).with("name", name)?.signed_by(&signer)?;
    let plain = edit.clone();
    limits(&mut edit, before.map(|_| old), new)?;
    for (key, scope) in &old.signing_keys.0 {
        if new.signing_keys.0.get(key) != Some(scope) {
            edit.entry("rm-sk", key.as_str())?;
        }
    }
    let fresh = |key: &PublicKey, scope: &Option<UserScope>| old.signing_keys.0.get(key) != Some(scope);
    for (key, scope) in &new.signing_keys.0 {
        if fresh(key, scope) && scope.is_none() {
            edit.entry("sk", key.as_str())?;
        }
    }
    if edit != plain {
        steps.push(resettable(edit, new)?);
    }
    for (key, scope) in &new.signing_keys.0 {
        if let (true, Some(scope)) = (fresh(key, scope), scope) {
            let mut edit = of_account(["edit", "signing-key"])?;
            role(&mut edit, scope)?;
            steps.push(edit);
        }
    }
    for key in old.revocations.keys().chain(new.revocations.keys()) {
        // Some come from brokers; nsc would take what is no key for a user's name.
        if key != "*" && key.parse::<PublicKey>().is_err() {
            return Err(ToolError::Odd(key.chars().take(60).collect()));
        }
    }
    for key in old.revocations.keys().filter(|key| !new.revocations.contains_key(*key)) {
        steps.push(of_account(["revocations", "delete-user"])?.with("user-public-key", key)?);
    }
    for (key, until) in &new.revocations {
        if old.revocations.get(key) != Some(until) {
            // nsc takes 0 for now.
            let until = until.max(&1).to_string();
            steps.push(of_account(["revocations", "add-user"])?.with("user-public-key", key)?.with("at", &until)?);
        }
    }
    for export in old.exports.iter().filter(|export| !new.exports.contains(export)) {
        steps.push(of_account(["delete", "export"])?.with("subject", &export.subject)?);
    }
    for export in new.exports.iter().filter(|export| !old.exports.contains(export)) {
        steps.push(share_out(of_account(["add", "export"])?, export)?);
    }
    for import in new.imports.iter().filter(|import| !old.imports.contains(import)) {
        steps.push(share_in(of_account(["add", "import"])?, import)?);
    }
    if steps.is_empty() {
        // Nothing but a later second.
        steps.push(resettable(plain.with("conns", &new.limits.conn.to_string())?, new)?);
    }
    Ok(steps)
}

/// Named in every edit of an account, for nsc sets what is not named to its own defaults.
fn resettable(edit: Argv, new: &Account) -> Result<Argv, ToolError> {
    let edit = edit.with("wildcard-exports", &new.limits.wildcard_exports.to_string())?;
    let edit = edit.with("disallow-bearer", &new.limits.disallow_bearer.to_string())?;
    if new.limits.jetstream == JetStreamLimits::default() { edit.with("js-disable", "true") } else { Ok(edit) }
}

/// What differs of limits; all of them for a new account.
fn limits(edit: &mut Argv, old: Option<&Account>, new: &Account) -> Result<(), ToolError> {
    let numbers = |own: &Account| {
        let own = &own.limits;
        [
            ("conns", own.conn),
            ("leaf-conns", own.leaf),
            ("data", own.data),
            ("exports", own.exports),
            ("imports", own.imports),
            ("payload", own.payload),
            ("subscriptions", own.subs),
        ]
    };
    let before = old.map(numbers).unwrap_or_default();
    for (number, before) in numbers(new).into_iter().zip(before) {
        if number != before {
            edit.flag(number.0, &number.1.to_string())?;
        }
    }
    if old.is_none_or(|old| old.limits.jetstream != new.limits.jetstream)
        && new.limits.jetstream != JetStreamLimits::default()
    {
        let js = &new.limits.jetstream;
        for (name, number) in [
            ("js-mem-storage", js.mem_storage),
            ("js-disk-storage", js.disk_storage),
            ("js-streams", js.streams),
            ("js-consumer", js.consumer),
            ("js-max-mem-stream", js.mem_max_stream_bytes),
            ("js-max-disk-stream", js.disk_max_stream_bytes),
            ("js-max-ack-pending", js.max_ack_pending),
        ] {
            edit.flag(name, &number.to_string())?;
        }
        edit.flag("js-max-bytes-required", &js.max_bytes_required.to_string())?;
    }
    Ok(())
}

/// A signing key with its scope, from nothing.
fn role(edit: &mut Argv, scope: &UserScope) -> Result<(), ToolError> {
    edit.flag("sk", scope.key.as_str())?;
    edit.flag("role", &scope.role)?;
    edit.flag("description", &scope.description)?;
    user_limits(edit, &scope.template.known)?;
    permission(edit, "pub", &scope.template.known.publish)?;
    permission(edit, "sub", &scope.template.known.subscribe)
}

fn user_limits(edit: &mut Argv, limits: &UserLimits) -> Result<(), ToolError> {
    for (name, number) in [("subs", limits.subs), ("data", limits.data), ("payload", limits.payload)] {
        edit.flag(name, &number.to_string())?;
    }
    for kind in &limits.allowed_connection_types {
        edit.entry("conn-type", kind)?;
    }
    let UserLimits { respond, src, times, proxy_required, .. } = limits;
    if respond.is_some() || !src.is_empty() || !times.is_empty() || *proxy_required {
        return Err(ToolError::NoCommand("limits by answers, networks, times or proxies"));
    }
    Ok(())
}

fn permission(argv: &mut Argv, kind: &str, list: &Permission) -> Result<(), ToolError> {
    for (verb, subjects) in [("allow", &list.allow), ("deny", &list.deny)] {
        subjects.iter().try_for_each(|subject| argv.entry(&format!("{verb}-{kind}"), subject))?;
    }
    Ok(())
}

fn share_out(add: Argv, export: &Export) -> Result<Argv, ToolError> {
    let mut add = add.with("name", &export.name)?.with("subject", &export.subject)?;
    if export.kind == ShareKind::Service {
        add.flag("service", "true")?;
        add.flag("response-type", &export.response_type)?;
    }
    let usual = Export {
        kind: export.kind,
        ..Export::service(&export.name, &export.subject, relais_domain::credentials::ResponseKind::Singleton)
    };
    if (Export { response_type: usual.response_type.clone(), ..export.clone() }) != usual {
        return Err(ToolError::NoCommand("an export that is more than public"));
    }
    Ok(add)
}

fn share_in(add: Argv, import: &Import) -> Result<Argv, ToolError> {
    let (Some(account), true) = (&import.account, import.token.is_empty()) else {
        return Err(ToolError::NoCommand("an import with an activation"));
    };
    let add = add.with("name", &import.name)?.with("src-account", account.as_str())?;
    let mut add = add.with("remote-subject", &import.subject)?;
    if import.kind == ShareKind::Service {
        add.flag("service", "true")?;
    }
    if !import.local_subject.is_empty() {
        add.flag("local-subject", &import.local_subject)?;
    }
    Ok(add)
}

/// What makes a user of nothing.
pub(super) fn user(user: &UserToSign) -> Result<Vec<Argv>, ToolError> {
    let (claims, signer) = (user.claims(), Named::Key(user.signer().clone()));
    let (name, account) = (user.name().as_str(), user.account().as_str());
    let add = Argv::of(["add", "user"]).with("account", account)?.with("name", name)?;
    let mut add = add.with("public-key", claims.subject.as_str())?.signed_by(&signer)?;
    if claims.expires_at != 0 {
        let at = jiff::Timestamp::from_second(claims.expires_at).unwrap_or(jiff::Timestamp::MAX);
        add.flag("expiry", &at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())?;
    }
    for tag in &claims.body.generic.tags {
        add.entry("tag", tag)?;
    }
    let limits = &claims.body.limits;
    if *limits == UserLimits::default() {
        return Ok(vec![add]);
    }
    permission(&mut add, "pub", &limits.publish)?;
    permission(&mut add, "sub", &limits.subscribe)?;
    let mut edit = Argv::of(["edit", "user"]).with("account", account)?.with("name", name)?.signed_by(&signer)?;
    user_limits(&mut edit, limits)?;
    Ok(vec![add, edit])
}

/// Whether two users may do the same; in which order lists stand means nothing.
pub(super) fn alike_users(made: &User, wanted: &User) -> bool {
    let settled = |user: &User| {
        let mut user = user.clone();
        user.generic.kind.clear();
        user.generic.version = 0;
        for list in [&mut user.limits.publish, &mut user.limits.subscribe] {
            list.allow.sort();
            list.deny.sort();
        }
        user
    };
    settled(made) == settled(wanted)
}
