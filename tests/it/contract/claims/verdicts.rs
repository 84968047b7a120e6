//! The same claims, judged by jwt/v2 and by us: taken or refused alike, in the same words, written in the same bytes.

use std::{collections::BTreeSet, error::Error};

use relais_adapters::system;
use relais_domain::{
    credentials::{
        Account, Activation, AuthorizationRequest, AuthorizationResponse, Body, ClaimsError, Level, Operator, Source,
        User, decode, encode,
    },
    ports::Clock as _,
};
use serde_json::Value;

use super::{
    HEADER,
    corpus::{Case, Expect, Kind, corpus},
    keys, library, pair, payload, signed,
};

/// What we make of a token.
enum Ours {
    /// It cannot be read.
    Unread(ClaimsError),
    /// What is wrong with it, ours apart, and what we write.
    Read { issues: Vec<(String, Level)>, own: Vec<String>, encoded: Result<String, ClaimsError> },
}

/// `iat` is what the library wrote, so that the rest can be compared.
fn judge<B: Body>(token: &str, signer: &str, iat: Option<i64>, text: impl Fn(B::Jwt) -> String) -> Ours {
    let keys = keys();
    let mut claims = match decode::<B>(token, &keys) {
        Ok(claims) => claims,
        Err(why) => return Ours::Unread(why),
    };
    let found = claims.validate(system::Clock.now(), &keys);
    let (library, own): (Vec<_>, Vec<_>) = found.iter().cloned().partition(|issue| issue.source == Source::Library);
    let mut issues: Vec<_> = library.into_iter().map(|issue| (issue.text, issue.level)).collect();
    issues.sort();
    claims.issued_at = iat.unwrap_or(claims.issued_at);
    let encoded = encode(&claims, &pair(signer), &keys).map(text);
    Ours::Read { issues, own: own.into_iter().map(|issue| issue.text).collect(), encoded }
}

fn ours(kind: Kind, token: &str, iat: Option<i64>) -> Ours {
    let signer = kind.golden().1;
    match kind {
        Kind::Operator => judge::<Operator>(token, signer, iat, |jwt| jwt.as_str().to_owned()),
        Kind::Account | Kind::Importer => judge::<Account>(token, signer, iat, |jwt| jwt.as_str().to_owned()),
        Kind::User => judge::<User>(token, signer, iat, |jwt| jwt.as_str().to_owned()),
        Kind::Activation => judge::<Activation>(token, signer, iat, |jwt| jwt.as_str().to_owned()),
        Kind::Request => judge::<AuthorizationRequest>(token, signer, iat, |jwt| jwt.as_str().to_owned()),
        Kind::Response => judge::<AuthorizationResponse>(token, signer, iat, |jwt| jwt.as_str().to_owned()),
    }
}

/// Everything an error says.
fn chain(error: &dyn Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

fn issues(theirs: &Value) -> Vec<(String, Level)> {
    let level = |issue: &Value| match (issue["blocking"].as_bool().unwrap(), issue["time"].as_bool().unwrap()) {
        (true, _) => Level::Error,
        (_, true) => Level::Time,
        _ => Level::Warning,
    };
    let list = theirs["issues"].as_array().unwrap();
    let mut list: Vec<_> =
        list.iter().map(|issue| (issue["text"].as_str().unwrap().to_owned(), level(issue))).collect();
    list.sort();
    list
}

/// How the two verdicts differ, if they do.
fn difference(case: &Case, token: &str, theirs: &Value) -> Option<String> {
    let encoded = theirs["encoded"].as_str();
    let iat = encoded.map(|token| serde_json::from_slice::<Value>(&payload(token)).unwrap()["iat"].as_i64().unwrap());
    let (ours, theirs_found) = (ours(case.kind, token, iat), issues(theirs));
    let blocking = || theirs_found.iter().filter(|(_, level)| *level == Level::Error).map(|(text, _)| text);
    match (theirs["error"].as_str(), ours) {
        (Some(why), Ours::Unread(own)) => {
            // The words of Go's JSON reader are its own; those of jwt/v2 we repeat.
            let words = ["expected 3 chunks", "claim failed V2", "unable to validate expected prefixes"];
            let missing = words.iter().find(|words| why.starts_with(*words) && !chain(&own).starts_with(*words));
            // A key that does not even look like one is refused before the signature is verified.
            let key = matches!(own, ClaimsError::Json(_) | ClaimsError::Issuer(_));
            missing.filter(|_| !key).map(|_| format!("{why:?}, and we say {:?}", chain(&own)))
        }
        (Some(why), Ours::Read { issues, own, .. }) => {
            Some(format!("cannot be read: {why}, and we read it: {issues:?} {own:?}"))
        }
        (None, Ours::Unread(own)) => {
            let said = chain(&own);
            let told = blocking().any(|text| said.contains(text.as_str()));
            (!told && case.expect == Expect::Same)
                .then(|| format!("we do not read it: {said}; they say {theirs_found:?}"))
        }
        (None, Ours::Read { issues, own, encoded: written }) => {
            if issues != theirs_found {
                return Some(format!("they say {theirs_found:?}\n  we say   {issues:?}"));
            }
            match case.expect {
                Expect::Stricter if own.is_empty() => return Some("we are no stricter".to_owned()),
                Expect::Stricter => return None,
                Expect::Keeps => {
                    let kept =
                        written.is_ok_and(|token| String::from_utf8(payload(&token)).unwrap().contains("\"later\""));
                    return (!kept).then(|| "a field that nobody knows is lost".to_owned());
                }
                Expect::Same => {}
            }
            if !own.is_empty() {
                return Some(format!("we say more: {own:?}"));
            }
            match (encoded, written) {
                (Some(theirs), Ok(ours)) if theirs == ours => None,
                (None, Err(_)) => None,
                (_, Err(ClaimsError::Refused(why))) if blocking().any(|text| *text == why) => None,
                (theirs, ours) => {
                    let show = |token: &str| String::from_utf8(payload(token)).unwrap();
                    Some(format!(
                        "written differently:\n  {:?}\n  {:?}",
                        theirs.map(show),
                        ours.map(|token| show(&token)).map_err(|error| chain(&error))
                    ))
                }
            }
        }
    }
}

#[test]
fn they_are_those_of_the_go_library() {
    let cases = corpus();
    assert!(cases.len() >= 300, "{} claims", cases.len());
    let tokens: Vec<(String, &str)> = cases
        .iter()
        .map(|case| {
            let signer = case.kind.golden().1;
            (signed(HEADER.as_bytes(), case.claims.to_string().as_bytes(), &pair(signer)), signer)
        })
        .collect();
    let theirs = library(&tokens);
    let mut differences = Vec::new();
    let (mut unread, mut refused, mut same_bytes) = (0, 0, 0);
    for ((case, (token, _)), theirs) in cases.iter().zip(&tokens).zip(&theirs) {
        if let Some(why) = difference(case, token, theirs) {
            differences.push(format!("{:?} {}: {why}", case.kind, case.what));
        }
        unread += usize::from(theirs["error"].is_string());
        refused += usize::from(issues(theirs).iter().any(|(_, level)| *level == Level::Error));
        same_bytes += usize::from(theirs["encoded"].is_string());
    }
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
    assert!(
        unread > 100 && refused > 300 && same_bytes > 500,
        "{unread} unread, {refused} refused, {same_bytes} written"
    );
    // Every rule of jwt/v2 has spoken.
    let said: BTreeSet<String> = theirs.iter().flat_map(issues).map(|(text, _)| text).collect();
    let silent: Vec<&str> =
        include_str!("rules.txt").lines().filter(|rule| !said.iter().any(|text| text.contains(rule))).collect();
    assert!(silent.is_empty(), "nothing in the corpus breaks these rules: {silent:#?}");
}
