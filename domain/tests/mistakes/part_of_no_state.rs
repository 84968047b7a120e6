//! A part of the state that the state does not say how to give.

use relais_domain::routing::*;

#[derive(Clone)]
struct Shop;

#[derive(Clone)]
struct Prices;

async fn order(_: State<Shop>, _: State<Prices>) {}

fn main() {
    let _: Router = Router::<Shop>::new().subscribe("from.{user}.order", order).with_state(Shop);
}
