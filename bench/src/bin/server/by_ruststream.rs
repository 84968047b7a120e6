//! RustStream: its default, one message after the other, and 64 workers.
//!
//! Its handlers take messages that encode and decode themselves, so the two of the echo stand here once more, with the same
//! field; the bytes are the same. A request's inbox comes as a header and is published to through a slot: that is how it
//! answers. It listens to the one subject that the load asks, since a pattern would want a place for retries.

use ruststream_nats::prelude::*;

use super::{QUEUE, echo, ready};

#[derive(Clone, PartialEq, prost::Message, Outgoing, Serialized, Deserialized)]
#[outgoing(name = "echo.request")]
#[wire(prost)]
struct Question {
    #[prost(string, tag = "1")]
    message: String,
}

#[derive(Clone, PartialEq, prost::Message, Outgoing, Serialized, Deserialized)]
#[wire(prost)]
struct Answered {
    #[prost(string, tag = "1")]
    message: String,
}

/// Where answers leave.
#[derive(OutSlot)]
#[publishes(Answered)]
struct Answers;

#[subscriber(CoreSubject::new("from.ada.echo").queue_group(QUEUE))]
async fn sequential(
    question: &Question,
    context: &mut Context<'_>,
    Out(answers): Out<impl Publisher, Answers>,
) -> HandlerOutcome {
    let answer = Answered { message: echo(&question.message).await };
    let Some(inbox) = context.headers().reply_to().map(str::to_owned) else { return HandlerOutcome::drop() };
    let _ = answers.message(&answer).to(inbox).publish().await;
    HandlerOutcome::ack()
}

#[subscriber(CoreSubject::new("from.ada.echo").queue_group(QUEUE), workers(64))]
async fn concurrent(
    question: &Question,
    context: &mut Context<'_>,
    Out(answers): Out<impl Publisher, Answers>,
) -> HandlerOutcome {
    let answer = Answered { message: echo(&question.message).await };
    let Some(inbox) = context.headers().reply_to().map(str::to_owned) else { return HandlerOutcome::drop() };
    let _ = answers.message(&answer).to(inbox).publish().await;
    HandlerOutcome::ack()
}

/// As it is by default.
pub(super) async fn one(url: String) {
    let app = RustStream::new(AppInfo::new("bench", "1.0.0")).with_broker(NatsBroker::new(url), |broker| {
        broker.include(sequential).out(Answers, Publish).build();
    });
    run(app).await;
}

/// With `workers(64)`.
pub(super) async fn many(url: String) {
    let app = RustStream::new(AppInfo::new("bench", "1.0.0")).with_broker(NatsBroker::new(url), |broker| {
        broker.include(concurrent).out(Answers, Publish).build();
    });
    run(app).await;
}

async fn run(app: impl App) {
    let _running = app.start().await.expect("a broker");
    ready();
    std::future::pending::<()>().await;
}
