use relais::prelude::*;

include!(concat!(env!("OUT_DIR"), "/shop.rs"));

async fn order(Message(order): Message<OrderRequest>, user: CurrentUser) -> Message<OrderResponse> {
    Message(OrderResponse { text: format!("{} for {}", order.item, user.id()) })
}

#[tokio::main]
async fn main() -> relais::Result<()> {
    relais::serve(Settings::load()?, Router::new().subscribe("from.{user}.orders.new", order)).await
}
