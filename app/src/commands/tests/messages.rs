//! Requests, subscriptions and bodies.

use std::{
    io::{self, Write},
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use relais_domain::{
    message::{Headers, Message},
    ports::{BusError, Deliveries, Delivery, Malformed, MockBus, Subscription},
};

use super::*;

fn answering(reply: impl Fn(Message) -> Result<Message, BusError> + Send + Sync + 'static) -> MockBus {
    let mut bus = MockBus::new();
    bus.expect_request().returning(move |message, _| reply(message));
    bus
}

fn message(subject: &str, payload: &'static [u8]) -> Message {
    Message::new(subject.parse().unwrap(), payload)
}

async fn echo(bus: &MockBus, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let (question, answer) = typing::of_request(&crate::cli::TypeArgs::default(), None, "echo").unwrap();
    let (mut err, mut input) = (Vec::new(), io::empty());
    let mut terminal = Terminal { out, err: &mut err, input: &mut input, asks: false, shown: true, colours: false };
    let payload = question.encode(Some("hi"), &mut terminal)?;
    let message = Message::new("from.ada.echo".parse().unwrap(), payload);
    crate::commands::messages::ask(bus, message, Duration::from_secs(1), &answer, json, &mut terminal).await
}

#[tokio::test]
async fn an_answer_of_one_string_prints_as_that_string() {
    let bus = answering(|question| {
        assert_eq!((question.subject.as_str(), &question.payload[..]), ("from.ada.echo", &b"\x0a\x02hi"[..]));
        Ok(message("_INBOX.ada.1", b"\x0a\x08echo \x1b[2"))
    });
    let mut out = Vec::new();
    echo(&bus, false, &mut out).await.unwrap();
    assert_eq!(out, b"echo \\u{1b}[2\n", "nothing steers the terminal");
    let mut out = Vec::new();
    echo(&bus, true, &mut out).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), json!({"message": "echo \u{1b}[2"}));
}

#[tokio::test]
async fn faults_and_errors_have_their_exit_codes() {
    for (code, exit) in [
        ("401", Exit::NotAllowed),
        ("403", Exit::NotAllowed),
        ("503", Exit::NoAnswer),
        ("504", Exit::NoAnswer),
        ("400", Exit::Failed),
        ("500", Exit::Failed),
        ("what", Exit::Failed),
    ] {
        let bus = answering(move |_| {
            let pairs = [("Nats-Service-Error-Code", code), ("Nats-Service-Error", "no \x1btea")];
            Ok(Message { headers: Headers::from_iter(pairs), ..message("_INBOX.ada.1", b"") })
        });
        let failure = echo(&bus, false, &mut Vec::new()).await.unwrap_err();
        assert_eq!((failure.exit, failure.what.contains("no \\u{1b}tea")), (exit, true), "{code}");
    }
    let nobody = answering(|question| Err(BusError::NoResponders { subject: question.subject.to_string() }));
    assert_eq!(echo(&nobody, false, &mut Vec::new()).await.unwrap_err().exit, Exit::NoAnswer);
    let garbage = answering(|_| Ok(message("_INBOX.ada.1", b"\xff")));
    let failure = echo(&garbage, false, &mut Vec::new()).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Failed);
    assert!(failure.hint.unwrap().contains("--raw"));
}

#[tokio::test]
async fn a_broken_pipe_is_the_end_and_no_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bus = answering(|_| Ok(message("_INBOX.ada.1", b"\x0a\x01x")));
    let failure = echo(&bus, false, &mut Closed).await.unwrap_err();
    let mut said = Vec::new();
    terminal::tell(&mut said, &failure).unwrap();
    assert_eq!((failure.exit, said.len()), (Exit::Done, 0));
}

/// A subscription that delivers these, then ends or stays silent.
struct Feed(std::vec::IntoIter<Delivery>, bool);

impl Stream for Feed {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Option<Delivery>> {
        match self.0.next() {
            None if self.1 => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

#[async_trait]
impl Deliveries for Feed {
    async fn drain(self: Pin<&mut Self>) -> Result<(), BusError> {
        Ok(())
    }
}

async fn listen(silent: bool, count: Option<u64>, json: bool, stopped: bool) -> (Result<(), Failure>, Written) {
    let mut bus = MockBus::new();
    bus.expect_subscribe().returning(move |filter, queue| {
        assert_eq!((filter.as_str(), queue), ("to.ada.>", None));
        let deliveries =
            vec![Ok(message("to.ada.x", b"a\nb")), Err(Malformed::Status(503)), Ok(message("to.ada.y", b"\xff\x00"))];
        Ok(Box::pin(Feed(deliveries.into_iter(), silent)) as Subscription)
    });
    let mut written = Written::default();
    let mut input = io::empty();
    let mut terminal = Terminal {
        out: &mut written.out,
        err: &mut written.err,
        input: &mut input,
        asks: false,
        shown: false,
        colours: false,
    };
    let end = async move {
        if !stopped {
            std::future::pending::<()>().await;
        }
    };
    let how = crate::commands::messages::Listening {
        filter: "to.ada.>".parse().unwrap(),
        codec: &typing::Codec::Raw,
        count,
        reply: None,
        json,
    };
    let result = crate::commands::messages::listen(&bus, how, end, &mut terminal).await;
    (result, written)
}

#[tokio::test]
async fn a_subscription_prints_one_line_a_message() {
    let (result, written) = listen(true, Some(2), false, false).await;
    result.unwrap();
    assert_eq!(written.out(), "to.ada.x  a\\nb\nto.ada.y  base64:/wA=\n");
    assert!(written.err().starts_with("listening on to.ada.>\ndropped a message: it carries the status 503"));
    let (result, written) = listen(true, Some(1), true, false).await;
    result.unwrap();
    assert_eq!(written.out(), "{\"subject\":\"to.ada.x\",\"text\":\"a\\nb\"}\n");
    let (result, written) = listen(true, None, false, true).await;
    assert_eq!((result, written.out()), (Ok(()), ""), "told to end");
    let (result, _) = listen(false, None, false, false).await;
    assert_eq!(result.unwrap_err().exit, Exit::NoAnswer, "the connection has ended");
}

#[test]
fn bodies_come_from_the_line_or_from_standard_input() {
    let profiles = Profiles::at("/nowhere".into());
    let (echo, _) = typing::of_request(&crate::cli::TypeArgs::default(), None, "echo").unwrap();
    for (codec, body, input, expected) in [
        (&echo, Some("hi"), &b""[..], Ok(&b"\x0a\x02hi"[..])),
        (&echo, Some("-"), b"hi\r\n", Ok(b"\x0a\x02hi")),
        (&echo, Some("-"), b"{\"message\": \"hi\"}\n", Ok(b"\x0a\x02hi")),
        (&echo, None, b"", Ok(b"")),
        (&echo, Some("-"), b"\xff", Err("--raw")),
        (&typing::Codec::Raw, Some("-"), b"\xff\n", Ok(b"\xff\n")),
        (&typing::Codec::Raw, Some("{"), b"", Ok(b"{")),
    ] {
        let (globals, _) = parse(&["whoami"]);
        let mut got = Bytes::new();
        let (result, _) = with_context!(globals, profiles, input, |context| {
            codec.encode(body, &mut context.terminal).map(|bytes| got = bytes)
        });
        match expected {
            Ok(bytes) => assert_eq!((result, &got[..]), (Ok(()), bytes)),
            Err(hint) => assert!(result.unwrap_err().hint.unwrap().contains(hint)),
        }
    }
    let (globals, _) = parse(&["whoami"]);
    let long = vec![b'x'; 1024 * 1024 + 1];
    let (result, _) =
        with_context!(globals, profiles, long, |context| echo.encode(Some("-"), &mut context.terminal).map(drop));
    assert_eq!(result.unwrap_err().exit, Exit::Usage);
}
