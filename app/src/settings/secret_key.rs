//! A key in the settings that nobody is to see.

use std::fmt;

use relais_domain::secret::Secret;

/// A key, as text. Shown, it is hidden.
///
/// ```
/// use relais::settings::SecretKey;
/// assert_eq!(format!("{:?}", SecretKey::from("hunter2")), "***");
/// ```
#[derive(Clone)]
pub struct SecretKey(Secret);

impl SecretKey {
    /// The text itself.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

impl From<&str> for SecretKey {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
