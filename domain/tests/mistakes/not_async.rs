//! A handler that is not async.

use relais_domain::routing::*;

fn order(_: CurrentUser) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
