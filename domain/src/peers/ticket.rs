//! Tickets: where an answer is awaited, who may give it, and until when, as one subject token.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::{identity::UserId, subject::Subject};

/// Bytes of the code that proves a ticket.
const PROOF: usize = 16;
/// Bytes of the time.
const TIME: usize = 8;
/// What all inboxes begin with; not repeated in tickets.
const INBOX: &str = "_INBOX.";
/// Keeps these codes apart from any others that might be made with the same key.
const PURPOSE: &[u8] = b"relais answer ticket 1";

/// Makes and reads tickets.
///
/// A ticket is base64url of an expiry (milliseconds since 1970, 8 bytes, big-endian), the inbox behind `_INBOX.`, and the
/// first 16 bytes of HMAC-SHA-256 (RFC 2104) over all of that and the peer's id. So it holds for one peer and one inbox,
/// and every instance with the same key can read it. It hides nothing: the peer may learn the inbox, where only the server
/// can publish.
#[derive(Clone)]
pub struct Tickets(Hmac<Sha256>);

/// Why a ticket does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// It was not made by us, or for somebody else.
    #[error("it is no ticket of this user")]
    Foreign,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
}

impl Tickets {
    /// With a secret key, which all instances of the application server share and nobody else knows.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("a key of any length will do"))
    }

    /// A ticket with which `peer` may answer to `inbox` until `expiry`; `None` when `inbox` is none, or its time no time
    /// since 1970.
    #[must_use]
    pub fn seal(&self, inbox: &Subject, peer: &UserId, expiry: Timestamp) -> Option<String> {
        owner(inbox)?;
        let mut ticket = u64::try_from(expiry.as_millisecond()).ok()?.to_be_bytes().to_vec();
        ticket.extend_from_slice(inbox.as_str().strip_prefix(INBOX)?.as_bytes());
        let proof = self.code(&ticket, peer).finalize().into_bytes();
        ticket.extend_from_slice(&proof[..PROOF]);
        Some(BASE64URL_NOPAD.encode(&ticket))
    }

    /// The inbox of a ticket that `peer` presents at `now`.
    ///
    /// # Errors
    /// [`TicketError`].
    pub fn open(&self, ticket: &str, peer: &UserId, now: Timestamp) -> Result<Subject, TicketError> {
        let bytes = BASE64URL_NOPAD.decode(ticket.as_bytes()).map_err(|_| TicketError::Foreign)?;
        let (sealed, proof) = bytes.split_last_chunk::<PROOF>().ok_or(TicketError::Foreign)?;
        self.code(sealed, peer).verify_truncated_left(proof).map_err(|_| TicketError::Foreign)?;
        let (expiry, rest) = sealed.split_first_chunk::<TIME>().ok_or(TicketError::Foreign)?;
        if i128::from(u64::from_be_bytes(*expiry)) <= i128::from(now.as_millisecond()) {
            return Err(TicketError::Expired);
        }
        let inbox = std::str::from_utf8(rest).ok().and_then(|rest| format!("{INBOX}{rest}").parse::<Subject>().ok());
        // Checked when it was sealed, and again: what is published there is published in the server's name.
        inbox.filter(|inbox| owner(inbox).is_some()).ok_or(TicketError::Foreign)
    }

    fn code(&self, sealed: &[u8], peer: &UserId) -> Hmac<Sha256> {
        let mut code = self.0.clone();
        code.update(PURPOSE);
        code.update(&[u8::try_from(peer.as_bytes().len()).unwrap_or(u8::MAX)]);
        code.update(peer.as_bytes());
        code.update(sealed);
        code
    }
}

/// Whose inbox it is: `_INBOX.{user}.…`.
fn owner(inbox: &Subject) -> Option<UserId> {
    let mut tokens = inbox.as_str().strip_prefix(INBOX)?.splitn(2, '.');
    let user = tokens.next()?.parse().ok()?;
    tokens.next().filter(|rest| !rest.is_empty()).map(|_| user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap()
    }

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    #[test]
    fn a_ticket_is_one_token_for_one_peer_until_it_expires() {
        let tickets = Tickets::new(&[7; 32]);
        let inbox: Subject = "_INBOX.ada.6Q1x.3".parse().unwrap();
        let ticket = tickets.seal(&inbox, &user("bob"), at(60)).unwrap();
        assert!(format!("from.bob.answer.{ticket}").parse::<Subject>().is_ok());
        assert_eq!(ticket.matches('.').count(), 0);
        assert_eq!(tickets.open(&ticket, &user("bob"), at(59)), Ok(inbox.clone()));
        assert_eq!(Tickets::new(&[7; 32]).open(&ticket, &user("bob"), at(0)), Ok(inbox), "another instance");
        assert_eq!(tickets.open(&ticket, &user("bob"), at(60)), Err(TicketError::Expired));
        for other in ["bo", "bobb", "ada", "eve"] {
            assert_eq!(tickets.open(&ticket, &user(other), at(0)), Err(TicketError::Foreign), "{other}");
        }
        assert_eq!(Tickets::new(&[8; 32]).open(&ticket, &user("bob"), at(0)), Err(TicketError::Foreign), "another key");
    }

    #[test]
    fn what_was_not_made_here_is_none() {
        let tickets = Tickets::new(&[7; 32]);
        let ticket = tickets.seal(&"_INBOX.ada.1".parse().unwrap(), &user("bob"), at(60)).unwrap();
        for at_bit in 0..ticket.len() * 8 {
            let mut changed = ticket.clone().into_bytes();
            changed[at_bit / 8] ^= 1 << (at_bit % 8);
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert!(tickets.open(&changed, &user("bob"), at(0)).is_err(), "{changed}");
        }
        for text in ["", "x", "====", "AAAA", &ticket[..ticket.len() - 2], &format!("{ticket}AA"), &"A".repeat(400)] {
            assert_eq!(tickets.open(text, &user("bob"), at(0)), Err(TicketError::Foreign), "{text}");
        }
    }

    #[test]
    fn only_inboxes_of_users_are_sealed() {
        let tickets = Tickets::new(&[7; 32]);
        for aimed in ["_INBOX.ada", "from.bob.pay", "_INBOX.svc-shop.1", "_INBOX.Ada.1", "_SVC.relais.1", "to.bob.x"] {
            assert_eq!(tickets.seal(&aimed.parse().unwrap(), &user("bob"), at(60)), None, "{aimed}");
        }
        assert_eq!(tickets.seal(&"_INBOX.ada.1".parse().unwrap(), &user("bob"), Timestamp::MIN), None);
        // A proof alone does not make an inbox: what is sealed is judged again.
        for aimed in ["ada", "", "svc-shop.1", "Ada.1"] {
            let mut sealed = 4_000_000_000_000_u64.to_be_bytes().to_vec();
            sealed.extend_from_slice(aimed.as_bytes());
            let proof = tickets.code(&sealed, &user("bob")).finalize().into_bytes();
            sealed.extend_from_slice(&proof[..PROOF]);
            let ticket = BASE64URL_NOPAD.encode(&sealed);
            assert_eq!(tickets.open(&ticket, &user("bob"), at(0)), Err(TicketError::Foreign), "{aimed}");
        }
    }
}
