//! The mails that `relais up` has caught, and the codes in them.

use serde_json::Value;

use super::http;

/// The mails at `/dev/mail`, newest first, once there are so many.
pub(crate) async fn caught(page: &str, count: usize) -> Vec<Value> {
    loop {
        let answer = http().get(page).header("accept", "application/json").send().await.unwrap();
        let mails: Vec<Value> = answer.json().await.unwrap();
        if mails.len() >= count {
            return mails;
        }
        tokio::task::yield_now().await;
    }
}

/// The code in a mail.
pub(crate) fn code_in(body: &str) -> String {
    body.lines().find_map(|line| line.strip_prefix("    ")).expect("there is a code").to_owned()
}
