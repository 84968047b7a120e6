//! The handler is called where it should be named.

use relais_domain::routing::*;

async fn order() {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order());
}
