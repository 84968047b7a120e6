//! The routes on a broker in memory: no server runs, and the same happens every time.

use relais::TestApp;

use __ident__::{HelloRequest, HelloResponse, router};

const HELLO: &str = "__name__.hello";

#[tokio::test]
async fn who_says_hello_is_greeted() {
    let app = TestApp::start(router()).await.unwrap();
    let name = "Ada".to_owned();
    let hello = HelloRequest { name };
    let answer: HelloResponse = app.request("01ada", HELLO, &hello).await.unwrap();
    assert_eq!(answer.text, "hello Ada, you are 01ada");
}

#[tokio::test]
async fn what_is_no_hello_is_refused() {
    let app = TestApp::start(router()).await.unwrap();
    let refused = app.request_bytes("01ada", HELLO, vec![0xff]).await;
    let words = refused.unwrap_err().to_string();
    assert!(words.contains("(400)"), "{words}");
}
