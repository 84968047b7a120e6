//! What the commands that exchange messages take.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use relais_domain::identity::Topic;

/// How a body becomes a message.
#[derive(Debug, Clone, Default, Args)]
pub struct TypeArgs {
    /// The protobuf type of the message, in full or short if that is unique
    #[arg(long = "type", value_name = "NAME", conflicts_with = "raw")]
    pub type_name: Option<String>,
    /// Where the type is: a .proto file, or an encoded FileDescriptorSet
    #[arg(long, value_name = "FILE", requires = "type_name")]
    pub descriptors: Option<PathBuf>,
    /// Bytes as they are, without protobuf
    #[arg(long)]
    pub raw: bool,
}

/// What `request` takes.
#[derive(Debug, Clone, Args)]
pub struct RequestArgs {
    /// Where to ask; `from.{your id}.` is put in front
    pub subject: String,
    /// Text, a JSON object, or - for standard input; left out, an empty message
    pub body: Option<String>,
    /// The types.
    #[command(flatten)]
    pub types: TypeArgs,
    /// The answer's type [default: what a service in the descriptors says, else XResponse for XRequest]
    #[arg(long, value_name = "NAME", requires = "type_name")]
    pub answer: Option<String>,
    /// How long to wait, such as 500ms, 5s or 2m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub timeout: Duration,
}

/// What `publish` takes.
#[derive(Debug, Clone, Args)]
pub struct PublishArgs {
    /// Where to send; `from.{your id}.` is put in front
    pub subject: String,
    /// Text, a JSON object, or - for standard input; left out, an empty message
    pub body: Option<String>,
    /// The type.
    #[command(flatten)]
    pub types: TypeArgs,
}

/// What `subscribe` takes.
#[derive(Debug, Clone, Args)]
pub struct SubscribeArgs {
    /// What to listen to; `to.{your id}.` is put in front
    #[arg(required_unless_present = "topic")]
    pub subject: Option<String>,
    /// Listen to a topic: what users say to everybody
    #[arg(long, value_name = "NAME", conflicts_with = "subject")]
    pub topic: Option<Topic>,
    /// Answer those who ask with this: text, a JSON object with --type, or - for standard input
    #[arg(long, value_name = "BODY")]
    pub reply: Option<String>,
    /// The type; without one, messages are printed as text, or in base64 when they are none
    #[command(flatten)]
    pub types: TypeArgs,
    /// End after this many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// `500ms`, `5s`, `2m`, and a plain number of seconds; more than nothing and at most a day.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: u64 = digits.parse().map_err(|_| "write a time such as 500ms, 5s or 2m".to_owned())?;
    let millis = match &text[digits.len()..] {
        "ms" => Some(count),
        "s" | "" => count.checked_mul(1_000),
        "m" => count.checked_mul(60_000),
        _ => return Err("write a time such as 500ms, 5s or 2m".to_owned()),
    };
    match millis {
        Some(millis @ 1..=86_400_000) => Ok(Duration::from_millis(millis)),
        _ => Err("the time must be more than nothing and at most a day".to_owned()),
    }
}
