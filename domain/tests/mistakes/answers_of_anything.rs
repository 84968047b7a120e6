//! A stream of what is no answer.

use futures_util::{Stream, stream};
use relais_domain::routing::*;

async fn order() -> Answers<impl Stream<Item = u32>> {
    Answers(stream::empty())
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
