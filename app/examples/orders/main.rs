//! Orders: a small service with state, nested routers, a layer and an extractor of its own.
//!
//! Customers place orders, look at them and cancel them; the cook says which are ready, and the customer hears of it.
//!
//! ```sh
//! relais service add demo --out demo.creds
//! export RELAIS_NATS__CREDS=demo.creds
//! ORDERS_COOK=$COOK cargo run -p relais --example orders         # COOK is a user id; `relais whoami` says yours
//!
//! TYPES="--descriptors app/examples/orders/orders.proto"
//! relais request my.orders.place '{"item": "tea", "count": 2}' --type PlaceRequest $TYPES
//! relais request my.orders.1.show --type ShowRequest $TYPES
//! relais subscribe my.orders.ready --type Order $TYPES
//! relais request my.kitchen.1.ready --type ReadyRequest $TYPES --profile cook
//! ```

mod messages;

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use messages::{Order, PlaceRequest};
use relais::prelude::*;

/// The state: every handler may take it, or a part of it. Each gets a clone, so what is shared stands behind an `Arc`.
#[derive(Clone)]
struct Shop {
    cook: Option<UserId>,
    orders: Arc<Mutex<BTreeMap<u32, (UserId, Order)>>>,
}

impl Shop {
    fn orders(&self) -> MutexGuard<'_, BTreeMap<u32, (UserId, Order)>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can go wrong, in the words of the shop; callers are told a code and a text.
enum OrderError {
    NotSold(String),
    HowMany,
    Unknown(u32),
    NotOpen(Order),
}

impl From<OrderError> for Fault {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::NotSold(item) => Fault::bad_request(format!("we do not sell {item:?}, only tea and cake")),
            OrderError::HowMany => Fault::bad_request("order between 1 and 100"),
            OrderError::Unknown(number) => Fault::not_found(format!("you have no order {number}")),
            OrderError::NotOpen(order) => Fault::conflict(format!("order {} is {}", order.number, order.status)),
        }
    }
}

/// An extractor of our own: a handler that takes it runs for the cook only.
struct Cook;

impl Extract<Shop> for Cook {
    type Rejection = Fault;

    async fn extract(request: &Request, shop: &Shop) -> Result<Self, Fault> {
        match request.caller() {
            Some(caller) if Some(caller) == shop.cook.as_ref() => Ok(Self),
            _ => Err(Fault::forbidden("this is for the cook")),
        }
    }
}

async fn place(
    Message(wanted): Message<PlaceRequest>,
    user: CurrentUser,
    State(shop): State<Shop>,
) -> Result<Message<Order>, OrderError> {
    let price = match wanted.item.as_str() {
        "tea" => 250,
        "cake" => 400,
        _ => return Err(OrderError::NotSold(wanted.item)),
    };
    if !(1..=100).contains(&wanted.count) {
        return Err(OrderError::HowMany);
    }
    let mut orders = shop.orders();
    let number = orders.last_key_value().map_or(1, |(last, _)| last + 1);
    let PlaceRequest { item, count } = wanted;
    let order = Order { number, item, count, cents: price * count, status: "open".to_owned() };
    orders.insert(number, (user.id().clone(), order.clone()));
    Ok(Message(order))
}

async fn show(
    Tokens(number): Tokens<u32>,
    user: CurrentUser,
    State(shop): State<Shop>,
) -> Result<Message<Order>, OrderError> {
    let orders = shop.orders();
    let own = orders.get(&number).filter(|(customer, _)| customer == user.id());
    own.map(|(_, order)| Message(order.clone())).ok_or(OrderError::Unknown(number))
}

async fn cancel(
    Tokens(number): Tokens<u32>,
    user: CurrentUser,
    State(shop): State<Shop>,
) -> Result<Message<Order>, OrderError> {
    match shop.orders().get_mut(&number) {
        Some((customer, order)) if customer == user.id() => close(order, "cancelled").map(Message),
        _ => Err(OrderError::Unknown(number)),
    }
}

/// The customer hears it on `to.{customer}.my.orders.ready`, if a device of theirs listens.
async fn ready(
    _: Cook,
    Tokens(number): Tokens<u32>,
    State(shop): State<Shop>,
    to: ToUser,
) -> Result<Message<Order>, Fault> {
    let (customer, order) = match shop.orders().get_mut(&number) {
        Some((customer, order)) => (customer.clone(), close(order, "ready")?),
        None => return Err(OrderError::Unknown(number).into()),
    };
    to.message(&customer, "my.orders.ready", &order).await?;
    Ok(Message(order))
}

fn close(order: &mut Order, status: &str) -> Result<Order, OrderError> {
    if order.status != "open" {
        return Err(OrderError::NotOpen(order.clone()));
    }
    status.clone_into(&mut order.status);
    Ok(order.clone())
}

/// A layer: one async function around the handlers. It writes down who asked for what, and what came of it.
async fn journal(request: Request, next: Next) -> Answer {
    let subject = request.message().subject.clone();
    let answer = next.run(request).await;
    match &answer {
        Answer::Fault(fault) => tracing::info!(%subject, %fault, "refused"),
        _ => tracing::info!(%subject, "done"),
    }
    answer
}

fn router(cook: Option<UserId>) -> Router {
    let customers = Router::new()
        // One message of a customer at a time, in the order sent; customers do not wait for one another.
        .route(Route::new("place", place).ordered())
        .subscribe("{order}.show", show)
        .subscribe("{order}.cancel", cancel);
    let kitchen = Router::new().subscribe("{order}.ready", ready);
    Router::new()
        .nest("from.{user}.my.orders", customers)
        .nest("from.{user}.my.kitchen", kitchen)
        .layer(journal)
        .with_state(Shop { cook, orders: Arc::default() })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cook = env::var("ORDERS_COOK").ok().map(|id| id.parse::<UserId>()).transpose();
    let cook = cook.map_err(|error| format!("ORDERS_COOK: {error}"))?;
    Ok(relais::serve(Settings::load()?, router(cook)).await?)
}
