//! `Message<T>` of a type that is no protobuf message.

use relais_domain::routing::*;

struct Order;

async fn order(_: Message<Order>) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
