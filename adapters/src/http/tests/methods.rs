//! What a path does not know.

use super::*;

/// Every path of the document and beside it, asked by a method that it does not have, says which it has; and has those.
#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_405_with_those_it_knows() {
    let client = client();
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let documented = document["paths"].as_object().unwrap().iter().map(|(path, operations)| {
        (path.as_str(), operations.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect::<Vec<_>>())
    });
    let beside = ["/docs", "/openapi.json", "/metrics", "/jwt/v1/accounts/"].map(|path| (path, vec!["GET".to_owned()]));
    for (path, mut known) in documented.chain(beside) {
        if known.contains(&"GET".to_owned()) {
            known.push("HEAD".to_owned());
        }
        known.sort_unstable();
        let asked = path.replace(['{', '}'], "");
        for name in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] {
            let response = client.request(name.parse().unwrap(), &asked).send().await;
            if known.contains(&name.to_owned()) {
                assert_ne!(response.0.status(), StatusCode::METHOD_NOT_ALLOWED, "{name} {path}");
                response.assert_header_is_not_exist("allow");
                continue;
            }
            let allow = response.0.headers().get("allow").unwrap_or_else(|| panic!("{name} {path}")).to_str().unwrap();
            let mut allowed: Vec<_> = allow.split(", ").map(str::to_owned).collect();
            allowed.sort_unstable();
            assert_eq!(allowed, known, "{name} {path}");
            assert_eq!(problem(response).await, is(405, "method-not-allowed"), "{name} {path}");
        }
    }
}
