//! The creds file: a user JWT and the seed of its key in one text (`creds_utils.go` of jwt/v2, `FormatUserConfig`).
//!
//! ```text
//! -----BEGIN NATS USER JWT-----
//! eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ…
//! ------END NATS USER JWT------
//!
//! ************************* IMPORTANT *************************
//! NKEY Seed printed below can be used to sign and prove identity.
//! NKEYs are sensitive and should be treated as secrets.
//!
//! -----BEGIN USER NKEY SEED-----
//! SUAIO3FHUX5PNV2LQIIP7TZ3N4L7TX3W53MQGEIVYFIGA635OZCKEYHFLM
//! ------END USER NKEY SEED------
//! ```

use crate::{
    credentials::{ClaimsError, User, UserClaims, UserJwt, decode},
    ports::{KeyError, KeyPairs},
    secret::Secret,
};

/// The longest creds file that is looked at: a JWT is at most 4 KB at CONNECT.
pub const MAX_CREDS: usize = 64 * 1024;

/// A user JWT and the seed of its key. Secret: whoever has both is that user.
#[derive(Clone)]
pub struct Creds {
    /// What the account says of the user.
    pub jwt: UserJwt,
    /// The seed (`SU…`) of the key that the JWT is about.
    pub seed: Secret,
}

/// Why text is no creds file, or its parts do not belong together. Never shows what was in it.
#[derive(Debug, thiserror::Error)]
pub enum CredsError {
    /// Longer than [`MAX_CREDS`].
    #[error("this is no creds file: it is longer than {MAX_CREDS} bytes")]
    TooLong,
    /// No line `-----BEGIN NATS USER JWT-----` with a JWT below and an end.
    #[error("this is no creds file: it has no section NATS USER JWT")]
    NoJwt,
    /// No line `-----BEGIN USER NKEY SEED-----` with a seed below and an end.
    #[error("this is no creds file: it has no section USER NKEY SEED with a user's seed (SU…)")]
    NoSeed,
    /// The seed cannot be read.
    #[error("the seed in the creds file is damaged; get new creds")]
    Seed(#[source] KeyError),
    /// The JWT cannot be read or was changed.
    #[error("the JWT in the creds file is damaged; get new creds")]
    Jwt(#[source] ClaimsError),
    /// The JWT is about another key.
    #[error("the seed in the creds file is not that of its JWT; get new creds")]
    Mismatch,
}

impl Creds {
    /// Reads a creds file: the first section is the JWT, the second the seed; line ends may be `\r\n`, and what stands
    /// between sections does not matter.
    ///
    /// # Errors
    /// Says which part is missing; see [`CredsError`]. Whether the parts are good is asked of [`Creds::check`].
    pub fn parse(text: &str) -> Result<Self, CredsError> {
        if text.len() > MAX_CREDS {
            return Err(CredsError::TooLong);
        }
        let mut sections = sections(text);
        let jwt = sections.next().filter(|text| text.split('.').count() == 3).ok_or(CredsError::NoJwt)?;
        let seed = sections.next().filter(|text| text.starts_with("SU")).ok_or(CredsError::NoSeed)?;
        Ok(Self { jwt: UserJwt::from_text(jwt.to_owned()), seed: Secret::from(seed) })
    }

    /// The file, byte for byte as jwt/v2 writes it.
    #[must_use]
    pub fn format(&self) -> Secret {
        Secret::from(format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
             ************************* IMPORTANT *************************\n\
             NKEY Seed printed below can be used to sign and prove identity.\n\
             NKEYs are sensitive and should be treated as secrets.\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n\n\
             *************************************************************\n",
            self.jwt.as_str(),
            self.seed.expose()
        ))
    }

    /// Verifies the JWT's signature and that the seed is that of the key it is about; says what it claims.
    ///
    /// # Errors
    /// [`CredsError::Seed`], [`CredsError::Jwt`], [`CredsError::Mismatch`].
    pub fn check(&self, keys: &dyn KeyPairs) -> Result<UserClaims, CredsError> {
        let pair = keys.from_seed(&self.seed).map_err(CredsError::Seed)?;
        let claims = decode::<User>(self.jwt.as_str(), keys).map_err(CredsError::Jwt)?;
        if claims.subject == pair.public { Ok(claims) } else { Err(CredsError::Mismatch) }
    }
}

/// The line between each pair of lines that begin and end with `---`, as jwt/v2's regular expression finds them.
fn sections(text: &str) -> impl Iterator<Item = &str> {
    let is_rule = |line: &str| line.len() >= 6 && line.starts_with("---") && line.ends_with("---");
    let is_word = |line: &str| {
        !line.is_empty() && line.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'='))
    };
    let mut lines = text.lines().map(str::trim_end).peekable();
    std::iter::from_fn(move || {
        loop {
            if !is_rule(lines.next()?) {
                continue;
            }
            let Some(word) = lines.next_if(|line| is_word(line) && !is_rule(line)) else { continue };
            if lines.next_if(|line| is_rule(line)).is_some() {
                return Some(word);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJ0.eyJq.c2ln";
    const SEED: &str = "SUAIO3FHUX5PNV2LQIIP7TZ3N4L7TX3W53MQGEIVYFIGA635OZCKEYHFLM";

    fn creds() -> Creds {
        Creds { jwt: UserJwt::from_text(JWT.to_owned()), seed: Secret::from(SEED) }
    }

    #[test]
    fn what_is_written_is_read_back_also_with_other_line_ends_and_words_around_it() {
        let text = creds().format().expose().to_owned();
        for text in [text.clone(), text.replace('\n', "\r\n"), format!("hello\n{text}bye"), text.trim_end().to_owned()]
        {
            let read = Creds::parse(&text).map_err(|e| e.to_string()).unwrap();
            assert_eq!((read.jwt.as_str(), read.seed.expose()), (JWT, SEED));
        }
    }

    #[test]
    fn text_that_is_no_creds_file_says_what_is_missing() {
        let text = creds().format().expose().to_owned();
        let why = |text: &str| Creds::parse(text).err().unwrap().to_string();
        assert!(why("").contains("NATS USER JWT"));
        assert!(why(JWT).contains("NATS USER JWT"));
        assert!(why(&text.replace("------END NATS USER JWT------", "")).contains("NATS USER JWT"));
        assert!(why(&text[..text.find("-----BEGIN USER").unwrap()]).contains("USER NKEY SEED"));
        assert!(why(&text.replace(SEED, "SAAIO3")).contains("USER NKEY SEED"));
        assert!(why(&"x".repeat(MAX_CREDS + 1)).contains("longer"));
        assert!(!why(&text.replace("SUAIO3", "SXAIO3")).contains("FHUX5PNV2"));
    }

    #[test]
    fn a_cut_anywhere_never_panics() {
        let text = creds().format().expose().to_owned();
        for end in 0..text.len() {
            let _ = Creds::parse(&text[..end]);
            let _ = Creds::parse(&text[end..]);
        }
    }
}
