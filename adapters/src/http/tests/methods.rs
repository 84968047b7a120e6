//! What a path does not know.

use super::*;

/// Every path of the document, asked by a method that it does not have, says which it has.
#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_405_with_those_it_knows() {
    let client = client();
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let mut known: Vec<String> = operations.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        if known.contains(&"GET".to_owned()) {
            known.push("HEAD".to_owned());
        }
        known.sort_unstable();
        let asked = path.replace(['{', '}'], "");
        for name in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] {
            if known.contains(&name.to_owned()) {
                continue;
            }
            let response = client.request(name.parse().unwrap(), &asked).send().await;
            let allow = response.0.headers().get("allow").unwrap_or_else(|| panic!("{name} {path}")).to_str().unwrap();
            let mut allowed: Vec<_> = allow.split(", ").map(str::to_owned).collect();
            allowed.sort_unstable();
            assert_eq!(allowed, known, "{name} {path}");
            assert_eq!(problem(response).await, is(405, "method-not-allowed"), "{name} {path}");
        }
    }
}
