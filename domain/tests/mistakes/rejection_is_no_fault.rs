//! An own extractor whose rejection does not become a fault.

use relais_domain::routing::*;

struct Shop;

impl<S: Sync> Extract<S> for Shop {
    type Rejection = String;

    async fn extract(_: &Request, _: &S) -> Result<Self, String> {
        Ok(Self)
    }
}

async fn order(_: Shop) {}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
