//! What the house asks of the generated code.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use quote::ToTokens;
use syn::{Attribute, Item, visit_mut::VisitMut};

/// The type of what must not be shown.
pub const SECRET: &str = "super::super::call::Sealed";
/// The derive that would show it.
const DEBUG: &str = "Debug";

/// Takes `Debug` from everything that holds a secret, and what a private module has no use for.
pub fn harden(file: &mut syn::File) -> Result<()> {
    let mut holders = Holders { known: ["Sealed".to_owned(), "Bearer".to_owned()].into(), grown: true };
    while std::mem::take(&mut holders.grown) {
        holders.visit_file_mut(file);
    }
    // Without one the search has gone blind.
    for known in ["LoginRequest", "LoginAnswer", "RefreshRequest", "PasswordRequest", "ResetRequest", "Client"] {
        ensure!(holders.known.contains(known), "{known} holds a secret, and was not found to");
    }
    Silence(&holders.known).visit_file_mut(file);
    let mut constructors = 0;
    for item in &mut file.items {
        // It would send with a client that knows neither whom to trust nor where a password may go.
        if let Item::Impl(own) = item {
            let before = own.items.len();
            own.items.retain(|item| !matches!(item, syn::ImplItem::Fn(function) if function.sig.ident == "new"));
            constructors += before - own.items.len();
        }
    }
    ensure!(constructors == 1, "of constructors with a client of their own {constructors} were found");
    Ok(())
}

/// Finds the types that hold one of those known.
struct Holders {
    known: BTreeSet<String>,
    grown: bool,
}

impl VisitMut for Holders {
    fn visit_item_mut(&mut self, item: &mut Item) {
        let (name, fields) = match item {
            Item::Struct(own) => (own.ident.to_string(), own.fields.to_token_stream()),
            Item::Enum(own) => (own.ident.to_string(), own.variants.to_token_stream()),
            _ => return syn::visit_mut::visit_item_mut(self, item),
        };
        if !self.known.contains(&name) && words(fields).any(|word| self.known.contains(&word)) {
            self.grown = true;
            self.known.insert(name);
        }
    }
}

fn words(tokens: proc_macro2::TokenStream) -> impl Iterator<Item = String> {
    let text = tokens.to_string();
    let words: Vec<_> = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

/// Takes `Debug` from these.
struct Silence<'a>(&'a BTreeSet<String>);

impl VisitMut for Silence<'_> {
    fn visit_item_mut(&mut self, item: &mut Item) {
        let (name, attributes) = match item {
            Item::Struct(own) => (own.ident.to_string(), &mut own.attrs),
            Item::Enum(own) => (own.ident.to_string(), &mut own.attrs),
            _ => return syn::visit_mut::visit_item_mut(self, item),
        };
        if self.0.contains(&name) {
            attributes.iter_mut().for_each(without_debug);
        }
    }
}

fn without_debug(attribute: &mut Attribute) {
    if !attribute.path().is_ident("derive") {
        return;
    }
    let Ok(derives) =
        attribute.parse_args_with(syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated)
    else {
        return;
    };
    let kept = derives.iter().filter(|path| path.segments.last().is_none_or(|last| last.ident != DEBUG));
    *attribute = syn::parse_quote!(#[derive(#(#kept),*)]);
}
