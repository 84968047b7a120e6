//! A layer that does not take what comes next.

use relais_domain::routing::*;

async fn order() {}

async fn logged(_: Request) -> Answer {
    Answer::Empty
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order).layer(logged);
}
