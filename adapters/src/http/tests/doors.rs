//! Which hosts and which web pages are let in.

use super::*;

#[tokio::test]
async fn a_host_that_is_not_ours_is_misdirected() {
    let client = TestClient::new(endpoint(Auth::new(ports(), AuthSettings::default().at_once()), settings()).unwrap());
    for ours in [
        "127.0.0.1:8080",
        "localhost:8080",
        "LOCALHOST:8080",
        "[::1]:8080",
        "api.example.org",
        "api.example.org:443",
        "relais.internal:8080",
    ] {
        client.get("/health").header("host", ours).send().await.assert_status_is_ok();
    }
    for foreign in [
        "",
        "evil.example.org",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:80",
        "127.0.0.1.evil.example.org:8080",
        "api.example.org:80",
        "x@127.0.0.1:8080",
        "127.0.0.1:8080,evil",
        "relais.internal",
        "api.example.org.",
        "é",
    ] {
        for path in ["/health", "/docs", "/nothing"] {
            let response = client.get(path).header("host", foreign).send().await;
            assert_eq!(problem(response).await, is(421, "misdirected"), "{foreign}");
        }
    }
    assert_eq!(problem(client.get("/health").send().await).await, is(421, "misdirected"), "no host at all");
    let two = client.get("/health").header("host", HOST).header("host", "evil.example.org");
    assert_eq!(problem(two.send().await).await, is(421, "misdirected"), "one of two");
    let line = client.get("http://evil.example.org/health").header("host", HOST);
    assert_eq!(problem(line.send().await).await, is(421, "misdirected"), "the request line says otherwise");
}

#[tokio::test]
async fn a_foreign_page_may_not_ask_and_an_allowed_one_is_told_so() {
    let client = client();
    for own in ["http://127.0.0.1:8080", "http://localhost:8080", "https://api.example.org"] {
        let response = client.get("/health").header("origin", own).send().await;
        response.assert_status_is_ok();
        response.assert_header_is_not_exist("access-control-allow-origin");
    }
    for foreign in [
        "null",
        "",
        "http://localhost:3000",
        "https://localhost:8080",
        "http://127.0.0.1",
        "https://app.example.org:8443",
        "http://app.example.org",
        "https://app.example.org.evil.org",
        "https://app.example.org/",
        "*",
    ] {
        let response = client.post("/login").header("origin", foreign).body_json(&credentials()).send().await;
        response.assert_header_is_not_exist("access-control-allow-origin");
        assert_eq!(problem(response).await, is(403, "foreign-origin"), "{foreign}");
    }
    let two = client.get("/health").header("origin", "https://app.example.org").header("origin", "http://evil");
    assert_eq!(problem(two.send().await).await, is(403, "foreign-origin"));

    let page = "https://app.example.org";
    let refused = client.post("/login").header("origin", page).body_json(&credentials()).send().await;
    refused.assert_header("access-control-allow-origin", page);
    refused.assert_header("vary", "origin");
    assert_eq!(problem(refused).await, is(401, "wrong-credentials"), "errors are told to an allowed page too");

    let preflight = |origin: &'static str| {
        let request = client.options("/me/devices/x").header("origin", origin);
        request.header("access-control-request-method", "DELETE").send()
    };
    let allowed = preflight(page).await;
    allowed.assert_status(StatusCode::NO_CONTENT);
    allowed.assert_header("access-control-allow-origin", page);
    allowed.assert_header("access-control-allow-methods", "DELETE");
    allowed.assert_header("access-control-allow-headers", "authorization, content-type");
    assert_eq!(problem(preflight("https://evil.example.org").await).await, is(403, "foreign-origin"));
}

#[tokio::test]
async fn settings_that_would_open_a_door_are_refused() {
    let with = |origin: &str, url: &str| {
        let (allowed_origins, public_url) = (vec![origin.to_owned()], Some(url.to_owned()));
        let settings = Settings { allowed_origins, public_url, ..settings() };
        endpoint(Auth::new(ports(), AuthSettings::default().at_once()), settings).err()
    };
    assert_eq!(with("HTTPS://App.example.org/", "http://localhost:8080"), None);
    for origin in ["*", "null", "", "app.example.org", "https://*.example.org", "https://a/b", "ftp://a", "https://u@a"]
    {
        let refused = with(origin, "http://localhost:8080");
        assert!(matches!(refused, Some(InvalidSettings::AllowedOrigin(_))), "{origin}: {refused:?}");
    }
    for url in ["", "api.example.org", "https://api.example.org/v1", "ws://api.example.org"] {
        assert!(matches!(with("https://a", url), Some(InvalidSettings::PublicUrl(_))), "{url}");
    }
}

#[tokio::test]
async fn under_tls_and_behind_a_proxy_the_names_are_those_that_clients_see() {
    let tls = |address: &str| {
        let settings = Settings { address: address.parse().unwrap(), tls: true, public_url: None, ..settings() };
        TestClient::new(endpoint(Auth::new(ports(), AuthSettings::default().at_once()), settings).unwrap())
    };
    let client = tls(HOST).default_header("host", HOST);
    client.get("/health").header("origin", "https://127.0.0.1:8080").send().await.assert_status_is_ok();
    let plain = client.get("/health").header("origin", "http://127.0.0.1:8080");
    assert_eq!(problem(plain.send().await).await, is(403, "foreign-origin"), "whoever serves that page is not we");
    let client = tls("127.0.0.1:443");
    for ours in ["localhost", "localhost:443"] {
        client.get("/health").header("host", ours).send().await.assert_status_is_ok();
    }
    assert_eq!(
        problem(client.get("/health").header("host", "localhost:80").send().await).await,
        is(421, "misdirected")
    );

    // Also where the proxy is trusted with everything else.
    let trusted = Settings { trusted_proxies: TrustedProxies::on_this_machine(), ..settings() };
    let client = client_of(ports(), trusted);
    let told = client.get("/health").header("host", "evil.example.org").header("x-forwarded-host", "api.example.org");
    assert_eq!(problem(told.send().await).await, is(421, "misdirected"));
}
