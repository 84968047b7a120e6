//! The contract of [`crate::ports::TokenIssuer`].

use jiff::{SignedDuration, Timestamp};

use crate::ports::{Access, TokenError, TokenIssuer};

/// The most that clocks may differ, in seconds.
const LEEWAY: i64 = 5;

/// Panics where `issuer` does not keep its contract. `other` is one of the same kind with another key.
pub fn suite(issuer: &dyn TokenIssuer, other: &dyn TokenIssuer) {
    let issued_at = Timestamp::from_second(1_767_225_600).expect("a time within range");
    let after = |seconds| issued_at + SignedDuration::from_secs(seconds);
    let access = Access {
        user: "ada".parse().expect("a user id"),
        device: "ada-001".parse().expect("a device id"),
        issued_at,
        expires_at: after(900),
    };
    let token = issuer.issue(&access);
    let token = token.expose();

    for second in [0, 1, 450, 899] {
        assert_eq!(issuer.verify(token, after(second)), Ok(access.clone()), "{second} s after it was made");
    }
    for second in [900 + LEEWAY + 1, 1_000_000] {
        assert_eq!(issuer.verify(token, after(second)), Err(TokenError::Expired), "{second} s after it was made");
    }
    assert_eq!(issuer.verify(token, after(-LEEWAY - 1)), Err(TokenError::Invalid), "of the future");
    assert_eq!(other.verify(token, after(1)), Err(TokenError::Invalid), "of another issuer");
    assert_eq!(issuer.verify(other.issue(&access).expose(), after(1)), Err(TokenError::Invalid), "of another issuer");
    assert_eq!(
        other.verify(token, after(1_000_000)),
        Err(TokenError::Invalid),
        "another's never held, so it has not expired"
    );

    // Not each place: a real signature takes its time in a debug build.
    for index in (0..token.len()).step_by(7).chain([token.len() - 1]) {
        let mut bytes = token.as_bytes().to_vec();
        bytes[index] = if bytes[index] == b'1' { b'2' } else { b'1' };
        let forged = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(issuer.verify(&forged, after(1)), Err(TokenError::Invalid), "changed at {index}");
        assert_eq!(issuer.verify(&token[..index], after(1)), Err(TokenError::Invalid), "cut at {index}");
    }
    let doubled = format!("{token}.{token}");
    let padded = format!(" {token}");
    let long = "a".repeat(1 << 20);
    for garbage in ["", ".", "..", "...", "ada", "é.é.é", "\0", &doubled, &padded, &long, "e30.e30.e30"] {
        assert_eq!(issuer.verify(garbage, after(1)), Err(TokenError::Invalid), "garbage");
    }
}

#[cfg(test)]
mod tests {
    use crate::memory::TokenIssuer;

    #[test]
    fn memory_keeps_it() {
        super::suite(&TokenIssuer::with_key(1), &TokenIssuer::with_key(2));
    }
}
