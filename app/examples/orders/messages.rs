//! The messages of `orders.proto`, written out so that the example builds without a build script. A program of its own lets
//! one generate them; `relais new` makes such a program.

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PlaceRequest {
    #[prost(string, tag = "1")]
    pub(crate) item: String,
    #[prost(uint32, tag = "2")]
    pub(crate) count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Order {
    #[prost(uint32, tag = "1")]
    pub(crate) number: u32,
    #[prost(string, tag = "2")]
    pub(crate) item: String,
    #[prost(uint32, tag = "3")]
    pub(crate) count: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) cents: u32,
    #[prost(string, tag = "5")]
    pub(crate) status: String,
}
