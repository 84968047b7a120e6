//! The library as programs use it: a backend in this process, a client on the creds of a login, a revocation that the broker
//! missed.

use std::{fs, path::Path, sync::Arc, time::Duration};

use relais::{Backend, ClientError, Settings, prelude::*};
use relais_domain::ports::BusError;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Notify, Semaphore};

use crate::{
    contract::resolver,
    scenario::security::native,
    support::{PASSWORD, World, http, tool},
};

pub(super) fn settings(world: &World) -> Settings {
    let mut settings = Settings { data: world.path("data"), ..Settings::default() };
    let any = "127.0.0.1:0".parse().unwrap();
    (settings.http.listen, settings.nats.listen) = (any, any);
    (settings.nats.websocket, settings.nats.monitor) = (any, any);
    settings.nats.server = Some(tool("nats-server"));
    settings
}

/// Registers and logs in over HTTP, lets the server make the key, and writes the creds it answers.
pub(super) async fn log_in(server: &str, name: &str, creds: &Path) -> serde_json::Value {
    let http = http();
    let body = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
    let registered = http.post(format!("{server}/register")).json(&body).send().await.unwrap();
    assert_eq!(registered.status(), 201);
    let answer = http.post(format!("{server}/login")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = answer.json().await.unwrap();
    fs::write(creds, answer["creds"].as_str().unwrap()).unwrap();
    answer
}

async fn shout(Message(request): Message<EchoRequest>, user: CurrentUser) -> Result<Message<EchoResponse>, Fault> {
    if request.message.is_empty() {
        return Err(Fault::bad_request("say something"));
    }
    Ok(Message(EchoResponse { message: format!("{} from {}", request.message.to_uppercase(), user.id()) }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_with_routes_of_its_own_and_a_client() {
    let world = World::new();
    let router = Router::new().subscribe("from.{user}.shout", shout);
    let backend = Backend::start(&settings(&world), router).await.unwrap();
    let report = backend.report().clone();
    assert!(report.routes.iter().any(|route| route == "from.{user}.shout"), "{report:?}");
    let creds = world.path("ada.creds");
    let login = log_in(&report.http, "ada", &creds).await;
    let client = relais::connect_client(&[&report.nats], &creds).await.unwrap();
    assert_eq!(client.user().as_str(), login["user_id"].as_str().unwrap());
    let ask = |message: &str| EchoRequest { message: message.to_owned() };
    let answer: EchoResponse = client.request("shout", &ask("hello")).await.unwrap();
    assert_eq!(answer.message, format!("HELLO from {}", client.user()));
    let fault = client.request::<_, EchoResponse>("shout", &ask("")).await;
    assert!(
        matches!(fault, Err(ClientError::Fault(fault)) if (fault.code(), fault.message()) == (400, "say something"))
    );
    let nobody = client.request::<_, EchoResponse>("nowhere", &ask("x")).await;
    assert!(matches!(nobody, Err(ClientError::Bus(BusError::NoResponders { .. }))));
    client.close().await.unwrap();
    backend.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_takes_no_more_and_lets_handlers_finish() {
    let world = World::new();
    let (begun, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (told, held) = (Arc::clone(&begun), Arc::clone(&gate));
    let router = Router::new().subscribe("from.{user}.slow", move || {
        let (told, held) = (Arc::clone(&told), Arc::clone(&held));
        async move {
            told.notify_one();
            held.acquire().await.unwrap().forget();
            b"done".to_vec()
        }
    });
    let backend = Backend::start(&settings(&world), router).await.unwrap();
    let report = backend.report().clone();
    let creds = world.path("ada.creds");
    log_in(&report.http, "ada", &creds).await;
    let client = relais::connect_client(&[&report.nats], &creds).await.unwrap();
    let asking = client.clone();
    let asked = tokio::spawn(async move { asking.request_bytes("slow", "").await });
    begun.notified().await;
    let stopping = tokio::spawn(backend.stop());
    loop {
        match client.request_bytes("echo", "").await {
            Ok(_) => {}
            Err(ClientError::Bus(BusError::NoResponders { .. })) => break,
            Err(error) => panic!("{error}"),
        }
    }
    gate.add_permits(1);
    assert_eq!(asked.await.unwrap().unwrap(), "done", "what was taken is finished and answered");
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_with_mistakes_starts_nothing() {
    let world = World::new();
    let router = Router::new().subscribe("from.{user}.echo", shout).subscribe("to.{user}.x", shout);
    let words = Backend::start(&settings(&world), router).await.map(|_| ()).unwrap_err().to_string();
    assert!(words.contains("library.rs:") && words.contains("does not begin with from.{user}"), "{words}");
    assert!(words.contains("overlaps"), "the built-in echo has that subject: {words}");
    assert!(!world.path("data").exists(), "it is told before anything is made");
}

/// A revocation made while the broker is away: it is said not to be confirmed, it stands, and a broker that comes back with
/// the old accounts is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_away_learns_what_was_revoked() {
    let (world, directory) = (World::new(), TempDir::new().unwrap());
    let trust = native(&world).0.trust().await.unwrap();
    let broker = resolver::broker(&trust, &directory).await;
    let listen = broker.listen();
    let mut settings = settings(&world);
    settings.nats.url = vec![format!("nats://{listen}").as_str().into()];
    let backend = Backend::start(&settings, Router::new()).await.unwrap();
    let report = backend.report().clone();
    let creds = world.path("ada.creds");
    let login = log_in(&report.http, "ada", &creds).await;
    let servers = [report.nats.as_str()];
    let connect = || relais::connect_client(&servers, &creds);
    connect().await.unwrap().close().await.unwrap();

    broker.stop().await;
    let device = format!("{}/me/devices/{}", report.http, login["device_id"].as_str().unwrap());
    let removal = http().delete(&device).bearer_auth(login["access_token"].as_str().unwrap());
    assert_eq!(removal.send().await.unwrap().status(), 503, "no broker has confirmed it");

    // It comes back as it was; then as a backup of before the revocation. Either time it is told.
    for directory in [directory, TempDir::new().unwrap()] {
        let broker = resolver::broker_at(listen, &trust, &directory).await;
        let refusal = async {
            loop {
                match connect().await {
                    // It may be cut off in this very moment.
                    Ok(client) => drop(client.close().await),
                    Err(error) if error.to_string().contains("refuses the credential") => return,
                    Err(_) => {}
                }
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(120), refusal).await;
        told.expect("the credential is refused by the broker that is back");
        broker.stop().await;
    }
    backend.stop().await;
}
