//! A stream of answers whose error does not become a fault.

use futures_util::{Stream, stream};
use relais_domain::routing::*;

async fn order() -> Answers<impl Stream<Item = Result<Vec<u8>, String>>> {
    Answers(stream::empty())
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
