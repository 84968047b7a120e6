//! Something that cannot go to another thread is held across an await.

use std::rc::Rc;

use relais_domain::routing::*;

async fn order() {
    let held = Rc::new(1);
    std::future::ready(()).await;
    drop(held);
}

fn main() {
    let _: Router = Router::new().subscribe("from.{user}.order", order);
}
