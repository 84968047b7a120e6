use crate::secret::Secret;

/// A password hash in the PHC string format. It has no `Debug`: it is not for logs.
#[derive(Clone)]
pub struct PasswordHash(Secret);

impl PasswordHash {
    /// Takes a PHC string, unchecked; the hasher that made it reads it.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self(text.into())
    }

    /// The PHC string, for the store.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}
