//! A stream is answered without `Answers(…)` around it.

use futures_util::{Stream, stream};
use relais_domain::routing::*;

async fn order() -> impl Stream<Item = Vec<u8>> {
    stream::empty()
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
