//! A router whose state is never given.

use relais_domain::routing::*;

#[derive(Clone)]
struct Shop;

async fn order(_: State<Shop>) {}

fn main() {
    let _ = TestApp::start(Router::<Shop>::new().subscribe("from.{user}.order", order));
}
