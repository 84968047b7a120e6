//! `relais users`, `relais audit`, and `relais admin add | remove`: what admins do with users, over the HTTP API.

use std::io;

use anstyle::{AnsiColor, Style};
use relais_adapters::http_client::{AuditEntry, Client, ClientError, User, UserChange};
use relais_domain::{identity::UserId, ports::Standing, secret::Secret};
use serde_json::{Value, json};

use super::{
    Context,
    nsc_admin::sure,
    printing::{self, Table},
    sessions,
};
use crate::{
    cli::{AuditArgs, UserDeleteArgs, UserListArgs, UsersCommand, Whom},
    exit::{Exit, Failure},
};

/// How many users are asked for at once: as many as the server gives.
const USERS: u32 = 200;
/// How many entries of the audit are asked for at once: so many that the longest are an answer that is read.
const ENTRIES: u32 = 100;

/// `relais users …`
pub(super) async fn users(command: &UsersCommand, context: &mut Context<'_>) -> Result<(), Failure> {
    match command {
        UsersCommand::List(args) => list(args, context).await,
        UsersCommand::Show { user } => {
            let found = Admin::of(context).await?.find(user).await?;
            show(&found, context)
        }
        UsersCommand::Disable { user } => {
            let change = UserChange { disabled: Some(true), ..UserChange::default() };
            let what = "is disabled: their devices are cut off, and nobody logs in as them";
            changed(user, &change, what, context).await
        }
        UsersCommand::Enable { user } => {
            let change = UserChange { disabled: Some(false), ..UserChange::default() };
            changed(user, &change, "is enabled, and can log in", context).await
        }
        UsersCommand::Delete(args) => delete(args, context).await,
        UsersCommand::Role { user, role } => {
            let admin = Admin::of(context).await?;
            let roles = admin.client.roles(&admin.token).await.map_err(told)?;
            if !roles.contains(role) {
                let there: Vec<_> = roles.iter().map(ToString::to_string).collect();
                return Err(Failure::usage(format!("the server has no role {role}; it has {}", there.join(", "))).hint(
                    "a role is a table in its settings, [nsc.roles.NAME], which `relais nsc role apply` makes there",
                ));
            }
            let change = UserChange { role: Some(role.clone()), ..UserChange::default() };
            let user = admin.change(user, &change).await?;
            tell(&user, &format!("has the role {role}, from the next login of each device on"), context)
        }
    }
}

/// `relais admin add | remove`
pub(super) async fn set_admin(user: &Whom, admin: bool, context: &mut Context<'_>) -> Result<(), Failure> {
    let change = UserChange { admin: Some(admin), ..UserChange::default() };
    changed(user, &change, if admin { "is an admin" } else { "is no admin" }, context).await
}

/// `relais audit`
pub(super) async fn audit(args: &AuditArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let head = ["WHEN", "WHO", "WHAT", "OUTCOME", "TO WHOM OR WHAT", "MORE"];
    let mut listing = Listing::new(head, args.limit, context);
    let (mut admin, mut before) = (Admin::of(context).await?, None);
    while let Some(most) = listing.most(ENTRIES) {
        let ask = async |admin: &Admin| admin.client.audit(&admin.token, before.as_ref(), most).await;
        let entries = admin.ask(ask, context).await?;
        let Some(last) = entries.last() else { break };
        before = Some(last.id.clone());
        let rows = entries.into_iter().map(|entry| (styled_entry(&entry), entry_json(&entry), entry_row(entry)));
        listing.page(rows, &mut *context.terminal.out)?;
    }
    Ok(listing.end(&mut *context.terminal.out)?)
}

/// `relais users list`
async fn list(args: &UserListArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    // What others have chosen, the address, stands last: whatever is in it, the other columns stay where they are.
    let head = ["USER", "REGISTERED", "STANDING", "ADMIN", "ROLE", "EMAIL"];
    let mut listing = Listing::new(head, args.limit, context);
    let (mut admin, mut after, part) = (Admin::of(context).await?, None, args.search.as_deref());
    while let Some(most) = listing.most(USERS) {
        let ask = async |admin: &Admin| admin.client.users(&admin.token, after.as_ref(), part, most).await;
        let users = admin.ask(ask, context).await?;
        let Some(last) = users.last() else { break };
        after = Some(last.id.clone());
        let rows = users.into_iter().map(|user| (styled_user(&user), user_json(&user), user_row(user)));
        listing.page(rows, &mut *context.terminal.out)?;
    }
    Ok(listing.end(&mut *context.terminal.out)?)
}

/// `relais users delete`
async fn delete(args: &UserDeleteArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let asks = !args.yes && context.terminal.asks;
    sure(args.yes || asks, &format!("this removes {} with everything they have, for good", args.user))?;
    let admin = Admin::of(context).await?;
    let user = admin.find(&args.user).await?;
    let who = named(&user);
    if asks {
        context.terminal.agrees(&format!("This removes {who} with everything they have, for good"))?;
    }
    admin.client.delete_user(&admin.token, &user.id).await.map_err(|error| about(&args.user, error))?;
    let out = &mut context.terminal.out;
    if context.globals.json {
        return Ok(writeln!(out, "{}", json!({"user_id": user.id, "email": user.email, "removed": true}))?);
    }
    Ok(writeln!(out, "{who} is gone, with everything they had")?)
}

/// Changes a user, and tells how they are.
async fn changed(whom: &Whom, change: &UserChange, what: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    let user = Admin::of(context).await?.change(whom, change).await?;
    tell(&user, what, context)
}

/// Who asks, by the login of the profile.
struct Admin {
    client: Client,
    token: Secret,
}

impl Admin {
    async fn of(context: &Context<'_>) -> Result<Self, Failure> {
        let (_, client, token) = sessions::access(context).await?;
        Ok(Self { client, token })
    }

    /// Asks for a page, with another token if this one has ended: who reads the pages before it may take long (`| less`).
    async fn ask<T>(
        &mut self,
        call: impl AsyncFn(&Self) -> Result<T, ClientError>,
        context: &Context<'_>,
    ) -> Result<T, Failure> {
        let answer = match call(self).await {
            Err(ClientError::Unauthorized(_)) => {
                *self = Self::of(context).await?;
                call(self).await
            }
            answer => answer,
        };
        answer.map_err(told)
    }

    /// The user who is meant.
    async fn find(&self, whom: &Whom) -> Result<User, Failure> {
        let found = match whom {
            Whom::Id(id) => self.by_id(id).await.map_err(told)?,
            Whom::Email(email) => {
                let mut named = self.with_address(email.as_str()).await.map_err(told)?;
                if named.len() > 1 {
                    let ids: Vec<_> = named.iter().map(|user| user.id.to_string()).collect();
                    let what = format!("{} users have the address {email}: {}", ids.len(), ids.join(", "));
                    return Err(Failure::new(Exit::Failed, what).hint("name the user by the id"));
                }
                named.pop()
            }
        };
        found.ok_or_else(|| unknown(whom))
    }

    /// The user with an id. The API has users in the order of their ids only, so it is asked for those behind what comes before it:
    /// the id without its last character.
    async fn by_id(&self, id: &UserId) -> Result<Option<User>, ClientError> {
        let mut after: Option<UserId> = id.as_str().get(..id.as_str().len() - 1).and_then(|short| short.parse().ok());
        loop {
            let users = self.client.users(&self.token, after.as_ref(), None, 8).await?;
            let Some(last) = users.last() else { return Ok(None) };
            after = Some(last.id.clone());
            if last.id >= *id {
                return Ok(users.into_iter().find(|user| user.id == *id));
            }
        }
    }

    /// The users with this very address: the API knows those whose address holds a text.
    async fn with_address(&self, email: &str) -> Result<Vec<User>, ClientError> {
        let (mut named, mut after) = (Vec::new(), None);
        loop {
            let users = self.client.users(&self.token, after.as_ref(), Some(email), USERS).await?;
            let Some(last) = users.last() else { return Ok(named) };
            after = Some(last.id.clone());
            named.extend(users.into_iter().filter(|user| user.email == email));
        }
    }

    /// Changes the user who is meant.
    async fn change(&self, whom: &Whom, change: &UserChange) -> Result<User, Failure> {
        let id = match whom {
            Whom::Id(id) => id.clone(),
            Whom::Email(_) => self.find(whom).await?.id,
        };
        self.client.change_user(&self.token, &id, change).await.map_err(|error| about(whom, error))
    }
}

/// A list of any length, printed as it comes: a table, or one JSON array with an element a line.
struct Listing<const N: usize> {
    table: Table<N>,
    json: bool,
    begun: bool,
    left: Option<u64>,
}

impl<const N: usize> Listing<N> {
    fn new(head: [&str; N], limit: Option<u64>, context: &Context<'_>) -> Self {
        let mut table = Table::new(context.terminal.colours);
        table.push(Style::new().bold(), &head.map(str::to_owned));
        Self { table, json: context.globals.json, begun: false, left: limit }
    }

    /// How many may come next, at most so many; `None` when there are enough.
    fn most(&self, page: u32) -> Option<u32> {
        let most = self.left.map_or(page, |left| u32::try_from(left).map_or(page, |left| left.min(page)));
        (most > 0).then_some(most)
    }

    /// Prints what has come; what is more than there may be is left out.
    fn page(
        &mut self,
        rows: impl Iterator<Item = (Style, Value, [String; N])>,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        for (style, value, row) in rows {
            if self.left == Some(0) {
                break;
            }
            self.left = self.left.map(|left| left - 1);
            if self.json {
                write!(out, "{}{value}", if self.begun { ",\n" } else { "[" })?;
                self.begun = true;
            } else {
                self.table.push(style, &row);
            }
        }
        if !self.json {
            self.table.print(out)?;
        }
        out.flush()
    }

    fn end(mut self, out: &mut dyn io::Write) -> io::Result<()> {
        if self.json {
            return writeln!(out, "{}", if self.begun { "]" } else { "[]" });
        }
        // The head, if nothing came below it.
        self.table.print(out)
    }
}

/// What an admin is told who is none.
fn told(error: ClientError) -> Failure {
    let not_allowed = matches!(error, ClientError::Forbidden(_));
    let failure = Failure::from(error);
    if not_allowed {
        failure.hint(
            "an admin makes you one with `relais admin add EMAIL`, the first is made with `relais admin claim`; \
             --profile chooses another login",
        )
    } else {
        failure
    }
}

/// The same about what was done to a user.
fn about(whom: &Whom, error: ClientError) -> Failure {
    match error {
        ClientError::NotFound(_) => unknown(whom),
        error @ ClientError::Conflict(_) => told(error).hint("`relais admin add EMAIL` makes another admin"),
        error => told(error),
    }
}

fn unknown(whom: &Whom) -> Failure {
    let what = match whom {
        Whom::Email(email) => format!("there is no user with the address {email}"),
        Whom::Id(id) => format!("there is no user {id}"),
    };
    Failure::new(Exit::Failed, what).hint("`relais users list --search TEXT` prints those whose address holds a text")
}

/// Address and id, fit for a line.
fn named(user: &User) -> String {
    format!("{} ({})", printing::name(&user.email), user.id)
}

fn tell(user: &User, what: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    let out = &mut context.terminal.out;
    if context.globals.json {
        return Ok(writeln!(out, "{}", user_json(user))?);
    }
    Ok(writeln!(out, "{} {what}", named(user))?)
}

fn show(user: &User, context: &mut Context<'_>) -> Result<(), Failure> {
    let out = &mut context.terminal.out;
    if context.globals.json {
        return Ok(writeln!(out, "{}", user_json(user))?);
    }
    for (name, value) in [
        ("user id", user.id.to_string()),
        ("email", printing::name(&user.email)),
        ("registered", user.created_at.to_string()),
        ("role", user.role.to_string()),
        ("admin", yes(user.admin).to_owned()),
        ("standing", standing(user.standing).to_owned()),
    ] {
        writeln!(out, "{name:14} {value}")?;
    }
    Ok(())
}

fn user_row(user: User) -> [String; 6] {
    let (standing, admin) = (standing(user.standing).to_owned(), yes(user.admin).to_owned());
    [user.id.into(), user.created_at.to_string(), standing, admin, user.role.into(), user.email]
}

fn user_json(user: &User) -> Value {
    json!({"id": user.id, "email": user.email, "created_at": user.created_at, "role": user.role, "admin": user.admin,
        "standing": standing(user.standing)})
}

/// Who is not let in, is seen.
fn styled_user(user: &User) -> Style {
    match user.standing {
        Standing::Active => Style::new(),
        Standing::Disabled => AnsiColor::Yellow.on_default(),
        Standing::Leaving => Style::new().dimmed(),
    }
}

fn entry_row(entry: AuditEntry) -> [String; 6] {
    [entry.at.to_string(), entry.actor, entry.action, entry.outcome, entry.target, entry.detail]
}

fn entry_json(entry: &AuditEntry) -> Value {
    json!({"id": entry.id.as_str(), "at": entry.at, "actor": entry.actor, "action": entry.action,
        "target": entry.target, "outcome": entry.outcome, "detail": entry.detail})
}

/// What was not done, is seen.
fn styled_entry(entry: &AuditEntry) -> Style {
    match entry.outcome.as_str() {
        "failed" => AnsiColor::Red.on_default(),
        "refused" => AnsiColor::Yellow.on_default(),
        _ => Style::new(),
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Disabled => "disabled",
        Standing::Leaving => "leaving",
    }
}

fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
