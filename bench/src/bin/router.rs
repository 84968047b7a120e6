//! What the Router costs a message, in instructions and allocations: the same work with it and by hand, on the bus in
//! memory. Run under callgrind with two numbers of messages; the difference is free of start-up.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{FutureExt, StreamExt};
use prost::Message as _;
use relais_domain::{
    memory,
    message::Message as Envelope,
    ports::{Bus, Spawner as _},
    routing::{CurrentUser, Message, Router, Service, ServiceOptions, State},
};
use relais_proto::v1::{EchoRequest, EchoResponse};

/// Counts allocations.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is handed to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn answer(request: &EchoRequest, greeting: &str) -> EchoResponse {
    EchoResponse { message: format!("{greeting} {}", request.message) }
}

async fn echo(
    Message(request): Message<EchoRequest>,
    _: CurrentUser,
    State(greeting): State<Arc<str>>,
) -> Message<EchoResponse> {
    Message(answer(&request, &greeting))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let with_router = arguments.next().as_deref() == Some("router");
    let messages: usize = arguments.next().and_then(|text| text.parse().ok()).expect("how many messages");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(run(with_router, messages));
}

async fn run(with_router: bool, messages: usize) {
    let clock = memory::Clock::default();
    let bus = memory::Bus::new(Arc::new(clock.clone()));
    let spawner = memory::Spawner::default();
    let greeting: Arc<str> = "echo".into();
    let (mut services, mut seen) = (Vec::new(), Vec::new());
    if with_router {
        let router = Router::new().subscribe("from.{user}.echo", echo).with_state(greeting);
        let options = ServiceOptions::new("bench".parse().expect("a name"));
        let ports = memory::service_ports(&bus, &clock);
        services.push(Service::start(router, ports, &spawner, options).await.expect("a service"));
    } else {
        let own = bus.connect();
        let filter = "from.*.echo".parse().expect("a filter");
        // A service listens to nine subjects more, so that it can be seen; the bus looks at them for each message.
        for number in 0..9 {
            let filter = format!("$SRV.{number}").parse().expect("a filter");
            seen.push(own.subscribe(filter, None).await.expect("a subscription"));
        }
        let mut asked = own.subscribe(filter, Some("bench".to_owned())).await.expect("a subscription");
        let by_hand = async move {
            while let Some(Ok(question)) = asked.next().await {
                let request = EchoRequest::decode(question.payload).expect("a request");
                let payload = answer(&request, &greeting).encode_to_vec();
                own.publish(Envelope::new(question.reply.expect("a reply subject"), payload)).await.expect("published");
            }
        };
        drop(spawner.spawn(by_hand.boxed()));
    }
    let mut inbox = bus.subscribe("_INBOX.ada.1".parse().expect("a filter"), None).await.expect("a subscription");
    let mut question = Envelope::new(
        "from.ada.echo".parse().expect("a subject"),
        EchoRequest { message: "hello".to_owned() }.encode_to_vec(),
    );
    question.reply = Some("_INBOX.ada.1".parse().expect("a subject"));
    let begun = ALLOCATIONS.load(Ordering::Relaxed);
    spawner
        .drive(async {
            let mut left = messages;
            while left > 0 {
                let batch = left.min(50);
                for _ in 0..batch {
                    bus.publish(question.clone()).await.expect("published");
                }
                for _ in 0..batch {
                    let answer = inbox.next().await.expect("an answer").expect("a message");
                    assert!(answer.headers.is_empty() && !answer.payload.is_empty());
                }
                left -= batch;
            }
        })
        .await;
    println!("{}", ALLOCATIONS.load(Ordering::Relaxed) - begun);
}
