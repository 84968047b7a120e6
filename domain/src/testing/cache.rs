//! The contract of [`crate::ports::Cache`].

use std::time::Duration;

use bytes::Bytes;

use crate::ports::{Cache, CacheError, CacheKey};

/// Panics where the cache does not keep its contract. `one` and `other` are two ways to the same cache; `pass` lets time
/// pass.
pub async fn suite(one: &dyn Cache, other: &dyn Cache, pass: &(dyn Fn(Duration) + Sync)) {
    let minute = Duration::from_secs(60);
    let key = |name: &str| CacheKey::of(["suite", name]);
    assert_eq!(one.get(&key("nothing")).await.expect("get"), None);
    one.put(&key("a"), "first".into(), minute).await.expect("put");
    assert_eq!(other.get(&key("a")).await.expect("get").as_deref(), Some(&b"first"[..]), "both see it");
    other.put(&key("a"), "second".into(), minute).await.expect("put");
    assert_eq!(one.get(&key("a")).await.expect("get").as_deref(), Some(&b"second"[..]), "the last one stays");
    one.put(&key("empty"), Bytes::new(), minute).await.expect("put");
    assert_eq!(one.get(&key("empty")).await.expect("get"), Some(Bytes::new()), "nothing is a value");
    let every_byte: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    one.put(&key("bytes"), every_byte.clone().into(), minute).await.expect("put");
    assert_eq!(other.get(&key("bytes")).await.expect("get").as_deref(), Some(&every_byte[..]));
    one.delete(&key("a")).await.expect("delete");
    one.delete(&key("a")).await.expect("a repeat does nothing");
    assert_eq!(other.get(&key("a")).await.expect("get"), None);

    assert!(matches!(one.put(&key("b"), "x".into(), Duration::ZERO).await, Err(CacheError::Ttl)));
    assert_eq!(one.get(&key("b")).await.expect("get"), None);
    one.put(&key("b"), "x".into(), Duration::from_millis(1_500)).await.expect("put");
    one.put(&key("c"), "y".into(), minute).await.expect("put");
    pass(Duration::from_millis(1_400));
    assert!(one.get(&key("b")).await.expect("get").is_some(), "until its time is over it is there");
    pass(Duration::from_millis(100));
    assert_eq!(one.get(&key("b")).await.expect("get"), None, "then it is not");
    assert_eq!(other.get(&key("b")).await.expect("get"), None);
    assert!(one.get(&key("c")).await.expect("get").is_some());
    one.put(&key("b"), "again".into(), minute).await.expect("put");
    assert_eq!(other.get(&key("b")).await.expect("get").as_deref(), Some(&b"again"[..]));
    let huge = one.put(&key("huge"), vec![0; 64 * 1024 * 1024].into(), minute).await;
    assert!(matches!(huge, Err(CacheError::TooLarge { .. })), "{huge:?}");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        let clock = memory::Clock::default();
        let cache = memory::Cache::with_defaults(Arc::new(clock.clone()));
        suite(&cache, &cache, &|step| clock.advance(step)).await;
    }
}
