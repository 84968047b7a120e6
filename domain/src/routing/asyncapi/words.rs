//! What the document says in words.

use crate::routing::{AnswerType, RouteDescription, service::TIMEOUT};

pub(super) const HOST: &str = "Host and port of the broker; the answer to a login names them.";

pub(super) const REPLY: &str = "\
The reply subject of the request, which is part of every NATS message beside subject and headers and which a client's `request` \
sets. It must lie inside the caller's own inboxes, `_INBOX.{user}.…`: a message with another is dropped. One without a reply \
subject is handled and not answered.";

pub(super) const INBOX: &str =
    "Where a caller awaits its answers: a subject below `_INBOX.{user}.` that it chooses for each request.";

pub(super) const FAULT: &str = "\
An answer that is an error. The codes mean what they mean in HTTP. A handler may give any from 400 to 599; the service itself \
gives these:

- `400`: the payload is not the message that the route takes, or something else that it needs is missing or wrong.
- `429`: the caller has called more often than the route allows.
- `500`: the handler failed, or its answer is larger than the broker takes; it is no fault of the caller's.
- `503`: too many requests wait already; this one was not handled, try again later.
- `504`: the handler took longer than its time limit; what it had done by then stays done.";

pub(super) const FAULT_CODE: &str = "The code, 400 to 599. An answer without this header is no fault.";
pub(super) const FAULT_WORDS: &str = "What is wrong, in words.";
pub(super) const END: &str = "How many answers there were before this one.";
pub(super) const END_MESSAGE: &str = "\
The end of many answers. There is no payload. Where the number is larger than what arrived, some were lost. If the answers ended \
with an error, the two headers of `fault` are here too.";

const CALLING: &str = "\
**Calling.** Connect to the broker, with any NATS client, with the creds of a login: a user JWT and its key. Where the service \
has an operation `receive`, you publish: to subjects `from.{user}.…`, where `{user}` is your own user id, which a login tells. \
The broker lets you publish nowhere else, so the service knows who calls. Set the inbox prefix of your client to `_INBOX.{user}`, \
or no answer reaches you. A payload is one protobuf message in binary, unless the message says otherwise.";

const LISTENING: &str = "\
**Listening.** Where the service has an operation `send`, you subscribe. What begins with `to.` reaches the user named behind it, \
on all devices, and nobody else.";

const ERRORS: &str = "\
**Errors.** An answer with the header `Nats-Service-Error-Code` is the message `fault`. An answer of the broker itself with the \
status 503 (no responders) means that no instance of the service runs.";

/// How to call the service, behind what its developer says of it.
pub(super) fn info(about: &str, calls: bool, sends: bool) -> String {
    let parts = [(!about.trim().is_empty(), about.trim()), (calls, CALLING), (sends, LISTENING), (calls, ERRORS)];
    parts.into_iter().filter(|(there, _)| *there).map(|(_, text)| text).collect::<Vec<_>>().join("\n\n")
}

/// What a caller of a route should know beside its messages.
pub(super) fn route(route: &RouteDescription) -> String {
    let mut said = Vec::new();
    if route.signature.by_hand {
        said.push(
            "Answered by hand: an answer may come later, more than once, or not at all, so wait with a time limit of your own."
                .to_owned(),
        );
    }
    let many = matches!(route.signature.answer, AnswerType::ManyBytes | AnswerType::ManyMessages(_));
    if many {
        said.push(
            "One request, many answers: each is a message of its own, in order; behind the last comes `end`."
                .to_owned(),
        );
    }
    let each = if many { " for each answer" } else { "" };
    said.push(match route.timeout.unwrap_or(Some(TIMEOUT)) {
        Some(limit) => format!("The handler has {limit:?}{each}, then the caller gets the fault 504."),
        None => "The handler has no time limit.".to_owned(),
    });
    if route.broadcast {
        said.push("Every instance of the service gets the message and answers it; take the first answer.".to_owned());
    }
    said.join(" ")
}

/// What `{name}` in a pattern stands for.
pub(super) fn parameter(pattern: &str, name: &str) -> &'static str {
    let one = format!("{{{name}}}");
    let second = pattern.split('.').nth(1) == Some(one.as_str());
    match pattern.split('.').next() {
        _ if pattern.ends_with(&format!("{{{name}..}}")) => {
            "The rest of the subject: one token or more, with dots between them."
        }
        Some("from") if second => "The id of the user who sends: your own.",
        Some("to") if second => "The id of the user it is sent to, who alone can listen here.",
        _ if name == "user" => "The id of a user.",
        _ => "One token: printable ASCII without spaces, dots, `*` and `>`.",
    }
}

/// A type that no schema is known of.
pub(super) fn unknown(path: &str) -> String {
    format!(
        "A protobuf message, `{path}` in the service's code; no descriptor of it was given, so its fields are not told here."
    )
}

/// A type that may be several messages.
pub(super) fn ambiguous(path: &str, candidates: &[&str]) -> String {
    format!(
        "A protobuf message, `{path}` in the service's code; which of {} it is could not be told, so its fields are not told \
         here.",
        candidates.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
    )
}
