//! Makes Rust of the messages of __name__; no protoc is needed.

const MESSAGES: &str = "__name__.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed={MESSAGES}");
    let messages = protox::compile([MESSAGES], ["."])?;
    Ok(prost_build::compile_fds(messages)?)
}
