//! The counters of a service as Prometheus reads them.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use super::{RouteDescription, RouteStats, Service, StatsSnapshot};
use crate::identity::ServiceName;

/// What has been counted of a service's routes, for as long as somebody asks. Cheap to clone; it does not keep the service
/// running.
#[derive(Clone)]
pub struct Metrics {
    name: ServiceName,
    routes: Arc<[(RouteDescription, Arc<RouteStats>)]>,
}

/// A counter or gauge: its name behind `relais_route_`, whether it only grows, what it is, and where it stands.
type Family = (&'static str, bool, &'static str, fn(&StatsSnapshot) -> u64);

const FAMILIES: [Family; 12] = [
    ("handled_total", true, "Messages whose handler ran to its end.", |s| s.handled),
    ("faults_total", true, "Faults told, of whatever reason.", |s| s.faults),
    ("unanswered_total", true, "Answers that nobody awaited.", |s| s.unanswered),
    ("unsent_total", true, "Answers that the broker would not take.", |s| s.unsent),
    ("abandoned_total", true, "Streams of answers that ended because nobody listened.", |s| s.abandoned),
    ("panics_total", true, "Handlers that panicked.", |s| s.panics),
    ("timeouts_total", true, "Handlers that took too long.", |s| s.timeouts),
    ("overloads_total", true, "Messages turned away because too many were waiting.", |s| s.overloads),
    ("turned_away_total", true, "Messages of callers who sent too many, or may not call.", |s| s.turned_away),
    ("refused_total", true, "Messages dropped before a handler.", |s| s.refused),
    ("in_flight", false, "Handlers at work now.", |s| s.in_flight as u64),
    ("waiting", false, "Messages waiting for a handler now.", |s| s.waiting as u64),
];

/// Upper edges of the histogram's buckets, in microseconds.
const EDGES: [u64; 14] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

impl Service {
    /// What has been counted, for Prometheus.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics { name: self.name.clone(), routes: self.routes.clone().into() }
    }
}

impl Metrics {
    /// What has been counted until now, in Prometheus' text format 0.0.4: `relais_route_…`, each with the labels `service`,
    /// `route` (its name) and `pattern`. Times are in seconds, and right within an eighth.
    ///
    /// ```text
    /// relais_route_handled_total{service="relais",route="echo",pattern="from.{user}.echo"} 3
    /// ```
    #[must_use]
    pub fn prometheus(&self) -> String {
        let routes: Vec<_> = self.routes.iter().map(|(route, stats)| (self.labels(route), stats.snapshot())).collect();
        let mut text = String::new();
        for (name, grows, about, value) in FAMILIES {
            let kind = if grows { "counter" } else { "gauge" };
            head(&mut text, name, kind, about);
            for (labels, stats) in &routes {
                line(&mut text, name, labels, value(stats));
            }
        }
        head(&mut text, "duration_seconds", "histogram", "How long handlers took.");
        for (labels, StatsSnapshot { times, .. }) in &routes {
            for micros in EDGES {
                let edge = Duration::from_micros(micros);
                let labels = format!("{labels},le=\"{}\"", edge.as_secs_f64());
                line(&mut text, "duration_seconds_bucket", &labels, times.within(edge));
            }
            line(&mut text, "duration_seconds_bucket", &format!("{labels},le=\"+Inf\""), times.count);
            line(&mut text, "duration_seconds_sum", labels, times.sum.as_secs_f64());
            line(&mut text, "duration_seconds_count", labels, times.count);
        }
        text
    }

    fn labels(&self, route: &RouteDescription) -> String {
        let label = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("service=\"{}\",route=\"{}\",pattern=\"{}\"", self.name, label(&route.name), label(&route.pattern))
    }
}

fn head(text: &mut String, name: &str, kind: &str, about: &str) {
    let _ = writeln!(text, "# HELP relais_route_{name} {about}\n# TYPE relais_route_{name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "relais_route_{name}{{{labels}}} {value}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::routing::{Fault, Payload, Route, Router, TestApp};

    async fn fails_on_nothing(Payload(body): Payload) -> Result<Vec<u8>, Fault> {
        if body.is_empty() { Err(Fault::bad_request("nothing")) } else { Ok(body.to_vec()) }
    }

    /// The samples by name and labels; panics where a line is neither a sample nor a comment.
    fn samples(text: &str) -> BTreeMap<String, f64> {
        let sample = |line: &str| {
            let (key, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
            assert!(key.ends_with('}') && key.contains("{service=\"app\",route=\""), "{line:?}");
            (key.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line:?}")))
        };
        text.lines().filter(|line| !line.starts_with("# ")).map(sample).collect()
    }

    #[tokio::test]
    async fn every_route_is_counted_and_timed() {
        let odd = Route::new("from.{user}.odd", async || {}).name("say-\"hi\"\\");
        let app =
            TestApp::start(Router::new().subscribe("from.{user}.echo", fails_on_nothing).route(odd)).await.unwrap();
        for body in ["a", "b", ""] {
            let _ = app.request_bytes("ada", "echo", body).await;
        }
        let text = app.metrics().prometheus();
        let found = samples(&text);
        let of = |name: &str, more: &str| {
            let labels = "service=\"app\",route=\"echo\",pattern=\"from.{user}.echo\"";
            found[&format!("relais_route_{name}{{{labels}{more}}}")]
        };
        assert_eq!((of("handled_total", ""), of("faults_total", ""), of("in_flight", "")), (3.0, 1.0, 0.0));
        assert_eq!((of("duration_seconds_count", ""), of("duration_seconds_bucket", ",le=\"+Inf\"")), (3.0, 3.0));
        assert_eq!(of("duration_seconds_bucket", ",le=\"0.0001\""), 3.0, "the clock stands still");
        assert!(text.contains("route=\"say-\\\"hi\\\"\\\\\""), "labels are escaped: {text}");
        for line in text.lines().filter(|line| line.starts_with("# TYPE")) {
            let mut words = line.split(' ').skip(2);
            let (name, kind) = (words.next().unwrap(), words.next().unwrap());
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        }
    }
}
