//! Text that must never be seen: passwords, seeds, tokens.
//!
//! [`Secret`] has no `Debug`, no `Display` and no `Serialize`, so it cannot reach a log or an answer by accident; it
//! is overwritten when dropped.

use zeroize::Zeroizing;

/// Secret text. Whoever needs to see it says so with [`Secret::expose`], which is easy to search for.
///
/// ```compile_fail
/// let secret = relais_domain::secret::Secret::from("open sesame".to_owned());
/// println!("{secret:?}"); // there is no Debug
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}
