//! An error that does not become a fault.

use relais_domain::routing::*;

async fn order() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
