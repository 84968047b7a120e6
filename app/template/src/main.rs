//! Runs __name__ as a service, with the creds that `relais service add __name__` makes.

#[tokio::main]
async fn main() -> relais::Result<()> {
    relais::serve(relais::Settings::load()?, __ident__::router()).await
}
