//! A protobuf message without `Message(…)` around it.

use relais_domain::routing::*;

#[derive(Clone, PartialEq, prost::Message)]
struct Order {
    #[prost(string, tag = "1")]
    item: String,
}

async fn order(_: Order) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
