//! All that can be typed, at its loudest, against a backend at its loudest, on PostgreSQL, with a mail server that wants a password
//! and an nsc that writes down how it was called.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use relais_domain::credentials::creds::Creds;
use serde_json::json;

use super::{house, open_handed, plant_code, plant_profile, process};
use crate::support::{
    Canaries, Certificates, Door, Ran, SQL_PASSWORD, Smtp, SqlKind, SqlServer, Up, World, code_in, run, tool,
};

const MAIL_PASSWORD: &str = "mail/canary+1";
/// The same in an address.
const MAIL_USER: &str = "tea:mail%2Fcanary%2B1@";
/// Not that of the other tests, which stands in the document of the API as an example.
const PASSWORD: &str = "a-first-canary-word";
const EMAIL: &str = "ada@example.org";

/// A backend and what is around it.
struct Scene {
    world: World,
    smtp: Smtp,
    certificates: Certificates,
    sql: SqlServer,
    database: String,
    canaries: Canaries,
    /// Where the nsc has written down how it was called.
    called: PathBuf,
}

impl Scene {
    async fn new() -> Self {
        let (world, certificates) = (World::new(), Certificates::new());
        let smtp = Smtp::with_tls(Door::StartTls, &certificates, json!({"login": ["tea", MAIL_PASSWORD]}));
        let sql = SqlServer::start(SqlKind::Postgres);
        let database = sql.database().await;
        let called = world.path("called");
        // What `ps e` would show of it, and then the real one.
        let script = format!(
            "#!/bin/sh\n/bin/cat /proc/$$/cmdline /proc/$$/environ >>'{}'\nexec '{}' \"$@\"\n",
            called.display(),
            tool("nsc").display()
        );
        fs::write(world.path("nsc"), script).unwrap();
        fs::set_permissions(world.path("nsc"), fs::Permissions::from_mode(0o755)).unwrap();
        // Not in the environment, which is read below.
        let settings = world.path("relais.toml");
        let text = format!(
            "sql.url = '{database}'\nnsc.engine = 'nsc'\nnsc.path = '{}'\n[mail]\nfrom = 'Tea <no-reply@example.org>'\n\
             tls_ca = '{}'\nsmtp_url = '{}?tls=required'\n",
            world.path("nsc").display(),
            certificates.ca().display(),
            smtp.url("smtp", MAIL_USER),
        );
        fs::write(&settings, text).unwrap();
        fs::set_permissions(&settings, fs::Permissions::from_mode(0o600)).unwrap();
        let mut canaries = Canaries::default();
        canaries.plant_at("the database's password", SQL_PASSWORD, &[&settings]);
        canaries.plant_at("the mail server's password", MAIL_PASSWORD, &[&settings]);
        for (name, password) in [("the password", PASSWORD), ("a wrong password", "a-wrong-canary-word")] {
            canaries.plant(name, password);
        }
        for number in ["second", "third"] {
            canaries.plant(&format!("the {number} password"), &format!("a-{number}-canary-word"));
        }
        Self { world, smtp, certificates, sql, database, canaries, called }
    }

    fn up(&self) -> Up {
        let mut command = self.world.relais(&["up", "--json"]);
        command.env("RELAIS_LOG", "trace").env("RUST_LOG", "trace");
        // By its environment, which no child of it shall have.
        Up::start(open_handed(command.env("RELAIS_MAIL__SMTP_URL", self.mail_server())))
    }

    fn mail_server(&self) -> String {
        format!("{}?tls=required", self.smtp.url("smtp", MAIL_USER))
    }

    /// What a command says at its loudest.
    fn says(&self, up: &Up, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.world.relais(arguments);
        let (nats, nothing) =
            (up.text("nats").split_once("://").unwrap().1, "no command is told a secret by its arguments");
        arguments.iter().for_each(|argument| self.canaries.absent(nothing, argument));
        command.args(["-vv", "--server", up.text("http")]).env("RUST_LOG", "trace").env("RELAIS_LOG", "trace");
        run(&mut open_handed(command.env("RELAIS_NATS__LISTEN", nats)), input)
    }

    /// The same, of one that has to work, and to say nothing it should not.
    #[track_caller]
    fn done(&self, up: &Up, arguments: &[&str], input: &str) -> Ran {
        let ran = self.says(up, arguments, input);
        assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        self.canaries.absent(&format!("what {arguments:?} says"), format!("{}\n{}", ran.stdout, ran.stderr));
        ran
    }

    /// The code in the newest mail, once there are so many.
    fn code(&mut self, mails: usize) -> String {
        let code = loop {
            let arrived = self.smtp.arrived();
            if arrived.len() >= mails {
                break code_in(&arrived.last().unwrap().body);
            }
            std::thread::yield_now();
        };
        plant_code(&mut self.canaries, &format!("mail {mails}"), &code);
        code
    }

    /// What lies in the profile now.
    fn plant_profile(&mut self, number: &str) {
        let folder = self.profile();
        plant_profile(&mut self.canaries, number, &folder);
    }

    fn profile(&self) -> PathBuf {
        self.world.path("config/relais/default")
    }

    /// A creds file that a command has written.
    fn plant_creds(&mut self, name: &str, path: &Path, homes: &[&Path]) {
        let creds = Creds::parse(&fs::read_to_string(path).unwrap()).unwrap();
        self.canaries.plant_at(&format!("the seed of {name}"), creds.seed.expose(), &[&[path], homes].concat());
    }

    /// Registering, logging in in every way, other passwords.
    fn person(&mut self, up: &Up) {
        self.done(up, &["register", EMAIL], PASSWORD);
        let code = self.code(1);
        assert_eq!(self.says(up, &["login", EMAIL], "a-wrong-canary-word").code, 3);
        self.done(up, &["login", EMAIL, "--device", "desk"], &format!("{PASSWORD}\n{code}\n"));
        self.plant_profile("the first login");
        self.done(up, &["request", "echo.identified", "hello"], "");
        self.done(up, &["publish", "echo", "hello"], "");
        for arguments in [&["whoami"][..], &["whoami", "--json"], &["devices", "list"], &["devices", "list", "--json"]]
        {
            self.done(up, arguments, "");
        }
        self.plant_profile("the session that went on");
        self.done(up, &["login", EMAIL, "--send-code"], "");
        // The second came with the login, before it was told the first.
        let code = self.code(3);
        self.done(up, &["login", EMAIL, "--code"], &code);
        self.plant_profile("the login by a code");
        let used = self.says(up, &["login", EMAIL, "--code"], &code);
        assert_eq!(used.code, 3);
        self.canaries.absent("what is said of a used code", used.stderr);
        self.done(up, &["password"], &format!("{PASSWORD}\na-second-canary-word\n"));
        self.plant_profile("the session with another password");
        self.done(up, &["password", "--forgotten", EMAIL, "--send-code"], "");
        let code = self.code(4);
        self.done(up, &["password", "--forgotten", EMAIL], &format!("{code}\na-third-canary-word\n"));
        self.done(up, &["login", EMAIL, "--json"], "a-third-canary-word");
        self.plant_profile("the last login");
        let token = self.world.path("data/setup-token");
        self.done(up, &["admin", "claim", EMAIL, "--token", token.to_str().unwrap()], "a-third-canary-word");
        for arguments in [&["users", "list"][..], &["users", "show", EMAIL, "--json"], &["audit"], &["audit", "--json"]]
        {
            self.done(up, arguments, "");
        }
        self.plant_profile("the session of an admin");
    }

    /// What is done where the data folder is.
    fn operator(&mut self, up: &Up) {
        for arguments in [
            &["settings"][..],
            &["settings", "--json"],
            &["nsc", "setup"],
            &["nsc", "info"],
            &["nsc", "status"],
            &["nsc", "user", "list"],
            &["nsc", "config"],
            &["mail", "test", EMAIL],
            &["migrate"],
            &["spec", "openapi"],
        ] {
            self.done(up, arguments, "");
        }
        let out = |name: &str| self.world.path(name).to_str().unwrap().to_owned();
        let (till, shop, nina, backup) = (out("till.creds"), out("shop.creds"), out("nina.creds"), out("house.backup"));
        self.done(up, &["nsc", "user", "add", "till", "--out", &till], "");
        self.done(up, &["nsc", "user", "show", "till"], "");
        self.done(up, &["service", "add", "shop", "--out", &shop], "");
        self.done(up, &["creds", "export", "--role", "operator", "--name", "nina", "--out", &nina], "");
        for path in [&till, &shop, &nina] {
            self.plant_creds(path, Path::new(path), &[]);
        }
        self.done(up, &["nsc", "user", "add", "desk", "--keep-seed", "--json"], "");
        // The seed in the store, with a copy for whoever has asked.
        let (written, kept) = ("data/users/desk.creds", "data/nsc/keys/creds/relais/app/desk.creds");
        let kept = self.world.path(kept);
        let seed = Creds::parse(&fs::read_to_string(&kept).unwrap()).unwrap();
        let key = house::key_file(&self.world.path("data"), seed.seed.expose());
        self.plant_creds("desk", &self.world.path(written), &[&kept, &key]);
        self.done(up, &["nsc", "keys", "rotate"], "");
        self.done(up, &["nsc", "backup", "--out", &backup], "");
        // Whoever asks for it on standard output gets it: and so it is seen that what a command says is looked at.
        let shown = self.says(up, &["creds", "export", "--role", "operator", "--name", "otto", "--out", "-"], "");
        let mut own = Canaries::default();
        own.plant("otto's seed", Creds::parse(&shown.stdout).unwrap().seed.expose());
        assert!(!own.found_in(shown.stdout.as_bytes()).is_empty(), "it is what was asked for");
        own.absent("what is said beside it", &shown.stderr);
        self.canaries.absent("what is said with it", shown.stdout);
    }

    /// Logs, database, processes, files.
    fn look(&self, up: &Up) {
        let log = up.log();
        assert!(log.contains("DEBUG") && log.contains("sqlx"), "the log is at its loudest: {}", log.len());
        self.canaries.absent("the log", log);
        self.canaries.absent("what it prints", up.ready.to_string());
        process::look(up, &self.canaries, &["the mail server's password"]);
        let called = fs::read(&self.called).unwrap();
        assert!(String::from_utf8_lossy(&called).matches("NSC_NO_GIT_IGNORE").count() > 10, "nsc was called");
        self.canaries.absent("how nsc was called", called);
        let dump = self.sql.dump(&self.database);
        for table in ["users", "devices", "codes", "audit", "limits"] {
            assert!(dump.contains(table), "{table} is in the dump");
        }
        assert!(dump.contains(EMAIL) && dump.contains("$argon2id$"), "and what was stored");
        self.canaries.absent("the database", dump);
        let own = self.sql.folder();
        assert!(!crate::support::files(&own.join("data/base")).is_empty());
        self.canaries.sweep(&own.join("data"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_says_or_leaves_a_secret() {
    let mut scene = Scene::new().await;
    let up = scene.up();
    let data = scene.world.path("data");
    house::Keys::of(&data, &mut scene.canaries, &[]);
    scene.person(&up);
    scene.operator(&up);
    // Those that were made meanwhile, and all of them once more in the backup.
    let backup = scene.world.path("house.backup");
    let mut at_home = Canaries::default();
    house::Keys::of(&data, &mut at_home, &[&backup]);
    assert!(
        !at_home.found_in(&fs::read(&backup).unwrap()).is_empty(),
        "the backup holds keys, in a form that is found"
    );
    scene.look(&up);
    house::is_private(&data);
    let profile = scene.profile();
    for name in ["creds", "access", "refresh", "profile.json"] {
        let mode = fs::metadata(profile.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(&profile).unwrap().permissions().mode() & 0o777, 0o700);
    let mode = fs::metadata(&backup).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "the backup");
    fs::remove_file(&backup).unwrap();
    let home = scene.canaries.sweep(&scene.world.path(""));
    for at_home in
        ["the database's password", "the mail server's password", "the seed of desk", "the seed of the last login"]
    {
        assert!(home.contains(at_home), "{at_home} is found where it is: {home:?}");
    }
    scene.done(&up, &["logout"], "");
    let left = crate::support::files(&profile);
    assert!(
        left.iter().all(|path| fs::metadata(path).unwrap().len() == 0),
        "nothing of it is left but a lock: {left:?}"
    );
    scene.done(&up, &["login", EMAIL], "a-third-canary-word");
    scene.plant_profile("the login at the end");
    let last = scene.says(&up, &["leave", "--yes"], "");
    assert_eq!(last.code, 1, "the last admin stays: {}", last.stderr);
    scene.canaries.absent("what is said of leaving", last.stderr);
    scene.look(&up);
    assert!(scene.certificates.ca().exists(), "the mails went out under TLS until now");
    up.stop();
    scene.canaries.sweep(&scene.world.path(""));
}
