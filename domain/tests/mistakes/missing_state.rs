//! A state that the router was not given.

use relais_domain::routing::*;

#[derive(Clone)]
struct Shop;

async fn order(_: State<Shop>) {}

fn main() {
    let _ = TestApp::start(Router::new().subscribe("from.{user}.order", order));
}
