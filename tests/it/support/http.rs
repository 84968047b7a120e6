//! A plain HTTP client.

use std::sync::Once;

/// A client that goes to loopback directly.
pub(crate) fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| rustls::crypto::ring::default_provider().install_default().expect("this is the only one"));
    reqwest::Client::builder().no_proxy().build().unwrap()
}
