//! An answer that is none.

use relais_domain::routing::*;

async fn order() -> u32 {
    1
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
