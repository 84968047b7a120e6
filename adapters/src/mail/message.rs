//! A mail as it goes over the wire (RFC 5322).

use std::time::{Duration, SystemTime};

use data_encoding::BASE64;
use jiff::Timestamp;
use lettre::{
    Address, Message,
    message::{
        Body, Mailbox,
        header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};
use relais_domain::{auth::Email, ports::Mail};

/// Why an address or a mail cannot be written down.
pub(super) type Unfit = Box<dyn std::error::Error + Send + Sync>;

/// The most bytes of text in an encoded word, so that a line with it stays below 76.
const WORD: usize = 42;

/// An address as servers know it, the domain in ASCII. What stands before the @ has to be ASCII: few servers take others.
pub(super) fn address(email: &Email) -> Result<Address, Unfit> {
    let (local, domain) = email.as_str().rsplit_once('@').ok_or("there is no @ in it")?;
    if !local.is_ascii() {
        return Err("only ASCII may stand before the @ of an address".into());
    }
    let domain = match domain.is_ascii() {
        true => domain.to_owned(),
        false => match url::Host::parse(domain)? {
            url::Host::Domain(domain) => domain,
            url::Host::Ipv4(_) | url::Host::Ipv6(_) => return Err("what follows the @ is no domain".into()),
        },
    };
    Ok(Address::new(local, domain)?)
}

/// A mail, whole.
pub(super) fn compose(from: &Mailbox, to: Address, mail: &Mail, at: Timestamp, id: &str) -> Result<Message, Unfit> {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    let text = mail.body.expose().replace("\r\n", "\n").replace('\r', "\n");
    // The end of a mail ends its last line.
    let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
    let body = Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable);
    let message = Message::builder()
        .header(MIME_VERSION_1_0)
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .raw_header(subject(mail.subject.as_str()))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        // RFC 3834: no answering machine answers.
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(body.map_err(|_| "the text cannot be encoded")?)?;
    Ok(message)
}

/// Lettre leaves ASCII as it is, also where a reader would take it for an encoded word, and this one encodes those too.
fn subject(text: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    if text.is_ascii() && !text.contains("=?") {
        return HeaderValue::new(name, text.to_owned());
    }
    let mut words: Vec<&str> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, more) = rest.split_at(rest.floor_char_boundary(WORD));
        words.push(word);
        rest = more;
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word.as_bytes()))).collect();
    HeaderValue::dangerous_new_pre_encoded(name, text.to_owned(), words.join("\r\n "))
}

#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Unfit> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use relais_domain::testing::mailer::mail;

    use super::*;

    fn from() -> Mailbox {
        Mailbox::new(Some("Tea & \"Söhne\"".to_owned()), address(&"no-reply@example.org".parse().unwrap()).unwrap())
    }

    fn composed(mail: &Mail) -> String {
        let at = "2026-02-03T04:05:06Z".parse().unwrap();
        let message = compose(&from(), address(&mail.to).unwrap(), mail, at, "id").unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    /// The names of the headers, in order; and what follows the first empty line.
    fn parts(text: &str) -> (Vec<&str>, &str) {
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        let lines = headers.split("\r\n").filter(|line| !line.starts_with(' '));
        (lines.map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{line:?}")).0).collect(), body)
    }

    const HEADERS: [&str; 9] = [
        "MIME-Version",
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Content-Transfer-Encoding",
    ];

    #[test]
    fn a_mail_has_the_headers_that_mails_have() {
        let text = composed(&mail("ada@bücher.example", "Your code", "Your code is 123456.\n"));
        assert_eq!(parts(&text), (HEADERS.to_vec(), "Your code is 123456."));
        for line in [
            "Date: Tue, 03 Feb 2026 04:05:06 +0000",
            "To: ada@xn--bcher-kva.example",
            "Subject: Your code",
            "Message-ID: <id@example.org>",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
        }
        let unfit = address(&"ä@example.org".parse().unwrap());
        assert!(unfit.is_err(), "{unfit:?}");
    }

    proptest! {
        #[test]
        fn no_text_becomes_a_header_or_a_second_mail(
            subject in "[^\\p{C}\\p{Z}][^\\p{Cc}\u{2028}\u{2029}]{0,150}[^\\p{C}\\p{Z}]",
            body in "(\\PC|[\r\n\t.\0]|\r\n\\.\r\n|Bcc: x@y.z){0,200}",
            name in "[^\\p{Cc}]{1,40}",
            local in "[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}",
        ) {
            prop_assume!(subject.parse::<relais_domain::ports::Subject>().is_ok());
            let mail = mail("ada@example.org", &subject, &body);
            let from = Mailbox::new(Some(name), address(&"no-reply@example.org".parse().unwrap()).unwrap());
            let to = Address::new(&local, "example.org").unwrap_or_else(|_| address(&mail.to).unwrap());
            let message = compose(&from, to, &mail, Timestamp::UNIX_EPOCH, "id").unwrap();
            prop_assert_eq!(message.envelope().to().len(), 1);
            let text = String::from_utf8(message.formatted()).unwrap();
            prop_assert!(text.is_ascii());
            let (names, body) = parts(&text);
            prop_assert_eq!(names, HEADERS.to_vec());
            for line in text.split("\r\n") {
                prop_assert!(!line.contains(['\r', '\n']) && line.len() <= 998, "{line:?}");
            }
            prop_assert!(body.split("\r\n").all(|line| line.len() <= 76));
        }
    }
}
