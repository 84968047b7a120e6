//! Credentials of services and operators.

use std::sync::{Arc, Mutex};

use relais_adapters::jetstream::{Bucket, Difference, Provisioned};
use relais_domain::{
    credentials::{Grantee, UserJwt},
    ports::MockCredentialsIssuer,
};

use super::*;
use crate::{
    cli::{CredsExportArgs, ServiceAddArgs},
    commands::service,
    settings::Settings,
};

fn issuer(seen: Arc<Mutex<Vec<Grantee>>>) -> MockCredentialsIssuer {
    let mut issuer = MockCredentialsIssuer::new();
    issuer.expect_issue_kept().returning(move |grant| {
        assert_eq!(grant.expires_at, None);
        seen.lock().unwrap().push(grant.grantee);
        Ok(UserJwt::from_text(format!("jwt.of.{}", grant.key)))
    });
    issuer
}

/// A broker that is there for the service `shop`, and away for all others.
fn provision(name: &ServiceName) -> Result<Bucket, Failure> {
    if name.as_str() == "shop" {
        return Ok(Bucket { name: "shop_cache".to_owned(), provisioned: Provisioned::Made });
    }
    Err(Failure::new(Exit::NoAnswer, "no broker answers").hint("start the broker"))
}

async fn add(line: &[&str], settings: &Settings, seen: &Arc<Mutex<Vec<Grantee>>>) -> (Result<(), Failure>, Written) {
    let (globals, command) = parse(line);
    let profiles = Profiles::at("/nowhere".into());
    let (issuer, keys) = (issuer(Arc::clone(seen)), keys());
    with_context!(globals, profiles, "", |context| match command {
        Command::Service(ServiceCommand::Add(args)) => {
            let args: ServiceAddArgs = args;
            let provision = async |name: &ServiceName| provision(name);
            service::add(&args, settings, &issuer, &keys, provision, context).await
        }
        Command::Creds(CredsCommand::Export(args)) => {
            let args: CredsExportArgs = args;
            service::export(&args, settings, &issuer, &keys, context).await
        }
        _ => panic!("another command"),
    })
}

#[tokio::test]
async fn a_service_gets_creds_and_the_lines_to_run_it_with() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { data: folder.path().join("data"), ..Settings::default() };
    let seen = Arc::default();
    let (result, written) = add(&["service", "add", "shop", "--route", "from.*.orders.>"], &settings, &seen).await;
    result.unwrap();
    let path = settings.data.join("services/shop.creds");
    assert!(written.out().contains(&format!("RELAIS_NATS__CREDS={}", path.display())), "{}", written.out());
    assert!(written.out().contains("RELAIS_NATS__URL=nats://127.0.0.1:4222") && !written.out().contains("SUNEW"));
    let stored = relais_domain::credentials::creds::Creds::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((stored.seed.expose(), stored.jwt.as_str()), ("SUNEW", format!("jwt.of.{}", public(2)).as_str()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // A repeat keeps the key (1 is what the mock reads from any seed), with the routes of the new call.
    add(&["service", "add", "shop", "--json"], &settings, &seen).await.0.unwrap();
    let stored = relais_domain::credentials::creds::Creds::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(stored.jwt.as_str(), format!("jwt.of.{}", public(1)));
    let routes: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|grantee| match grantee {
            Grantee::Service { name, routes } => format!("{name} {}", routes[0]),
            other => other.to_string(),
        })
        .collect();
    assert_eq!(routes, ["shop from.*.orders.>", "shop from.*.>"]);
    // Another file is not overwritten.
    std::fs::write(&path, "my diary").unwrap();
    assert!(add(&["service", "add", "shop"], &settings, &seen).await.0.unwrap_err().what.contains("no creds file"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "my diary");
    let (result, written) = add(&["service", "add", "shop", "--out", "-"], &settings, &seen).await;
    result.unwrap();
    assert!(
        relais_domain::credentials::creds::Creds::parse(written.out()).is_ok()
            && written.err().contains("RELAIS_NATS__URL")
    );
}

#[tokio::test]
async fn an_operator_is_told_the_inbox_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::default();
    let path = folder.path().join("nina.creds");
    let line = ["creds", "export", "--role", "operator", "--name", "nina", "--out", path.to_str().unwrap()];
    let seen = Arc::default();
    let (result, written) = add(&line, &settings, &seen).await;
    result.unwrap();
    assert!(written.out().contains("--inbox-prefix _INBOX.op-nina micro ls"), "{}", written.out());
    assert!(path.is_file());
}

#[tokio::test]
async fn commands_of_an_installation_want_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("absent");
    let (globals, command) = parse(&["service", "add", "shop", "--data", data.to_str().unwrap()]);
    let profiles = Profiles::at("/nowhere".into());
    let (result, _) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
    assert!(result.unwrap_err().hint.unwrap().contains("--data"));
    assert!(!data.exists());
}

#[tokio::test]
async fn a_bucket_is_told_and_a_broker_that_is_away_costs_no_creds() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { data: folder.path().join("data"), ..Settings::default() };
    let (result, written) = add(&["service", "add", "shop"], &settings, &Arc::default()).await;
    result.unwrap();
    assert_eq!(written.err(), "made the bucket shop_cache\n");
    let (result, written) = add(&["service", "add", "lab"], &settings, &Arc::default()).await;
    result.unwrap();
    assert!(settings.data.join("services/lab.creds").is_file() && written.out().contains("RELAIS_NATS__CREDS"));
    for words in ["bucket lab_cache was not made: no broker answers", "only where cache is jetstream; start the broker"]
    {
        assert!(written.err().contains(words), "{}", written.err());
    }
    for (name, expected) in [
        ("shop", json!({"name": "shop_cache", "state": "made"})),
        ("lab", json!({"name": "lab_cache", "state": "absent", "reason": "no broker answers"})),
    ] {
        let (result, written) = add(&["service", "add", name, "--json"], &settings, &Arc::default()).await;
        result.unwrap();
        assert_eq!(serde_json::from_str::<Value>(written.out()).unwrap()["bucket"], expected);
    }
}

#[test]
fn other_settings_of_a_bucket_are_told_one_by_one() {
    let difference = Difference { setting: "max_bytes", is: "1".to_owned(), wanted: "2".to_owned() };
    let provisioned = Provisioned::Different(vec![difference]);
    let bucket = Bucket { name: "shop_cache".to_owned(), provisioned };
    assert!(bucket.to_string().ends_with("was left so: max_bytes is 1, wanted 2"), "{bucket}");
    let told = service::bucket_json(&Ok(bucket), &"shop".parse().unwrap());
    assert_eq!(told["differences"], json!([{"setting": "max_bytes", "is": "1", "wanted": "2"}]));
}
