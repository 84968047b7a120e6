//! What __name__ answers: its messages, its routes, and the functions behind them.

use relais::prelude::*;

include!(concat!(env!("OUT_DIR"), "/__ident__.rs"));

/// The routes. `main` runs them against a broker, the tests run them without one.
pub fn router() -> Router {
    Router::new().subscribe("from.{user}.__name__.hello", hello)
}

async fn hello(Message(hello): Message<HelloRequest>, user: CurrentUser) -> Message<HelloResponse> {
    let text = format!("hello {}, you are {}", hello.name, user.id());
    Message(HelloResponse { text })
}
