//! A closure that borrows what it uses.

use relais_domain::routing::*;

fn main() {
    let prefix = String::from("order");
    let _: Router = Router::new().subscribe("from.{user}.order", async || drop(prefix.len()));
}
