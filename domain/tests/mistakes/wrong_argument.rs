//! An argument that is no extractor.

use relais_domain::routing::*;

async fn order(_: u32) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
