//! Protobuf messages by name: text and JSON to bytes, bytes to JSON, through descriptors read at run time.
//!
//! The command line sends and prints messages it was not compiled with. [`Descriptors`] come from an encoded
//! `google.protobuf.FileDescriptorSet` (what `protoc --include_imports -o` and `buf build -o` write) or from a `.proto`
//! file, compiled in process. JSON is the canonical one of protobuf (lower-camel-case names, 64-bit numbers as strings).
//!
//! Nothing here panics on outside bytes: descriptors, bodies and answers all come from elsewhere.

mod codec;
mod locate;
mod schemas;

pub use codec::{Body, Decoded};

use std::path::{Path, PathBuf};

use prost_reflect::{DescriptorPool, MessageDescriptor};

/// Message types and services, by name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Descriptors {
    pool: DescriptorPool,
}

/// Why descriptors, a type or a body could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ReflectError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are no descriptor set, or one whose imports are missing.
    #[error(
        "this is no complete encoded FileDescriptorSet; make one with `protoc --include_imports -o FILE …`, or give the \
         .proto file itself"
    )]
    Set(#[source] prost_reflect::DescriptorError),
    /// The `.proto` file does not compile: where and why, on one or more lines.
    #[error("{} does not compile: {reason}", path.display())]
    Proto {
        /// Which file was asked for.
        path: PathBuf,
        /// File, line, column and reason, as the compiler says it.
        reason: String,
    },
    /// No message of this name.
    #[error("there is no message type {name} in the descriptors; {known}")]
    UnknownType {
        /// What was asked for.
        name: String,
        /// "did you mean …", or "they have …".
        known: String,
    },
    /// A short name that several packages have.
    #[error("{name} is several types: {}; give the full name", candidates.join(", "))]
    AmbiguousType {
        /// What was asked for.
        name: String,
        /// The full names.
        candidates: Vec<String>,
    },
    /// Several methods take this type and answer differently.
    #[error("the methods that take {input} answer with different types: {}; say which", outputs.join(", "))]
    AmbiguousAnswer {
        /// The request type.
        input: String,
        /// What the methods answer.
        outputs: Vec<String>,
    },
    /// Text was given for a type that has no place for it.
    #[error("{type_name} has no string field to put text in; write the body as JSON, its fields are: {fields}")]
    NoTextField {
        /// The type.
        type_name: String,
        /// Its fields, as JSON calls them.
        fields: String,
    },
    /// The body is not JSON at all.
    #[error("the body begins with {{ but is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The body is JSON, but not that of this type: which field, and what is wrong with it.
    #[error("the body is no {type_name}: {at}{reason}")]
    Field {
        /// The type.
        type_name: String,
        /// `field order.items[2]: `, or nothing when the body as a whole is wrong.
        at: String,
        /// What is wrong there.
        reason: String,
    },
    /// The bytes are not a message of this type.
    #[error("the bytes are no {type_name}: {reason}")]
    Undecodable {
        /// The type.
        type_name: String,
        /// What is wrong.
        reason: String,
    },
}

/// How many folders above a `.proto` file are tried as the root of its imports.
const IMPORT_ROOTS: usize = 8;

impl Descriptors {
    /// Reads an encoded `FileDescriptorSet`.
    ///
    /// # Errors
    /// [`ReflectError::Set`] when the bytes are none, or when a file it imports is not in it.
    pub fn from_set(bytes: &[u8]) -> Result<Self, ReflectError> {
        Ok(Self { pool: DescriptorPool::decode(bytes).map_err(ReflectError::Set)? })
    }

    /// Compiles a `.proto` file. Its imports are looked for from its own folder, then from each folder above: the first
    /// that has them all is taken as the root.
    ///
    /// # Errors
    /// [`ReflectError::Unreadable`], [`ReflectError::Proto`] with file, line and column.
    pub fn from_proto_file(path: &Path) -> Result<Self, ReflectError> {
        let unreadable = |source| ReflectError::Unreadable { path: path.to_owned(), source };
        let file = std::fs::canonicalize(path).map_err(unreadable)?;
        std::fs::File::open(&file).map_err(unreadable)?;
        let mut first = None;
        for root in file.ancestors().skip(1).take(IMPORT_ROOTS) {
            match compile(root, &file) {
                // Read anew: the compiler's own pool was made before it had read the options.
                Ok(pool) => return Self::from_set(&pool.encode_to_vec()),
                Err(error) => {
                    let missing_import = error.is_file_not_found();
                    first.get_or_insert_with(|| describe(&error));
                    if !missing_import {
                        break;
                    }
                }
            }
        }
        let reason = first.unwrap_or_else(|| "it lies in no folder".to_owned());
        Err(ReflectError::Proto { path: path.to_owned(), reason })
    }

    /// Reads a file of either kind: one whose name ends in `.proto` is compiled, any other is a descriptor set.
    ///
    /// # Errors
    /// Those of [`Descriptors::from_set`] and [`Descriptors::from_proto_file`].
    pub fn from_file(path: &Path) -> Result<Self, ReflectError> {
        if path.extension().is_some_and(|extension| extension == "proto") {
            return Self::from_proto_file(path);
        }
        let bytes = std::fs::read(path).map_err(|source| ReflectError::Unreadable { path: path.to_owned(), source })?;
        Self::from_set(&bytes)
    }

    /// The full name of the type that `name` means: a full name, with or without a leading dot, or a short one that
    /// only one package has.
    ///
    /// # Errors
    /// [`ReflectError::UnknownType`], [`ReflectError::AmbiguousType`].
    pub fn resolve(&self, name: &str) -> Result<String, ReflectError> {
        Ok(self.message(name)?.full_name().to_owned())
    }

    /// What a request of type `input` is answered with: the output of the methods that take it, else `XResponse` beside
    /// `XRequest`. `None` when neither says anything.
    ///
    /// # Errors
    /// [`ReflectError::AmbiguousAnswer`] when methods disagree; those of [`Descriptors::resolve`].
    pub fn answer_of(&self, input: &str) -> Result<Option<String>, ReflectError> {
        let input = self.message(input)?;
        let mut outputs: Vec<String> = self
            .pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .filter(|method| method.input() == input)
            .map(|method| method.output().full_name().to_owned())
            .collect();
        outputs.sort();
        outputs.dedup();
        match outputs.len() {
            0 => {
                let twin = input.full_name().strip_suffix("Request").map(|stem| format!("{stem}Response"));
                Ok(twin.filter(|twin| self.pool.get_message_by_name(twin).is_some()))
            }
            1 => Ok(outputs.pop()),
            _ => Err(ReflectError::AmbiguousAnswer { input: input.full_name().to_owned(), outputs }),
        }
    }

    fn message(&self, name: &str) -> Result<MessageDescriptor, ReflectError> {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some(message) = self.pool.get_message_by_name(name) {
            return Ok(message);
        }
        let short = format!(".{name}");
        let mut found: Vec<_> =
            self.pool.all_messages().filter(|message| message.full_name().ends_with(&short)).collect();
        match found.len() {
            0 => Err(ReflectError::UnknownType { name: clipped(name), known: self.known_types() }),
            1 => Ok(found.remove(0)),
            _ => {
                let candidates = found.iter().map(|message| message.full_name().to_owned()).collect();
                Err(ReflectError::AmbiguousType { name: name.to_owned(), candidates })
            }
        }
    }

    fn known_types(&self) -> String {
        let mut names: Vec<String> = self
            .pool
            .all_messages()
            .filter(|message| !message.is_map_entry() && !message.full_name().starts_with("google.protobuf."))
            .map(|message| message.full_name().to_owned())
            .collect();
        names.sort();
        let more = names.len().saturating_sub(10);
        names.truncate(10);
        match (names.is_empty(), more) {
            (true, _) => "they have none".to_owned(),
            (false, 0) => format!("they have {}", names.join(", ")),
            (false, more) => format!("they have {} and {more} more", names.join(", ")),
        }
    }
}

fn compile(root: &Path, file: &Path) -> Result<DescriptorPool, protox::Error> {
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).open_file(file)?;
    Ok(compiler.descriptor_pool())
}

/// The compiler's `Debug` is its one line with file, line and column; `Display` leaves the place out.
fn describe(error: &protox::Error) -> String {
    format!("{error:?}")
}

/// At most 80 characters of a name from outside.
fn clipped(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(80).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"
        syntax = "proto3";
        package shop.v1;
        message OrderRequest { string item = 1; uint32 count = 2; Address to = 3; repeated Address also = 4; }
        message OrderResponse { string id = 1; }
        message Address { string street = 1; int32 number = 2; }
        message Quote { string text = 1; }
        message Answer { string text = 1; bool last = 2; }
        message Count { int64 value = 1; }
        message Torn { string text = 1; }
        service Quotes { rpc Ask(Quote) returns (Answer); rpc A(Torn) returns (Answer); rpc B(Torn) returns (Count); }
    "#;

    pub(super) fn shop() -> Descriptors {
        static DESCRIPTORS: std::sync::LazyLock<Descriptors> = std::sync::LazyLock::new(|| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("shop.proto");
            std::fs::write(&file, SHOP).unwrap();
            Descriptors::from_proto_file(&file).unwrap()
        });
        DESCRIPTORS.clone()
    }

    #[test]
    fn a_proto_file_finds_its_imports_from_a_folder_above() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("shop/v1");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("item.proto"), "syntax = \"proto3\"; package shop.v1; message Item {}").unwrap();
        let text =
            "syntax = \"proto3\"; package shop.v1; import \"shop/v1/item.proto\"; message Cart { Item item = 1; }";
        std::fs::write(inner.join("cart.proto"), text).unwrap();
        let descriptors = Descriptors::from_file(&inner.join("cart.proto")).unwrap();
        assert_eq!(descriptors.resolve("Item").unwrap(), "shop.v1.Item");
    }

    #[test]
    fn what_does_not_compile_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad.proto");
        std::fs::write(&file, "syntax = \"proto3\";\nmessage X { strin g = 1; }").unwrap();
        let text = Descriptors::from_file(&file).unwrap_err().to_string();
        assert!(text.contains("bad.proto") && text.contains('2') && text.contains("strin"), "{text}");
        assert!(matches!(
            Descriptors::from_file(&folder.path().join("absent.proto")),
            Err(ReflectError::Unreadable { .. })
        ));
        assert!(matches!(Descriptors::from_set(b"\xff\xff"), Err(ReflectError::Set(_))));
    }

    #[test]
    fn a_set_is_read_and_short_names_are_found() {
        let set = shop().pool.encode_to_vec();
        let descriptors = Descriptors::from_set(&set).unwrap();
        assert_eq!(descriptors.resolve("OrderRequest").unwrap(), "shop.v1.OrderRequest");
        assert_eq!(descriptors.resolve(".shop.v1.Quote").unwrap(), "shop.v1.Quote");
        let unknown = descriptors.resolve("Nothing").unwrap_err().to_string();
        assert!(unknown.contains("shop.v1.Quote"), "{unknown}");
    }

    #[test]
    fn the_answer_comes_from_a_method_or_from_the_name() {
        let descriptors = shop();
        for (input, answer) in
            [("Quote", Some("shop.v1.Answer")), ("OrderRequest", Some("shop.v1.OrderResponse")), ("Count", None)]
        {
            assert_eq!(descriptors.answer_of(input).unwrap().as_deref(), answer, "{input}");
        }
        assert!(matches!(descriptors.answer_of("Torn"), Err(ReflectError::AmbiguousAnswer { .. })));
    }
}
