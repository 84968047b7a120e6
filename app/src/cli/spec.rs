//! What `relais spec` takes.

use clap::Subcommand;

/// What can be described.
#[derive(Debug, Subcommand)]
pub enum SpecCommand {
    /// The HTTP API, as an OpenAPI document
    Openapi,
    /// What is answered on NATS, as an AsyncAPI document: subjects, messages, answers, faults
    #[command(after_help = "\
It describes the built-in routes, as the settings have them, and needs nothing that runs.
A program describes its own routes in a test or a build step, in three lines:

  let document = relais::AsyncApi::new(\"shop\").proto(\"shop.proto\").document(&router)?;
  assert!(document.notes().is_empty(), \"{:?}\", document.notes());
  std::fs::write(\"asyncapi.json\", document.json())?;

Examples:
  relais spec asyncapi > asyncapi.json
  relais spec asyncapi --set examples=false --set topics=news,weather")]
    Asyncapi,
}
