//! Which trace a message belongs to, as W3C Trace Context (level 1) says it in headers.

use std::fmt;

use crate::{message::Headers, ports::Rng};

/// The header that carries it.
const PARENT: &str = "traceparent";
/// The header in which tracing systems add words of their own.
const STATE: &str = "tracestate";
/// A longer one is left out.
const LONGEST_STATE: usize = 512;

/// Which trace a message belongs to, and our own place in it.
///
/// A message with a well-formed `traceparent` header gets one: the trace and its flags are the caller's, the span is a new
/// one of ours. What the handler sends on ([`super::Publish`], [`super::ToUser`]) carries it, so that an exporter that
/// reads spans sees one trace across programs. The span of a message has the fields `trace_id`, `span_id` and
/// `parent_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 32],
    parent: [u8; 16],
    span: u64,
    flags: u8,
    state: Option<String>,
}

impl TraceContext {
    /// Reads it from headers and draws a span of our own; `None` when there is none that follows the standard.
    #[must_use]
    pub fn from_headers(headers: &Headers, rng: &dyn Rng) -> Option<Self> {
        let mut read = Self::of(headers.get(PARENT)?, headers.get(STATE))?;
        let mut own = [0_u8; 8];
        rng.fill(&mut own);
        read.span = u64::from_le_bytes(own).max(1);
        Some(read)
    }

    /// The place in a trace that these two headers name, as it is: for a program whose exporter has begun a span, and whose
    /// messages go out under it ([`crate::client::Client::with_trace`]). `None` when `parent` does not follow the standard.
    ///
    /// ```
    /// use relais_domain::routing::TraceContext;
    /// let trace = TraceContext::of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None).unwrap();
    /// assert_eq!(trace.span_id().to_string(), "b7ad6b7169203331");
    /// assert!(TraceContext::of("nonsense", None).is_none());
    /// ```
    #[must_use]
    pub fn of(parent: &str, state: Option<&str>) -> Option<Self> {
        let text = parent.as_bytes();
        let known = text.len() == 55 || (text.len() > 55 && text[55] == b'-' && text.get(..2) != Some(b"00"));
        let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
        if !known || !dashes || text.get(..2) == Some(b"ff") {
            return None;
        }
        let hex = |part: &[u8]| part.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let zero = |part: &[u8]| part.iter().all(|digit| *digit == b'0');
        let (version, trace, parent, flags) = (&text[..2], &text[3..35], &text[36..52], &text[53..55]);
        if ![version, trace, parent, flags].into_iter().all(hex) || zero(trace) || zero(parent) {
            return None;
        }
        let number = |digits| std::str::from_utf8(digits).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
        let state = state.filter(|state| state.len() <= LONGEST_STATE && state.is_ascii());
        Some(Self {
            trace: trace.try_into().ok()?,
            parent: parent.try_into().ok()?,
            span: number(parent)?,
            flags: u8::try_from(number(flags)?).ok()?,
            state: state.map(str::to_owned),
        })
    }

    /// The trace, as 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        std::str::from_utf8(&self.trace).unwrap_or_default()
    }

    /// The caller's span, as 16 hexadecimal digits.
    #[must_use]
    pub fn parent_id(&self) -> &str {
        std::str::from_utf8(&self.parent).unwrap_or_default()
    }

    /// Our span, as 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> impl fmt::Display + '_ {
        struct Hex(u64);
        impl fmt::Display for Hex {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }
        Hex(self.span)
    }

    /// Whether the caller records this trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// Puts it on a message that is sent on.
    pub fn write_to(&self, headers: &mut Headers) {
        headers.append(PARENT, &format!("00-{}-{:016x}-{:02x}", self.trace_id(), self.span, self.flags));
        if let Some(state) = &self.state {
            headers.append(STATE, state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn read(text: &str) -> Option<TraceContext> {
        TraceContext::from_headers(&Headers::from_iter([("traceparent", text)]), &memory::Rng::seeded(1))
    }

    #[test]
    fn a_trace_goes_on_with_a_span_of_our_own() {
        let trace = read(&format!("00-{TRACE}-b7ad6b7169203331-01")).unwrap();
        assert_eq!((trace.trace_id(), trace.parent_id(), trace.is_sampled()), (TRACE, "b7ad6b7169203331", true));
        let mut headers = Headers::default();
        trace.write_to(&mut headers);
        let next = TraceContext::from_headers(&headers, &memory::Rng::seeded(2)).unwrap();
        assert_eq!((next.trace_id(), next.parent_id()), (TRACE, trace.span_id().to_string().as_str()));
        assert_ne!(next.span_id().to_string(), trace.span_id().to_string());
    }

    #[test]
    fn what_does_not_follow_the_standard_is_no_trace() {
        for text in [
            String::new(),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{TRACE}-b7ad6b7169203331-zz"),
            format!("00_{TRACE}_b7ad6b7169203331_01"),
            "é".repeat(30),
        ] {
            assert_eq!(read(&text), None, "{text}");
        }
        assert!(read(&format!("01-{TRACE}-b7ad6b7169203331-01-more")).is_some(), "a later version may add to it");
    }
}
