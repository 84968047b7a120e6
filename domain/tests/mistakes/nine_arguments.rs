//! More than eight arguments.

use relais_domain::routing::*;

#[rustfmt::skip]
async fn order(_: Now, _: Now, _: Now, _: Now, _: Now, _: Now, _: Now, _: Now, _: Now) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
