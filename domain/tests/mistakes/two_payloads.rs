//! Two arguments take the payload.

use relais_domain::routing::*;

#[derive(Clone, PartialEq, prost::Message)]
struct Order {
    #[prost(string, tag = "1")]
    item: String,
}

async fn order(_: Message<Order>, _: Payload) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
