//! A protobuf message is answered without `Message(…)` around it.

use relais_domain::routing::*;

#[derive(Clone, PartialEq, prost::Message)]
struct Order {
    #[prost(string, tag = "1")]
    item: String,
}

async fn order() -> Order {
    Order::default()
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
