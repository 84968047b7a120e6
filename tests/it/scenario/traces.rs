//! Traces that go through several programs, as an exporter sees them.

use std::sync::{Arc, Mutex};

use relais::{TestApp, prelude::*, routing::TraceContext};
use tracing::{Subscriber, field, span};
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry::LookupSpan};

/// A span with what an exporter needs of it.
#[derive(Debug, Clone, Default)]
struct Span {
    name: &'static str,
    route: String,
    trace: String,
    id: String,
    parent: String,
}

/// What any exporter is at heart: a layer that reads the fields of spans. A span that has no trace of its own is a part of the
/// span around it.
#[derive(Clone, Default)]
struct Exporter(Arc<Mutex<Vec<Span>>>);

impl field::Visit for Span {
    fn record_debug(&mut self, field: &field::Field, value: &dyn std::fmt::Debug) {
        let text = format!("{value:?}").trim_matches('"').to_owned();
        match field.name() {
            "route" => self.route = text,
            "trace_id" => self.trace = text,
            "span_id" => self.id = text,
            "parent_id" => self.parent = text,
            _ => {}
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Exporter {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut own = Span { name: span.name(), ..Span::default() };
        attributes.record(&mut own);
        if let Some(around) = span.parent() {
            let around = around.extensions().get::<Span>().unwrap().clone();
            (own.trace, own.parent) = (around.trace, around.id);
        }
        span.extensions_mut().insert(own);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Span>().unwrap());
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        self.0.lock().unwrap().push(span.extensions().get::<Span>().unwrap().clone());
    }
}

async fn order(_: CurrentUser, publish: Publish) -> Result<(), Fault> {
    // A handler that waits comes back into its span.
    std::future::poll_fn({
        let mut asked = false;
        move |context| {
            context.waker().wake_by_ref();
            if std::mem::replace(&mut asked, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        }
    })
    .await;
    tracing::info_span!("reserve").in_scope(|| ());
    Ok(publish.bytes("stock.reserved", "tea").await?)
}

async fn reserved(_: Payload) {}

#[tokio::test]
async fn an_exporter_sees_one_trace_across_programs() {
    let exporter = Exporter::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(exporter.clone()));
    let router = Router::new().subscribe("from.{user}.order", order).subscribe("stock.reserved", reserved);
    let app = TestApp::start(router).await.unwrap();
    let trace = TraceContext::of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Some("x=1")).unwrap();
    let client = app.client("ada").with_trace(trace);
    app.drive(client.request_bytes("order", "")).await.unwrap();

    let spans = exporter.0.lock().unwrap().clone();
    let find = |name: &str, route: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name && span.route == route).collect();
        assert_eq!(found.len(), 1, "{name} {route}: {spans:?}");
        found[0]
    };
    let order = find("message", "from.{user}.order");
    let (inner, reserved) = (find("reserve", ""), find("message", "stock.reserved"));
    assert!(spans.iter().all(|span| span.trace == "0af7651916cd43dd8448eb211c80319c"), "{spans:?}");
    assert_eq!(order.parent, "b7ad6b7169203331", "the caller's span");
    assert_eq!(inner.parent, order.id, "a handler's own spans lie in the span of the message");
    assert_eq!(reserved.parent, order.id, "what it sends on goes on under that span");
    assert!(order.id.len() == 16 && reserved.id.len() == 16 && order.id != reserved.id);
    let sent = app.sent("stock.reserved");
    assert_eq!(sent[0].headers.get("tracestate"), Some("x=1"));
}
