//! An argument by reference.

use relais_domain::routing::*;

async fn order(_: &CurrentUser) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
