//! A program describes its routes: an AsyncAPI 3 document for those who call them.

#[cfg(feature = "server")]
mod backend;

use std::path::Path;

use relais_adapters::reflect::{Descriptors, ReflectError};
use relais_domain::{
    routing::{
        PayloadType, Router, StartError,
        asyncapi::{Api, Document, Schemas, Sends},
    },
    subject::InvalidSubject,
};

use crate::error::{Error, Result};

/// Describes a router as an AsyncAPI 3 document, for those who call it: subjects, messages with their `.proto` text,
/// answers, faults (feature `asyncapi`).
///
/// It needs neither a broker nor settings, so a test can keep the document that a repository holds true:
///
/// ```
/// use relais::{AsyncApi, prelude::*};
///
/// # mod orders {
/// #     #[derive(Clone, PartialEq, prost::Message)]
/// #     pub struct PlaceRequest { #[prost(string, tag = "1")] pub item: String }
/// #     #[derive(Clone, PartialEq, prost::Message)]
/// #     pub struct Order { #[prost(string, tag = "2")] pub item: String }
/// # }
/// # use orders::*;
/// # async fn place(_: Message<PlaceRequest>) -> Message<Order> { Message(Order::default()) }
/// # let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/orders/orders.proto");
/// let router = Router::new().subscribe("from.{user}.orders.place", place);
/// let document = AsyncApi::new("orders").proto(proto).document(&router)?;
/// assert!(document.json().contains("message PlaceRequest {"));
/// assert!(document.notes().is_empty(), "every type was found");
/// # Ok::<(), relais::Error>(())
/// ```
#[must_use = "it describes nothing until it is given a router"]
pub struct AsyncApi {
    api: Api,
    schemas: Schemas,
    beside: Option<Router>,
    problem: Option<Error>,
}

impl AsyncApi {
    /// Of the service with this name, which is its queue group too.
    pub fn new(name: impl Into<String>) -> Self {
        let api = Api { name: name.into(), version: "0.0.0".to_owned(), ..Api::default() };
        let own = Self { api, schemas: Schemas::default(), beside: None, problem: None };
        // The types of the prelude.
        own.add(Descriptors::from_set(relais_proto::DESCRIPTORS), Some("relais_proto"))
    }

    /// Its version, as in semver; `0.0.0` unless set.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.api.version = version.into();
        self
    }

    /// What it is for, in words (Markdown).
    pub fn about(mut self, words: impl Into<String>) -> Self {
        self.api.about = words.into();
        self
    }

    /// Where clients find the broker: `nats://host:port`, `tls://…`, `wss://…`. May be said of several. Unless it is, the
    /// document leaves the host open.
    pub fn server(mut self, url: impl Into<String>) -> Self {
        self.api.servers.push(url.into());
        self
    }

    /// The messages of a `.proto` file and of all it imports. The imports are looked for from its own folder, then from
    /// each folder above. A file that cannot be used is told by [`AsyncApi::document`].
    pub fn proto(self, file: impl AsRef<Path>) -> Self {
        self.add(Descriptors::from_proto_file(file.as_ref()), None)
    }

    /// The messages of an encoded `FileDescriptorSet`, as a build script can keep one. Bytes that are none are told by
    /// [`AsyncApi::document`].
    pub fn descriptors(self, set: &[u8]) -> Self {
        self.add(Descriptors::from_set(set), None)
    }

    /// Says that the service sends messages of type `T` besides its answers, such as to `to.{user}.reminder`, and when. A
    /// subject that cannot be is told by [`AsyncApi::document`].
    pub fn sends<T: prost::Message>(self, pattern: &str, about: impl Into<String>) -> Self {
        self.send(pattern, PayloadType::Message(std::any::type_name::<T>()), about.into())
    }

    /// The same of messages that are bytes.
    pub fn sends_bytes(self, pattern: &str, about: impl Into<String>) -> Self {
        self.send(pattern, PayloadType::Bytes, about.into())
    }

    /// Describes a router.
    ///
    /// A type that none of the messages given is known to be is described as bytes; [`Document::notes`] tells of it.
    ///
    /// # Errors
    /// [`Error::Start`] with every mistake in the router, [`Error::Descriptors`], [`Error::Sends`].
    pub fn document(self, router: &Router) -> Result<Document> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let mut routes = router.routes().map_err(StartError::Routes)?;
        if let Some(beside) = self.beside {
            routes.extend(beside.routes().map_err(StartError::Routes)?);
        }
        Ok(Document::new(&self.api, &routes, &self.schemas))
    }

    fn add(mut self, descriptors: Result<Descriptors, ReflectError>, home: Option<&str>) -> Self {
        match descriptors {
            Ok(descriptors) => self.schemas.merge(descriptors.schemas(home)),
            Err(error) => self.note(Error::Descriptors(error)),
        }
        self
    }

    fn send(mut self, pattern: &str, payload: PayloadType, about: String) -> Self {
        match pattern.parse() {
            Ok(pattern) => self.api.sends.push(Sends { pattern, payload, about }),
            Err(source) => self.note(sends(pattern, source)),
        }
        self
    }

    /// The first problem is the one that is told.
    fn note(&mut self, problem: Error) {
        self.problem.get_or_insert(problem);
    }
}

fn sends(pattern: &str, source: InvalidSubject) -> Error {
    Error::Sends { pattern: pattern.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use relais_domain::routing::{Answers, Message};
    use relais_proto::v1::{EchoRequest, EchoResponse, PingRequest};

    use super::*;

    async fn echo(_: Message<EchoRequest>) -> Message<EchoResponse> {
        Message(EchoResponse::default())
    }

    #[test]
    fn the_types_of_the_prelude_and_of_prost_are_known() {
        async fn text(_: Message<String>) -> Answers<futures_util::stream::Empty<Message<()>>> {
            Answers(futures_util::stream::empty())
        }
        let router: Router = Router::new().subscribe("from.{user}.echo", echo).subscribe("from.{user}.text", text);
        let api = AsyncApi::new("shop").version("2.0.0").about("Sells tea.").server("tls://nats.example.org");
        let document = api.sends::<PingRequest>("to.{user}.ping", "Now and then").document(&router).unwrap();
        assert_eq!(document.notes(), Vec::<String>::new());
        for text in [
            r#""version": "2.0.0""#,
            r#""description": "Sells tea."#,
            r#""host": "nats.example.org""#,
            r##""$ref": "#/components/schemas/relais.v1.EchoRequest""##,
            r##""$ref": "#/components/schemas/google.protobuf.StringValue""##,
            r##""$ref": "#/components/schemas/google.protobuf.Empty""##,
            r#""summary": "Now and then""#,
        ] {
            assert!(document.json().contains(text), "{text} in {document}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let router: Router = Router::new().subscribe("from.{user}.echo", echo);
        let of = |api: AsyncApi| api.document(&router).map(|_| ()).unwrap_err().to_string();
        assert!(of(AsyncApi::new("shop").descriptors(b"\xff")).contains("FileDescriptorSet"));
        assert!(of(AsyncApi::new("shop").proto("no/such.proto")).contains("no/such.proto"));
        let words = of(AsyncApi::new("shop").sends_bytes("to.{user", "x").proto("no/such.proto"));
        assert!(words.contains("to.{user") && !words.contains("such.proto"), "the first: {words}");
        let twice: Router = Router::new().subscribe("from.{user}.echo", echo).subscribe("from.{user}.echo", echo);
        let words = AsyncApi::new("shop").document(&twice).map(|_| ()).unwrap_err().to_string();
        assert!(words.contains("overlaps"), "{words}");
    }
}
