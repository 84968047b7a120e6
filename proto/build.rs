//! Compiles `proto/**/*.proto` with protox, so that no `protoc` has to be installed, and keeps the descriptor set
//! beside the generated types: the command line builds messages from text and JSON through it.

use std::{env, fs, path::PathBuf};

use protox::prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["relais/v1/echo.proto", "relais/v1/ping.proto"], ["proto"])?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("relais.bin"), descriptors.encode_to_vec())?;
    let mut config = prost_build::Config::new();
    config.bytes(["."]).enable_type_names();
    config.compile_fds(descriptors)?;
    Ok(())
}
