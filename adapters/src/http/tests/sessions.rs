//! Going on, logging out, leaving, another password, and what admins do with users.

use super::*;

fn bearer(login: &Value) -> String {
    format!("Bearer {}", login["access_token"].as_str().unwrap())
}

async fn ask(client: &TestClient<Api>, method: Method, path: &str, login: &Value, body: Value) -> (StatusCode, Value) {
    let mut request = client.request(method, path).header("authorization", bearer(login));
    if !body.is_null() {
        request = request.body_json(&body);
    }
    told(request.send().await).await
}

fn kind(answer: &(StatusCode, Value)) -> (u16, &str) {
    let kind = answer.1["type"].as_str().unwrap_or_default();
    (answer.0.as_u16(), kind.strip_prefix("urn:relais:problem:").unwrap_or_default())
}

#[tokio::test]
async fn a_token_goes_on_once_and_a_copy_ends_it() {
    let client = client();
    let one = logged_in(&client).await;
    let refresh = async |login: &Value| post(&client, "/token", json!({"refresh_token": login["refresh_token"]})).await;
    let (status, two) = refresh(&one).await;
    assert_eq!(status, StatusCode::OK, "{two}");
    assert_eq!((&two["device_id"], two.get("creds")), (&one["device_id"], None));
    let (_, three) = refresh(&two).await;
    assert_eq!(kind(&refresh(&one).await), (401, "invalid-refresh-token"));
    assert_eq!(kind(&refresh(&three).await), (401, "invalid-refresh-token"));
    assert_eq!(kind(&ask(&client, Method::GET, "/me", &three, Value::Null).await), (401, "invalid-token"));
    for odd in [json!(null), json!(1), json!([]), json!({})] {
        assert_eq!(kind(&post(&client, "/token", json!({"refresh_token": odd})).await), (422, "invalid-field"));
    }
    assert_eq!(kind(&post(&client, "/token", json!({"refresh_token": ""})).await), (401, "invalid-refresh-token"));
    let twice = json!({"refresh_token": "x", "grant_type": "refresh_token"});
    assert_eq!(kind(&post(&client, "/token", twice).await), (422, "invalid-field"));
}

#[tokio::test]
async fn who_logs_out_is_out() {
    let client = client();
    let one = logged_in(&client).await;
    let (_, two) = post(&client, "/login", credentials()).await;
    assert_eq!(ask(&client, Method::POST, "/logout", &one, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(kind(&ask(&client, Method::POST, "/logout", &one, Value::Null).await), (401, "invalid-token"));
    let refresh = post(&client, "/token", json!({"refresh_token": one["refresh_token"]})).await;
    assert_eq!(kind(&refresh), (401, "invalid-refresh-token"));
    let (_, devices) = ask(&client, Method::GET, "/me/devices", &two, Value::Null).await;
    assert_eq!(devices["devices"].as_array().unwrap().len(), 1, "{devices}");
}

#[tokio::test]
async fn a_password_is_changed_and_a_user_leaves() {
    let client = client();
    let one = logged_in(&client).await;
    let (_, two) = post(&client, "/login", credentials()).await;
    let change = async |body: Value| ask(&client, Method::POST, "/password", &one, body).await;
    assert_eq!(kind(&change(json!({"old": "not this one", "new": "new password"})).await), (403, "wrong-password"));
    let short = change(json!({"old": PASSWORD, "new": "new"})).await;
    assert_eq!((kind(&short), &short.1["field"]), ((422, "invalid-field"), &json!("new")));
    let (status, _) = change(json!({"old": PASSWORD, "new": "new password", "remove_other_devices": true})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(kind(&ask(&client, Method::GET, "/me", &two, Value::Null).await), (401, "invalid-token"));
    assert_eq!(kind(&post(&client, "/login", credentials()).await), (401, "wrong-credentials"));
    assert_eq!(ask(&client, Method::DELETE, "/me", &one, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(kind(&ask(&client, Method::GET, "/me", &one, Value::Null).await), (401, "invalid-token"));
    let again = post(&client, "/register", credentials()).await;
    assert_eq!(again.0, StatusCode::CREATED, "the address is free");
}

#[tokio::test]
async fn admins_find_keep_out_and_remove_users() {
    let client = client();
    let ada = logged_in(&client).await;
    let bobs = json!({"email": "bob@example.org", "password": PASSWORD});
    let (_, bob) = post(&client, "/register", bobs.clone()).await;
    let path = format!("/users/{}", bob["id"].as_str().unwrap());
    assert_eq!(kind(&ask(&client, Method::DELETE, &path, &ada, Value::Null).await), (403, "not-admin"));
    ask(&client, Method::POST, "/admin/claim", &ada, json!({"token": "t0ken"})).await;
    assert_eq!(kind(&ask(&client, Method::DELETE, "/me", &ada, Value::Null).await), (409, "last-admin"));

    let (_, found) = ask(&client, Method::GET, "/users?email=BOB%40", &ada, Value::Null).await;
    assert_eq!((found["users"].as_array().unwrap().len(), &found["users"][0]["standing"]), (1, &json!("active")));
    let (status, out) = ask(&client, Method::PATCH, &path, &ada, json!({"disabled": true})).await;
    assert_eq!((status, &out["standing"]), (StatusCode::OK, &json!("disabled")));
    assert_eq!(kind(&post(&client, "/login", bobs.clone()).await), (403, "disabled"));
    assert_eq!(ask(&client, Method::DELETE, &path, &ada, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(kind(&ask(&client, Method::DELETE, &path, &ada, Value::Null).await), (404, "no-such-user"));
    assert_eq!(kind(&post(&client, "/login", bobs).await), (401, "wrong-credentials"));
}

#[tokio::test]
async fn the_keys_of_tokens_are_there_for_everybody() {
    let client = client();
    let response = client.get("/.well-known/jwks.json").send().await;
    response.assert_header("cache-control", "public, max-age=3600");
    let (status, keys) = told(response).await;
    assert_eq!((status, keys), (StatusCode::OK, json!({"keys": []})), "those of the fake are nobody's");
}

/// The framework joins two rooms' methods of one path when it answers, and forgets the first in the document.
#[test]
fn no_path_stands_in_two_rooms() {
    let paths = document::paths();
    let mut names: Vec<_> = paths.iter().map(|(path, _)| path).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), paths.len());
}
