//! Bodies into bytes and bytes into something to print, by the types that the user named or that are built in.

use bytes::Bytes;
use data_encoding::BASE64;
use relais_adapters::reflect::{Body, Decoded, Descriptors};
use serde_json::{Value, json};

use super::{
    Terminal,
    printing::{harmless, one_line},
};
use crate::{
    cli::TypeArgs,
    exit::{Exit, Failure},
    services::types,
};

/// How one message is written or read.
pub(super) enum Codec {
    /// As bytes.
    Raw,
    /// As a message of this type.
    Typed(Descriptors, String),
}

/// The codecs of a request to `subject` (without the user's prefix) and of its answer.
pub(super) fn of_request(args: &TypeArgs, answer: Option<&str>, subject: &str) -> Result<(Codec, Codec), Failure> {
    if args.raw {
        return Ok((Codec::Raw, Codec::Raw));
    }
    let Some(name) = &args.type_name else {
        if types::is_relayed(subject) {
            return Ok((Codec::Raw, Codec::Raw));
        }
        let known = types::find(subject).ok_or_else(|| unknown(subject))?;
        let descriptors = built_in()?;
        return Ok((
            Codec::Typed(descriptors.clone(), known.request.to_owned()),
            known.answer.map_or(Codec::Raw, |answer| Codec::Typed(descriptors, answer.to_owned())),
        ));
    };
    let descriptors = named(args)?;
    let request = descriptors.resolve(name)?;
    let answer = match answer {
        Some(answer) => descriptors.resolve(answer)?,
        None => descriptors.answer_of(&request)?.ok_or_else(|| {
            Failure::usage(format!("the descriptors do not say what answers {request}"))
                .hint("name the answer's type with --answer NAME, or exchange bytes with --raw")
        })?,
    };
    Ok((Codec::Typed(descriptors.clone(), request), Codec::Typed(descriptors, answer)))
}

/// The codec of a message published to `subject`.
pub(super) fn of_publish(args: &TypeArgs, subject: &str) -> Result<Codec, Failure> {
    if args.raw {
        return Ok(Codec::Raw);
    }
    match &args.type_name {
        Some(_) => of_subscription(args),
        None if types::is_relayed(subject) => Ok(Codec::Raw),
        None => {
            let known = types::find(subject).ok_or_else(|| unknown(subject))?;
            Ok(Codec::Typed(built_in()?, known.request.to_owned()))
        }
    }
}

/// The codec of messages that are listened to: the named type, else bytes.
pub(super) fn of_subscription(args: &TypeArgs) -> Result<Codec, Failure> {
    let Some(name) = &args.type_name else { return Ok(Codec::Raw) };
    let descriptors = named(args)?;
    let name = descriptors.resolve(name)?;
    Ok(Codec::Typed(descriptors, name))
}

fn built_in() -> Result<Descriptors, Failure> {
    Ok(Descriptors::from_set(relais_proto::DESCRIPTORS)?)
}

fn named(args: &TypeArgs) -> Result<Descriptors, Failure> {
    match &args.descriptors {
        Some(file) => Ok(Descriptors::from_file(file)?),
        None => built_in(),
    }
}

fn unknown(subject: &str) -> Failure {
    Failure::usage(format!("the message type of {subject} is not known"))
        .hint("name it with --type NAME --descriptors FILE, or send bytes with --raw")
}

impl Codec {
    /// The bytes of what the user typed; `-` is standard input, without the line break at its end if it is text.
    pub(super) fn encode(&self, body: Option<&str>, terminal: &mut Terminal<'_>) -> Result<Bytes, Failure> {
        let input = match body {
            Some("-") => Some(terminal.read_all()?),
            other => other.map(|text| text.as_bytes().to_vec()),
        };
        let Self::Typed(descriptors, name) = self else { return Ok(input.unwrap_or_default().into()) };
        let text = input
            .map(String::from_utf8)
            .transpose()
            .map_err(|_| Failure::usage("the body is not UTF-8 text").hint("send bytes as they are with --raw"))?;
        let body = text.as_deref().map(|text| match body {
            Some("-") => text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text)),
            _ => text,
        });
        Ok(descriptors.encode(name, body.map_or(Body::Empty, Body::of))?)
    }

    /// Prints an answer: its only string as it is, another message as JSON, bytes as bytes.
    pub(super) fn print(&self, payload: &Bytes, json: bool, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let shown = terminal.shown;
        let safe = |text: &str| if shown { harmless(text) } else { text.to_owned() };
        let Self::Typed(descriptors, name) = self else {
            if json {
                writeln!(terminal.out, "{}", bytes_as_json(payload))?;
            } else if shown {
                writeln!(terminal.out, "{}", harmless(&String::from_utf8_lossy(payload)))?;
            } else {
                terminal.out.write_all(payload)?;
            }
            return Ok(terminal.out.flush()?);
        };
        let decoded = descriptors.decode(name, payload.clone()).map_err(|error| {
            let failure = Failure::from(error);
            failure.hint("name the answer's type with --answer NAME, or look at its bytes with --raw")
        })?;
        match decoded {
            Decoded { text: Some(text), .. } if !json => writeln!(terminal.out, "{}", safe(&text))?,
            Decoded { json: value, .. } if json => writeln!(terminal.out, "{value}")?,
            Decoded { json: value, .. } => {
                let pretty = serde_json::to_string_pretty(&value).map_err(|error| Failure::of(Exit::Failed, &error))?;
                writeln!(terminal.out, "{pretty}")?;
            }
        }
        Ok(terminal.out.flush()?)
    }

    /// One line for a message that came in; a message that is none of the type is shown as bytes, with a remark.
    pub(super) fn line(&self, subject: &str, payload: &Bytes, json: bool) -> String {
        let (decoded, problem) = match self {
            Self::Raw => (None, None),
            Self::Typed(descriptors, name) => match descriptors.decode(name, payload.clone()) {
                Ok(decoded) => (Some(decoded), None),
                Err(error) => (None, Some(error.to_string())),
            },
        };
        if json {
            let mut line = match decoded {
                Some(decoded) => json!({"subject": subject, "message": decoded.json}),
                None => {
                    let mut line = bytes_as_json(payload);
                    line["subject"] = json!(subject);
                    line
                }
            };
            if let Some(problem) = problem {
                line["error"] = json!(problem);
            }
            return line.to_string();
        }
        let text = match decoded {
            Some(Decoded { text: Some(text), .. }) => one_line(&text),
            Some(Decoded { json, .. }) => one_line(&json.to_string()),
            None => match std::str::from_utf8(payload) {
                Ok(text) if problem.is_none() => one_line(text),
                _ => format!("base64:{}", BASE64.encode(payload)),
            },
        };
        let remark = problem.map(|problem| format!("  ({})", one_line(&problem))).unwrap_or_default();
        format!("{subject}  {text}{remark}")
    }
}

fn bytes_as_json(payload: &Bytes) -> Value {
    match std::str::from_utf8(payload) {
        Ok(text) => json!({"text": text}),
        Err(_) => json!({"base64": BASE64.encode(payload)}),
    }
}
