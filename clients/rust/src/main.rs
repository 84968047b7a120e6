//! `generator FROM TO`: reads the OpenAPI document FROM and writes a Rust client of it to TO.
//!
//! [progenitor] writes the client. Before it does, the document is made what a client needs of it (`simplify`): rules for
//! input are the server's to judge, and errors are one thing in the whole API. Afterwards the code is made what the house
//! asks for (`harden`): what holds a secret has no `Debug`.
//!
//! [progenitor]: https://github.com/oxidecomputer/progenitor

mod harden;
mod simplify;

use std::fs;

use anyhow::{Context, Result, bail};
use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle, TypeImpl};
use serde_json::Value;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else { bail!("usage: generator DOCUMENT RUST-FILE") };
    let text = fs::read_to_string(from).with_context(|| format!("{from} cannot be read"))?;
    let document: Value = serde_json::from_str(&text).with_context(|| format!("{from} is no JSON"))?;
    let code = client(document).with_context(|| format!("no client can be made of {from}"))?;
    // In whole or not at all: the old file stays until the new one is complete.
    let new = format!("{to}.new");
    fs::write(&new, code).with_context(|| format!("{new} cannot be written"))?;
    fs::rename(&new, to).with_context(|| format!("{to} cannot be replaced"))
}

/// The code of a client.
fn client(mut document: Value) -> Result<String> {
    simplify::simplify(&mut document)?;
    let document: openapiv3::OpenAPI = serde_json::from_value(document)?;
    let conversion = |format: &str| {
        serde_json::from_value(serde_json::json!({"type": "string", "format": format})).context("a schema of a string")
    };
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_inner_type("super::call::Bearer".parse().map_err(|_| anyhow::anyhow!("no type"))?)
        .with_conversion(conversion("date-time")?, "::jiff::Timestamp", [TypeImpl::Display].into_iter())
        .with_conversion(conversion("password")?, harden::SECRET, [].into_iter());
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    let mut file: syn::File = syn::parse2(tokens).context("the generated code is no Rust")?;
    harden::harden(&mut file)?;
    Ok(format!(
        "// Made from openapi/relais.json by `./x clients`; not to be edited.\n\n{}",
        prettyplease::unparse(&file)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(path: &str) -> String {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn document() -> Value {
        serde_json::from_str(&repository("openapi/relais.json")).unwrap()
    }

    #[test]
    fn the_client_is_what_the_document_says() {
        let same = client(document()).unwrap() == repository("adapters/src/http_client/generated/mod.rs");
        assert!(
            same,
            "adapters/src/http_client/generated is not what openapi/relais.json says; ./x clients writes it anew"
        );
    }

    /// A new field that is secret is marked so in the document, or named in `simplify`; one that loses its mark is told.
    #[test]
    fn a_secret_that_is_not_found_is_an_error() {
        let mut document = document();
        document["components"]["schemas"]["RefreshRequest"]["properties"]["refresh_token"]["format"] = Value::Null;
        assert!(client(document).unwrap_err().to_string().contains("RefreshRequest"));
    }

    /// Whatever is named like a secret in the document is sealed in the code.
    #[test]
    fn what_sounds_secret_is_sealed() {
        let code = client(document()).unwrap();
        let fields = code.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "));
        let secret = ["password", "code", "token", "access_token", "refresh_token", "creds", "old", "new", "seed"];
        let mut met = 0;
        for (name, kind) in fields.filter(|(name, _)| secret.contains(name)) {
            met += 1;
            assert!(kind.contains("Sealed"), "{name}: {kind}");
        }
        assert!(met >= 12, "{met}");
    }
}
