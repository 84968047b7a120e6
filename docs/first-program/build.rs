fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(prost_build::compile_fds(protox::compile(["shop.proto"], ["."])?)?)
}
