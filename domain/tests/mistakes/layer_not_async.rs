//! A layer that is not async.

use relais_domain::routing::*;

async fn order() {}

fn logged(_: Request, _: Next) -> Answer {
    Answer::Empty
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order).layer(logged);
}
