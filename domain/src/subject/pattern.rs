//! Filters whose wildcards have names.

use std::{fmt, ops::Range, str::FromStr};

use super::{Filter, InvalidSubject, Subject, check_token, cut};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    One(String),
    Rest(String),
}

/// A filter whose wildcards have names: `from.{user}.orders.{order}`, `from.{user}.files.{rest..}`.
///
/// ```
/// use relais_domain::subject::{Pattern, Subject};
/// let pattern: Pattern = "from.{user}.orders.{order}".parse().unwrap();
/// assert_eq!(pattern.filter().as_str(), "from.*.orders.*");
/// let subject: Subject = "from.ada.orders.7".parse().unwrap();
/// assert_eq!(pattern.capture(&subject, "order"), Some("7"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
    filter: Filter,
    /// Whether it begins with `from.{user}`.
    caller: bool,
}

/// What the parts before the caller's token are in a subject.
const FROM: &[u8] = b"from.";

impl Pattern {
    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What to subscribe to.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether it begins with `from.{user}`, so that the broker vouches for who published.
    #[must_use]
    pub fn names_caller(&self) -> bool {
        self.caller
    }

    /// Where the caller's token lies in `subject`, if this pattern names the caller. `None` when the subject does not match.
    pub(crate) fn admit(&self, subject: &Subject) -> Option<Option<Range<usize>>> {
        if !self.caller {
            return self.matches(subject).then_some(None);
        }
        let (token, behind) = cut(subject.as_bytes().strip_prefix(FROM)?);
        walk(&self.parts[2..], behind, |_, _| {})?;
        Some(Some(FROM.len()..FROM.len() + token.len()))
    }

    /// Whether a message on `subject` belongs to this pattern.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        walk(&self.parts, Some(subject.as_bytes()), |_, _| {}).is_some()
    }

    /// What stands in `subject` where the pattern says `{name}`; for `{name..}` everything from there on.
    /// `None` when the pattern has no such name or the subject does not match.
    #[must_use]
    pub fn capture<'s>(&self, subject: &'s Subject, name: &str) -> Option<&'s str> {
        let mut found = None;
        walk(&self.parts, Some(subject.as_bytes()), |part, text| {
            if let Part::One(own) | Part::Rest(own) = part
                && own == name
            {
                found = Some(text);
            }
        })?;
        found.map(text_of)
    }

    /// Names and what stands for them in `subject`, from the left; nothing when it does not match.
    pub fn captures<'p, 's>(&'p self, subject: &'s Subject) -> Vec<(&'p str, &'s str)> {
        let mut found = Vec::new();
        let matched = walk(&self.parts, Some(subject.as_bytes()), |part, text| {
            if let Part::One(name) | Part::Rest(name) = part {
                found.push((name.as_str(), text_of(text)));
            }
        });
        if matched.is_none() {
            found.clear();
        }
        found
    }

    /// Its tokens after `from.{user}`, captures by their names, joined by `-`: what a route is called unless it has a
    /// name of its own.
    #[must_use]
    pub fn default_name(&self) -> String {
        let parts = if self.names_caller() && self.parts.len() > 2 { &self.parts[2..] } else { &self.parts[..] };
        let words = parts.iter().map(|part| match part {
            Part::Literal(name) | Part::One(name) | Part::Rest(name) => name.as_str(),
        });
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
        words.collect::<Vec<_>>().join("-").chars().map(plain).collect()
    }

    /// The names of its captures, from the left.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::One(name) | Part::Rest(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }
}

/// Goes through named parts and what stands for each in `rest`, what is left of a subject; `None` when one does not match.
fn walk<'p, 's>(
    parts: &'p [Part],
    mut rest: Option<&'s [u8]>,
    mut visit: impl FnMut(&'p Part, &'s [u8]),
) -> Option<()> {
    for part in parts {
        let left = rest?;
        match part {
            Part::Literal(own) => {
                rest = match left.strip_prefix(own.as_bytes())? {
                    [] => None,
                    [b'.', behind @ ..] => Some(behind),
                    _ => return None,
                }
            }
            Part::One(_) => {
                let (token, behind) = cut(left);
                visit(part, token);
                rest = behind;
            }
            Part::Rest(_) => {
                visit(part, left);
                return Some(());
            }
        }
    }
    if rest.is_none() { Some(()) } else { None }
}

/// A part of a subject as text.
fn text_of(part: &[u8]) -> &str {
    std::str::from_utf8(part).expect("a subject is ASCII, checked when it was made")
}

fn parse_part(token: &str, last: bool) -> Result<Part, InvalidSubject> {
    let Some(inner) = token.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
        if token.contains(['{', '}']) {
            return Err(InvalidSubject::Capture);
        }
        check_token(token.as_bytes(), false)?;
        return Ok(Part::Literal(token.to_owned()));
    };
    let (name, rest) = inner.strip_suffix("..").map_or((inner, false), |name| (name, true));
    let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(named) || (rest && !last) {
        return Err(InvalidSubject::Capture);
    }
    Ok(if rest { Part::Rest(name.to_owned()) } else { Part::One(name.to_owned()) })
}

impl FromStr for Pattern {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        // `{rest..}` holds dots of its own, so it is taken off before the text is cut at dots.
        let (head, tail) = match text.rfind('{') {
            Some(at) if text.ends_with("..}") => (text[..at].strip_suffix('.').unwrap_or(""), Some(&text[at..])),
            _ => (text, None),
        };
        let mut parts = Vec::new();
        if !(head.is_empty() && tail.is_some_and(|tail| tail.len() == text.len())) {
            for token in head.split('.') {
                parts.push(parse_part(token, false)?);
            }
        }
        if let Some(tail) = tail {
            parts.push(parse_part(tail, true)?);
        }
        let mut seen = Vec::new();
        for part in &parts {
            if let Part::One(name) | Part::Rest(name) = part {
                if seen.contains(&name) {
                    return Err(InvalidSubject::TwiceNamed);
                }
                seen.push(name);
            }
        }
        let filter = parts.iter().map(|part| match part {
            Part::Literal(token) => token.as_str(),
            Part::One(_) => "*",
            Part::Rest(_) => ">",
        });
        let filter = filter.collect::<Vec<_>>().join(".").parse()?;
        let caller = matches!(parts.as_slice(),
            [Part::Literal(from), Part::One(user), ..] if from == "from" && user == "user");
        Ok(Self { text: text.to_owned(), parts, filter, caller })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
