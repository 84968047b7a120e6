//! What admins do with users: which requests it takes, and what is printed.

use std::sync::{Arc, Mutex};

use super::{http::Heard, *};

const ADA: &str = "01kaq4w3zk8r5v9m2d6n7p1t4a";
const BOB: &str = "01kaq4w3zk8r5v9m2d6n7p1t4b";
const EVE: &str = "01kaq4w3zk8r5v9m2d6n7p1t4c";

fn user(id: &str, email: &str) -> Value {
    json!({"id": id, "email": email, "created_at": "2026-01-01T00:00:00Z", "role": "user", "admin": false,
        "standing": "active"})
}

fn users<const N: usize>(users: [Value; N]) -> (u16, Value) {
    (200, json!({"users": Vec::from(users)}))
}

fn entry(id: &str, outcome: &str) -> Value {
    json!({"id": id, "at": "2026-01-01T00:00:00Z", "actor": "user:ada", "action": "users.role", "target": BOB,
        "outcome": outcome, "detail": "courier"})
}

/// What came of a command that an admin ran whom the server gave these answers, and what the server heard behind the refresh.
struct Came {
    result: Result<(), Failure>,
    written: Written,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Came {
    fn lines(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().skip(1).map(|heard| heard.line.clone()).collect()
    }

    /// The exit code, and all that is said.
    fn failure(&self) -> (Exit, String) {
        let failure = self.result.clone().unwrap_err();
        (failure.exit, format!("{} / {}", failure.what, failure.hint.unwrap_or_default()))
    }

    #[track_caller]
    fn out(&self) -> &str {
        assert_eq!(self.result, Ok(()));
        self.written.out()
    }
}

async fn run(line: &[&str], answers: Vec<(u16, Value)>) -> Came {
    run_on(line, None, answers).await
}

/// The same on a terminal with colours, on which this is typed.
async fn run_on(line: &[&str], typed: Option<&str>, answers: Vec<(u16, Value)>) -> Came {
    let (server, heard) = http([(200, login_answer())].into_iter().chain(answers).collect());
    let (_folder, profiles) = logged_in();
    profiles.save("default", &crate::profile::Profile { server, ..ada() }, &creds("SUABC"), &tokens()).unwrap();
    let (globals, command) = parse(line);
    let (result, written) = with_context!(globals, profiles, typed.unwrap_or_default(), |context| {
        (context.terminal.asks, context.terminal.shown, context.terminal.colours) =
            (typed.is_some(), typed.is_some(), typed.is_some());
        Box::pin(dispatch(command, context)).await
    });
    Came { result, written, heard }
}

#[tokio::test]
async fn every_page_is_followed_and_printed_as_a_table() {
    let mut odd = user(EVE, "e\u{1b}[2J\u{202e}ve@example.org");
    (odd["standing"], odd["admin"], odd["role"]) = (json!("disabled"), json!(true), json!("courier"));
    let pages = || vec![users([user(ADA, "ada@x"), user(BOB, "bob@x")]), users([odd.clone()]), users([])];
    let came = run(&["users", "list"], pages()).await;
    let head = "USER                        REGISTERED            STANDING  ADMIN  ROLE  EMAIL\n";
    let expected = [
        head.to_owned(),
        format!("{ADA}  2026-01-01T00:00:00Z  active    no     user  ada@x\n"),
        format!("{BOB}  2026-01-01T00:00:00Z  active    no     user  bob@x\n"),
        format!("{EVE}  2026-01-01T00:00:00Z  disabled  yes    courier  e\\u{{1b}}[2J\\u{{202e}}ve@example.org\n"),
    ];
    assert_eq!(came.out(), expected.concat());
    let asked = ["".to_owned(), format!("after={BOB}&"), format!("after={EVE}&")];
    assert_eq!(came.lines(), asked.map(|after| format!("GET /users?{after}limit=200")));
    assert!(came.heard.lock().unwrap().iter().skip(1).all(|heard| heard.token == "tok"));

    let coloured = run_on(&["users", "list"], Some(""), pages()).await;
    assert!(coloured.out().contains(&format!("\u{1b}[33m{EVE}")), "{}", coloured.out());
    assert!(coloured.out().starts_with("\u{1b}[1mUSER") && !coloured.out().contains("\u{1b}[2J"));
    let nobody = run(&["users", "list", "--search", "no body"], vec![users([])]).await;
    assert_eq!(nobody.out(), "USER  REGISTERED  STANDING  ADMIN  ROLE  EMAIL\n");
    assert_eq!(nobody.lines(), ["GET /users?email=no+body&limit=200"]);
}

#[tokio::test]
async fn a_list_in_json_is_one_document() {
    let (one, two) = (user(ADA, "ada@x"), user(BOB, "bob@x"));
    let came = run(&["users", "list", "--json"], vec![users([one.clone()]), users([two.clone()]), users([])]).await;
    assert_eq!(serde_json::from_str::<Value>(came.out()).unwrap(), json!([one, two]));
    assert_eq!(came.out().lines().count(), 2, "an element a line: {}", came.out());
    assert_eq!(run(&["users", "list", "--json"], vec![users([])]).await.out(), "[]\n");
    assert_eq!(run(&["audit", "--json"], vec![(200, json!({"entries": []}))]).await.out(), "[]\n");
}

#[tokio::test]
async fn a_limit_ends_the_list_and_is_what_is_asked_for() {
    let came = run(&["users", "list", "--limit", "1", "--json"], vec![users([user(ADA, "a@x")])]).await;
    assert_eq!(came.out(), format!("[{}]\n", user(ADA, "a@x")));
    assert_eq!(came.lines(), ["GET /users?limit=1"]);
    // A server that gives more than that is not believed.
    let more = vec![users([user(ADA, "a@x"), user(BOB, "b@x")])];
    assert!(!run(&["users", "list", "--limit", "1"], more).await.out().contains(BOB));
    let two = (200, json!({"entries": [entry(EVE, "done"), entry(BOB, "done")]}));
    let came = run(&["audit", "--limit", "103"], vec![two, (200, json!({"entries": []}))]).await;
    assert_eq!(came.lines(), ["GET /audit?limit=100".to_owned(), format!("GET /audit?before={BOB}&limit=100")]);
    assert_eq!(came.out().lines().count(), 3);
    let ten = run(&["users", "list", "--limit", "10000000000"], vec![users([])]).await;
    assert_eq!(ten.lines(), ["GET /users?limit=200"]);
}

#[tokio::test]
async fn pages_that_do_not_go_on_end_the_list() {
    let again = || users([user(ADA, "ada@x"), user(BOB, "bob@x")]);
    let came = run(&["users", "list"], vec![again(), again()]).await;
    assert!(came.failure().0 == Exit::Failed && came.failure().1.contains("do not go on"), "{:?}", came.failure());
    let turned = run(&["users", "list"], vec![users([user(BOB, "bob@x"), user(ADA, "ada@x")])]).await;
    assert_eq!(turned.failure().0, Exit::Failed);
    let same = (200, json!({"entries": [entry(BOB, "done"), entry(BOB, "done")]}));
    assert!(run(&["audit"], vec![same]).await.failure().1.contains("do not go on"));
}

#[tokio::test]
async fn a_token_that_ends_meanwhile_is_renewed_once() {
    let ended = || (401, json!({"detail": "the token has expired"}));
    let pages = vec![users([user(ADA, "ada@x")]), ended(), (200, login_answer()), users([])];
    let came = run(&["users", "list"], pages).await;
    assert!(came.out().contains("ada@x"));
    let after = format!("GET /users?after={ADA}&limit=200");
    assert_eq!(came.lines(), ["GET /users?limit=200", &after, "POST /token", &after]);
    let twice = run(&["users", "list"], vec![ended(), (200, login_answer()), ended()]).await;
    assert_eq!(twice.failure().0, Exit::NotAllowed);
}

#[tokio::test]
async fn a_user_is_found_by_the_very_address_or_id() {
    let short = &BOB[..BOB.len() - 1];
    let (lada, ada) = (user(ADA, "lada@example.org"), user(BOB, "ada@example.org"));
    let came =
        run(&["users", "show", "Ada@Example.org"], vec![users([lada.clone()]), users([ada.clone()]), users([])]).await;
    let expected = format!(
        "user id        {BOB}\nemail          ada@example.org\nregistered     2026-01-01T00:00:00Z\nrole           user\n\
         admin          no\nstanding       active\n"
    );
    assert_eq!(came.out(), expected);
    let search = "email=ada%40example.org&limit=200";
    let behind = |id: &str| format!("GET /users?after={id}&{search}");
    assert_eq!(came.lines(), [format!("GET /users?{search}"), behind(ADA), behind(BOB)]);

    let came = run(&["users", "show", BOB, "--json"], vec![users([lada.clone(), ada.clone()])]).await;
    assert_eq!(came.out(), format!("{ada}\n"));
    assert_eq!(came.lines(), [format!("GET /users?after={short}&limit=8")]);
    let behind = run(&["users", "show", BOB], vec![users([lada.clone()]), users([ada.clone()])]).await;
    assert_eq!(behind.out(), expected);

    for (whom, pages) in [
        ("ada@example.org", vec![users([lada.clone()]), users([])]),
        (BOB, vec![users([lada.clone(), user(EVE, "ada@example.org")])]),
        (BOB, vec![users([])]),
    ] {
        let (exit, text) = run(&["users", "show", whom], pages).await.failure();
        assert!(exit == Exit::Failed && text.contains(whom) && text.contains("--search"), "{exit:?} {text}");
    }
    let twins = vec![users([ada.clone(), user(EVE, "ada@example.org")]), users([])];
    let (exit, text) = run(&["users", "disable", "ada@example.org"], twins).await.failure();
    assert!(exit == Exit::Failed && text.contains(BOB) && text.contains(EVE) && text.contains("id"), "{exit:?} {text}");
}

#[tokio::test]
async fn a_change_is_sent_and_told() {
    let bob = user(BOB, "bob\u{9b}@x");
    for (line, sent, told) in [
        (&["users", "disable", BOB][..], json!({"disabled": true}), "is disabled"),
        (&["users", "enable", BOB], json!({"disabled": false}), "is enabled"),
        (&["admin", "add", BOB], json!({"admin": true}), "is an admin"),
        (&["admin", "remove", BOB], json!({"admin": false}), "is no admin"),
    ] {
        let came = run(line, vec![(200, bob.clone())]).await;
        assert!(came.out().starts_with(&format!("bob\\u{{9b}}@x ({BOB}) {told}")), "{}", came.out());
        assert_eq!(came.lines(), [format!("PATCH /users/{BOB}")]);
        assert_eq!(came.heard.lock().unwrap()[1].body, sent);
        let in_json = run(&[line, &["--json"]].concat(), vec![(200, bob.clone())]).await;
        assert_eq!(serde_json::from_str::<Value>(in_json.out()).unwrap(), bob);
    }
    let named =
        run(&["users", "disable", "bob@x"], vec![users([user(BOB, "bob@x")]), users([]), (200, bob.clone())]).await;
    assert_eq!(named.lines()[2], format!("PATCH /users/{BOB}"));
}

#[tokio::test]
async fn only_a_role_that_the_server_has_is_given() {
    let key = |role: Value, signs: bool| json!({"public_key": "A", "role": role, "signs": signs});
    let keys =
        [key(json!("user"), true), key(json!("courier"), true), key(json!("old"), false), key(json!("My Role"), true)];
    let info = json!({"operator": {"name": "relais", "public_key": "O", "signing_keys": []}, "accounts": [
        {"name": "app", "public_key": "A", "signing_keys": keys, "users": 0, "revocations": 0, "issued_at": 0, "jwt_bytes": 0}
    ]});
    let came = run(&["users", "role", BOB, "courier"], vec![(200, info.clone()), (200, user(BOB, "bob@x"))]).await;
    assert!(came.out().contains("has the role courier") && came.out().contains("next login"), "{}", came.out());
    assert_eq!(came.heard.lock().unwrap()[2].body, json!({"role": "courier"}));
    for role in ["currier", "old"] {
        let came = run(&["users", "role", BOB, role], vec![(200, info.clone())]).await;
        let (exit, text) = came.failure();
        assert!(exit == Exit::Usage && text.contains("it has courier, user /"), "{exit:?} {text}");
        assert_eq!(came.lines(), ["GET /nsc/info"], "nothing is changed");
    }
}

#[tokio::test]
async fn nobody_is_removed_unasked() {
    let found = || users([user(BOB, "bob\u{202e}@x")]);
    let came = run(&["users", "delete", BOB], vec![]).await;
    assert!(came.failure().0 == Exit::Usage && came.failure().1.contains("--yes"), "{:?}", came.failure());
    assert!(came.heard.lock().unwrap().is_empty(), "the server is not asked");
    for typed in ["", "\n", "n\n", "yeah\n", "\ny\n"] {
        let came = run_on(&["users", "delete", BOB], Some(typed), vec![found()]).await;
        assert_eq!(came.failure(), (Exit::Failed, "nothing was done / ".to_owned()), "{typed:?}");
        assert!(came.written.err().starts_with(&format!("This removes bob\\u{{202e}}@x ({BOB})")));
    }
    let deleted = [format!("GET /users?after={}&limit=8", &BOB[..25]), format!("DELETE /users/{BOB}")];
    for (typed, yes) in [(Some("y\n"), &[][..]), (Some(" YES\r\n"), &[]), (None, &["--yes"]), (Some(""), &["--yes"])] {
        let line = [&["users", "delete", BOB], yes].concat();
        let came = run_on(&line, typed, vec![found(), (204, Value::Null)]).await;
        assert_eq!(came.out(), format!("bob\\u{{202e}}@x ({BOB}) is gone, with everything they had\n"));
        assert_eq!(came.lines(), deleted);
    }
    let came = run(&["users", "delete", BOB, "--yes", "--json"], vec![found(), (204, Value::Null)]).await;
    let told: Value = serde_json::from_str(came.out()).unwrap();
    assert_eq!(told, json!({"user_id": BOB, "email": "bob\u{202e}@x", "removed": true}));
}

#[tokio::test]
async fn what_the_server_refuses_says_what_to_do() {
    let problem = |status: u16| (status, json!({"detail": "no"}));
    for (line, status, exit, hint) in [
        (&["users", "list"][..], 403, Exit::NotAllowed, "relais admin add"),
        (&["users", "show", "bob@x"], 403, Exit::NotAllowed, "--profile"),
        (&["users", "show", BOB], 403, Exit::NotAllowed, "relais admin claim"),
        (&["users", "role", BOB, "user"], 403, Exit::NotAllowed, "relais admin add"),
        (&["users", "enable", BOB], 403, Exit::NotAllowed, "relais admin add"),
        (&["audit"], 403, Exit::NotAllowed, "relais admin add"),
        (&["users", "disable", BOB], 404, Exit::Failed, "--search"),
        (&["users", "disable", BOB], 409, Exit::Failed, "relais admin add"),
        (&["admin", "remove", BOB], 409, Exit::Failed, "relais admin add"),
        (&["users", "disable", BOB], 503, Exit::NoAnswer, "try again"),
        (&["users", "list", "--search", "x"], 422, Exit::Usage, ""),
    ] {
        let (came, text) = run(line, vec![problem(status)]).await.failure();
        assert!(came == exit && text.contains(hint), "{line:?} {status}: {came:?} {text}");
    }
    let delete = ["users", "delete", BOB, "--yes"];
    for (status, exit, hint) in
        [(404, Exit::Failed, "there is no user"), (409, Exit::Failed, "admin add"), (503, Exit::NoAnswer, "try again")]
    {
        let (came, text) = run(&delete, vec![users([user(BOB, "b@x")]), problem(status)]).await.failure();
        assert!(came == exit && text.contains(hint), "{status}: {came:?} {text}");
    }
}

#[tokio::test]
async fn the_audit_is_a_table_newest_first() {
    let mut odd = entry(ADA, "refused");
    odd["detail"] = json!("a\u{1b}]0;b");
    let page = || vec![(200, json!({"entries": [entry(BOB, "done"), odd.clone()]})), (200, json!({"entries": []}))];
    let came = run(&["audit"], page()).await;
    let expected = format!(
        "WHEN                  WHO       WHAT        OUTCOME  TO WHOM OR WHAT             MORE\n\
         2026-01-01T00:00:00Z  user:ada  users.role  done     {BOB}  courier\n\
         2026-01-01T00:00:00Z  user:ada  users.role  refused  {BOB}  a\\u{{1b}}]0;b\n"
    );
    assert_eq!(came.out(), expected);
    let coloured = run_on(&["audit"], Some(""), page()).await;
    assert!(coloured.out().lines().nth(2).unwrap().starts_with("\u{1b}[33m"), "{}", coloured.out());
}
