//! What `relais new` takes.

use std::path::PathBuf;

use clap::Args;
use relais_domain::identity::ServiceName;

/// What `new` takes.
#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// Its name, as a crate and as a service: 1 to 32 characters of a-z, 0-9 and -, beginning with a letter
    #[arg(value_parser = parse_name)]
    pub name: ServiceName,
    /// The folder to write, which must be empty or not be there [default: NAME]
    #[arg(long, value_name = "FOLDER")]
    pub path: Option<PathBuf>,
}

/// What no crate may be called: the words of Rust, what cargo keeps for itself, and what the program is made of or calls.
const TAKEN: [&str; 3] = [
    "abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl \
     in let loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof \
     unsafe unsized use virtual where while yield",
    "alloc build core deps examples incremental proc-macro std test",
    "prost prost-build protox relais tokio",
];

/// A name that is fit for a service, a crate and a protobuf package.
pub(super) fn parse_name(text: &str) -> Result<ServiceName, String> {
    let name: ServiceName = text.parse().map_err(|error| format!("{error}"))?;
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err("a crate's name begins with a letter".to_owned());
    }
    if TAKEN.iter().any(|words| words.split(' ').any(|word| word == text)) {
        return Err(format!("{text} has a meaning in Rust, cargo or Relais; choose another name"));
    }
    Ok(name)
}
