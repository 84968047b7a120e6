//! `/dev/mail`: what is shown, to whom, and that none of it is markup.

use super::*;

const HOSTILE: &str = "</pre><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\"\n";

fn client_with(mails: Option<CaughtMails>) -> TestClient<Api> {
    client_of(ports(), Settings { mails, ..settings() })
}

fn caught() -> CaughtMails {
    let mail = |to: &str, subject: &str, body: &str, at: &str| CaughtMail {
        to: to.to_owned(),
        subject: subject.to_owned(),
        body: body.into(),
        at: at.parse().unwrap(),
    };
    Arc::new(move || {
        vec![
            mail("eve@example.org", "<b>new</b>", HOSTILE, "2026-01-01T00:00:01Z"),
            mail("ada@example.org", "Your code", "It is 123456.\n", "2026-01-01T00:00:00Z"),
        ]
    })
}

#[tokio::test]
async fn a_page_shows_mails_and_none_of_them_is_markup() {
    let client = client_with(Some(caught()));
    let response = client.get("/dev/mail").send().await;
    response.assert_status_is_ok();
    response.assert_header("content-type", "text/html; charset=utf-8");
    response.assert_header("cache-control", "no-store");
    let policy = response.0.header("content-security-policy").unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let page = response.0.into_body().into_string().await.unwrap();
    for text in ["It is 123456.", "ada@example.org", "&lt;b&gt;new&lt;/b&gt;", "2026-01-01T00:00:01Z", "&amp;amp;"] {
        assert!(page.contains(text), "{text} in {page}");
    }
    for text in ["<script", "<img", "<b>", "onerror='"] {
        assert!(!page.contains(text), "{text} in {page}");
    }
    assert!(page.find("eve@").unwrap() < page.find("ada@").unwrap(), "the newest first");
    let (_, style) = page.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let hash = data_encoding::BASE64.encode(&<sha2::Sha256 as sha2::Digest>::digest(style.as_bytes()));
    assert!(policy.contains(&format!("'sha256-{hash}'")), "the browser takes the page's own style");

    let empty = client_with(Some(Arc::new(Vec::new))).get("/dev/mail").send().await;
    assert!(empty.0.into_body().into_string().await.unwrap().contains("No mail yet."));
}

#[tokio::test]
async fn scripts_get_json() {
    let client = client_with(Some(caught()));
    let get = |accept: &'static str| client.get("/dev/mail").header("accept", accept).send();
    let (status, mails) = told(get("application/json").await).await;
    assert_eq!(status, StatusCode::OK);
    let ada = json!({
        "to": "ada@example.org", "subject": "Your code", "body": "It is 123456.\n", "at": "2026-01-01T00:00:00Z",
    });
    assert_eq!((mails.as_array().unwrap().len(), &mails[0]["body"], &mails[1]), (2, &json!(HOSTILE), &ada));
    get("text/html,application/json;q=0.9").await.assert_header("content-type", "text/html; charset=utf-8");
    let posted = client.post("/dev/mail").send().await;
    posted.assert_header("allow", "GET, HEAD");
    assert_eq!(problem(posted).await, is(405, "method-not-allowed"));
}

#[tokio::test]
async fn nobody_else_is_shown_anything() {
    let client = client_with(Some(caught()));
    for (header, value, refused) in [
        ("host", "evil.example:8080", is(421, "misdirected")),
        ("origin", "https://evil.example", is(403, "foreign-origin")),
    ] {
        assert_eq!(problem(client.get("/dev/mail").header(header, value).send().await).await, refused);
    }
    assert_eq!(problem(client_with(None).get("/dev/mail").send().await).await, is(404, "not-found"));
}
