//! What is right compiles: so the mistakes beside it are told for what they are.

use relais_domain::routing::*;

async fn order(_: CurrentUser, _: Payload) -> Result<(), Fault> {
    Ok(())
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
