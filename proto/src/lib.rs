//! The messages of Relais, generated from `proto/relais/v1/*.proto`.
//!
//! Numbers once given to a field are never given to another; new fields take new numbers. This package knows prost
//! and nothing else of Relais.

/// Messages of the protobuf package `relais.v1`.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/relais.v1.rs"));
}

/// The descriptor set of every message here, as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/relais.bin"));
