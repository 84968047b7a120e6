//! `Option` of what is always there.

use relais_domain::routing::*;

async fn order(_: Option<Reply>) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
