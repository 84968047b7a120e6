//! `relais new`: what is written, and what is left alone. That the program runs is told by scenario::new.

use std::fs;

use super::*;

async fn new(line: &[&str]) -> (Result<(), Failure>, Written) {
    let (globals, command) = parse(line);
    let profiles = Profiles::at("/nowhere".into());
    with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await)
}

#[tokio::test]
async fn a_program_is_written_under_its_name_and_says_what_is_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("below/tea");
    let (result, written) = new(&["new", "tea-shop", "--path", path.to_str().unwrap()]).await;
    result.unwrap();
    let read = |file: &str| fs::read_to_string(path.join(file)).unwrap();
    assert!(read("Cargo.toml").contains("name = \"tea-shop\"\n"));
    assert!(read("tea-shop.proto").contains("package tea_shop;\n"));
    assert!(
        read("src/lib.rs").contains("\"from.{user}.tea-shop.hello\"") && read("src/lib.rs").contains("/tea_shop.rs")
    );
    assert!(read("src/main.rs").contains("tea_shop::router()"));
    assert!(read(".gitignore").contains("*.creds"));
    assert_eq!(read("relais.toml").parse::<toml::Table>().unwrap()["topics"].as_array().unwrap().len(), 1);
    for next in [
        format!("cd {}\n", path.display()),
        format!(" service add tea-shop --out {}\n", path.join("tea-shop.creds").display()),
        "RELAIS_NATS__CREDS=tea-shop.creds cargo run\n".to_owned(),
        format!(
            " request tea-shop.hello Ada --type HelloRequest --descriptors {}",
            path.join("tea-shop.proto").display()
        ),
    ] {
        assert!(written.out().contains(&next), "{next} in {}", written.out());
    }
    // Every placeholder was filled, in every file that was told of, and there is no other.
    let (result, written) =
        new(&["new", "shop", "--json", "--path", folder.path().join("shop").to_str().unwrap()]).await;
    result.unwrap();
    let told: Value = serde_json::from_str(written.out()).unwrap();
    assert_eq!((&told["name"], &told["folder"]), (&json!("shop"), &json!(folder.path().join("shop"))));
    for file in told["files"].as_array().unwrap() {
        let text = fs::read_to_string(folder.path().join("shop").join(file.as_str().unwrap())).unwrap();
        assert!(!text.replace("RELAIS_NATS__CREDS", "").contains("__"), "{file}: {text}");
    }
}

#[tokio::test]
async fn nothing_that_is_there_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    new(&["new", "shop", "--path", place]).await.0.unwrap();
    fs::write(folder.path().join("src/lib.rs"), "my work").unwrap();
    let failure = new(&["new", "shop", "--path", place]).await.0.unwrap_err();
    assert_eq!((failure.exit, failure.what), (Exit::Failed, format!("{place} is not empty; nothing was written")));
    assert!(failure.hint.unwrap().contains("--path"));
    assert_eq!(fs::read_to_string(folder.path().join("src/lib.rs")).unwrap(), "my work");
    let failure = new(&["new", "shop", "--path", &format!("{place}/README.md")]).await.0.unwrap_err();
    assert!(failure.what.starts_with(&format!("cannot use {place}/README.md: ")), "{}", failure.what);
}
