//! `Tokens<T>` of a type that cannot be read.

use relais_domain::routing::*;

struct Number(u64);

async fn order(_: Tokens<Number>) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order.{number}", order);
}
