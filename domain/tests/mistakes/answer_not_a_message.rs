//! `Message<T>` of a type that is no protobuf message, as an answer.

use relais_domain::routing::*;

struct Order;

async fn order() -> Message<Order> {
    Message(Order)
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
