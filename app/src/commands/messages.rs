//! `relais request`, `publish`, `subscribe`.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;
use relais_domain::{
    message::{Headers, Message},
    ports::Bus,
    routing::Fault,
    subject::Filter,
};

use super::{
    Context, Terminal, account,
    printing::one_line,
    sessions,
    subjects::{check_filter, check_subject, incoming, outgoing},
    typing::{self, Codec},
};
use crate::{
    cli::{PublishArgs, RequestArgs, SubscribeArgs},
    exit::{Exit, Failure},
    lifecycle::Signals,
};

/// Asks, and prints the answer.
pub(super) async fn request(args: &RequestArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    check_subject(&args.subject)?;
    let profile = account::current(context)?;
    let subject = outgoing(&profile.user_id, &args.subject)?;
    let short = without_prefix(subject.as_str(), &format!("from.{}.", profile.user_id));
    let (question, answer) = typing::of_request(&args.types, args.answer.as_deref(), short)?;
    let payload = question.encode(args.body.as_deref(), &mut context.terminal)?;
    let bus = open(context).await?;
    let message = Message::new(subject, payload);
    let result = ask(&*bus, message, args.timeout, &answer, context.globals.json, &mut context.terminal).await;
    // What was asked is answered or has failed; a connection that breaks now changes nothing.
    let _ = bus.drain().await;
    result
}

/// Sends, and returns when the broker has taken it.
pub(super) async fn publish(args: &PublishArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    check_subject(&args.subject)?;
    let profile = account::current(context)?;
    let subject = outgoing(&profile.user_id, &args.subject)?;
    let short = without_prefix(subject.as_str(), &format!("from.{}.", profile.user_id));
    let payload = typing::of_publish(&args.types, short)?.encode(args.body.as_deref(), &mut context.terminal)?;
    let bus = open(context).await?;
    bus.publish_confirmed(Message::new(subject, payload)).await?;
    // It has arrived.
    let _ = bus.drain().await;
    Ok(())
}

/// Listens until Ctrl-C, or for `--count` messages.
pub(super) async fn subscribe(args: &SubscribeArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    if let Some(subject) = &args.subject {
        check_filter(subject)?;
    }
    let profile = account::current(context)?;
    let filter = match (&args.subject, &args.topic) {
        (_, Some(topic)) => format!("topic.{topic}.*").parse().map_err(|error| Failure::of(Exit::Usage, &error))?,
        (subject, None) => incoming(&profile.user_id, subject.as_deref().unwrap_or_default())?,
    };
    let codec = typing::of_subscription(&args.types)?;
    let reply = args.reply.as_deref().map(|body| codec.encode(Some(body), &mut context.terminal)).transpose()?;
    // Before "listening" is said: from then on Ctrl-C ends it well.
    let mut signals = Signals::listen()?;
    let bus = open(context).await?;
    let how = Listening { filter, codec: &codec, count: args.count, reply, json: context.globals.json };
    let result = listen(&*bus, how, signals.next(), &mut context.terminal).await;
    // What arrived has been printed.
    let _ = bus.drain().await;
    result
}

pub(super) async fn ask(
    bus: &dyn Bus,
    message: Message,
    timeout: Duration,
    answer: &Codec,
    json: bool,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let reply = bus.request(message, timeout).await?;
    match fault(&reply.headers) {
        Some(failure) => Err(failure),
        None => answer.print(&reply.payload, json, terminal),
    }
}

/// What is listened to, and how.
pub(super) struct Listening<'c> {
    pub(super) filter: Filter,
    pub(super) codec: &'c Codec,
    /// How many messages end it.
    pub(super) count: Option<u64>,
    /// What those who ask are answered.
    pub(super) reply: Option<Bytes>,
    pub(super) json: bool,
}

pub(super) async fn listen(
    bus: &dyn Bus,
    how: Listening<'_>,
    end: impl Future<Output = ()>,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let Listening { filter, codec, count, reply, json } = how;
    let mut subscription = bus.subscribe(filter.clone(), None).await?;
    writeln!(terminal.err, "listening on {filter}")?;
    terminal.err.flush()?;
    let mut end = std::pin::pin!(end);
    let mut left = count;
    while left != Some(0) {
        let delivery = tokio::select! {
            biased;
            () = &mut end => return Ok(()),
            delivery = subscription.next() => delivery,
        };
        match delivery {
            Some(Ok(message)) => {
                writeln!(terminal.out, "{}", codec.line(message.subject.as_str(), &message.payload, json))?;
                terminal.out.flush()?;
                if let (Some(reply), Some(to)) = (&reply, message.reply) {
                    bus.publish_confirmed(Message::new(to, reply.clone())).await?;
                }
                left = left.map(|left| left - 1);
            }
            Some(Err(malformed)) => writeln!(terminal.err, "dropped a message: {malformed}")?,
            None => {
                return Err(Failure::new(Exit::NoAnswer, "the connection to the broker has ended")
                    .hint("run the command again; if it says so again, log in again"));
            }
        }
    }
    Ok(())
}

/// The error that an answer carries (NATS ADR-32), if it carries one.
fn fault(headers: &Headers) -> Option<Failure> {
    let fault = Fault::from_headers(headers)?;
    let exit = match fault.code() {
        401 | 403 => Exit::NotAllowed,
        503 | 504 => Exit::NoAnswer,
        _ => Exit::Failed,
    };
    Some(Failure::new(exit, format!("the service answered with an error: {}", one_line(&fault.to_string()))))
}

/// Connects. What has lived for half of its time is renewed, now and as long as it is used.
async fn open(context: &Context<'_>) -> Result<Arc<dyn Bus>, Failure> {
    let (bus, _) = sessions::session(context)?.bus("relais cli").await?;
    Ok(Arc::new(bus))
}

fn without_prefix<'s>(subject: &'s str, prefix: &str) -> &'s str {
    subject.strip_prefix(prefix).unwrap_or(subject)
}
