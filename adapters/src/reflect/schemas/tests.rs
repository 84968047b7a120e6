//! The text of a message compiles by itself, and means what the message it was made of means.

use std::{fs, path::Path};

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use super::*;

const COMMON: &str = r#"
syntax = "proto3";
package common.v1;
// An amount of money.
message Money { string currency = 1; int64 cents = 2; Rounding rounding = 3; }
enum Rounding { UNKNOWN = 0; UP = 1; }
"#;

const OLD: &str = r#"
syntax = "proto2";
package old;
message Receipt {
  required string number = 1;
  optional int32 copies = 2 [default = 2];
  optional string greeting = 3 [default = "say \"hi\"\\"];
  repeated int32 pages = 4;
  repeated int32 packed = 5 [packed = true];
  optional group Stamp = 6 { optional bytes image = 1 [default = "\001a"]; }
  optional Kind kind = 7 [default = SMALL];
  enum Kind { LARGE = 1; SMALL = 2; }
}
"#;

const SHOP: &str = r#"
syntax = "proto3";
package shop.v1;
import "common.proto";
import "old.proto";
import "google/protobuf/timestamp.proto";

// What is ordered.
// By whom, the broker knows.
//
// More than anybody reads.
message Order {
  // One thing of it.
  message Line {
    // How many; at least one.
    uint32 count = 1;
    oneof what {
      string name = 2;
      uint64 number = 3;
    }
    Order instead = 4; // if it is sold out
  }
  enum State { option allow_alias = true; OPEN = 0; NEW = 0; PAID = 1; }
  repeated Line lines = 1;
  map<string, Line> by_name = 2;
  map<int32, common.v1.Rounding> roundings = 3;
  optional string note = 4;
  State state = 5;
  common.v1.Money price = 6;
  google.protobuf.Timestamp at = 7;
  repeated sint32 offsets = 8 [packed = false];
  repeated double weights = 9;
  bool old = 10 [deprecated = true];
  string odd_name = 11 [json_name = "Odd"];
  Address to = 12;
}
message Address { string street = 1; fixed64 code = 2; bytes key = 3; float at = 4; }
message Plain { string message = 1; }
message Node { Node next = 1; }
message Mixed { old.Receipt receipt = 1; string text = 2; repeated int32 pages = 3; }
"#;

const BARE: &str = r#"
syntax = "proto3";
import "shop.proto";
message Bare { shop.v1.Address to = 1; Other other = 2; }
message Other { Bare bare = 1; }
"#;

fn compile(folder: &Path, file: &str) -> Descriptors {
    Descriptors::from_proto_file(&folder.join(file)).unwrap_or_else(|error| panic!("{error}"))
}

fn descriptors() -> Descriptors {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("common.proto", COMMON), ("old.proto", OLD), ("shop.proto", SHOP), ("bare.proto", BARE)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    compile(folder.path(), "bare.proto")
}

fn text(name: &str) -> String {
    descriptors().schemas(None).get(name).unwrap().text.clone()
}

/// What a field means on the wire and in JSON; types of other packages by the last of their names.
fn meaning(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) if message.is_map_entry() => {
            message.fields().map(|field| meaning(&field)).collect::<Vec<_>>().join(", ")
        }
        Kind::Message(message) => message.name().to_owned(),
        Kind::Enum(own) => {
            format!("{} {:?}", own.name(), own.values().map(|value| value.number()).collect::<Vec<_>>())
        }
        scalar => format!("{scalar:?}"),
    };
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()).map(|oneof| oneof.name().to_owned());
    let default = (!matches!(field.kind(), Kind::Message(_))).then(|| field.default_value());
    format!(
        "{} {} {} {:?} {kind} packed {} presence {} group {} {oneof:?} {:?}",
        field.number(),
        field.name(),
        field.json_name(),
        field.cardinality(),
        field.is_packed(),
        // In proto2 every single field knows whether it is there; that is nothing on the wire.
        field.supports_presence() || field.parent_file().syntax() == Syntax::Proto2,
        field.is_group(),
        default,
    )
}

fn meanings(message: &MessageDescriptor) -> Vec<String> {
    message.fields().map(|field| meaning(&field)).collect()
}

fn find(pool: &DescriptorPool, full_name: &str) -> Option<MessageDescriptor> {
    pool.get_message_by_name(full_name)
}

#[test]
fn every_text_compiles_alone_and_means_the_same() {
    let original = descriptors();
    let schemas = original.schemas(None);
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for name in schemas.names().filter(|name| !name.starts_with("google.protobuf.")) {
        let schema = schemas.get(name).unwrap();
        fs::write(folder.path().join("alone.proto"), &schema.text).unwrap();
        let alone = compile(folder.path(), "alone.proto");
        let (own, copy) = (find(&original.pool, name).unwrap(), find(&alone.pool, name));
        let copy = copy.unwrap_or_else(|| panic!("{name} is not in\n{}", schema.text));
        if schema.format.ends_with("=3") || own.parent_file().syntax() == Syntax::Proto2 {
            assert_eq!(meanings(&own), meanings(&copy), "{}", schema.text);
        } else {
            // Said in proto2.
            let plain = |message: &MessageDescriptor| -> Vec<String> {
                let field = |field: FieldDescriptor| format!("{} {:?}", field.number(), field.is_packed());
                message.fields().map(field).collect()
            };
            assert_eq!(plain(&own), plain(&copy), "{}", schema.text);
        }
        compared += 1;
    }
    assert_eq!(compared, 11);
}

#[test]
fn a_message_alone_is_plain_text() {
    assert_eq!(
        text("shop.v1.Plain"),
        "syntax = \"proto3\";\n\npackage shop.v1;\n\nmessage Plain {\n  string message = 1;\n}\n"
    );
    assert!(!text("shop.v1.Node").contains("@RootNode"), "it refers to itself only");
    assert!(text("Bare").starts_with("syntax = \"proto3\";\n\n// @RootNode\nmessage Bare {\n"));
}

#[test]
fn comments_come_along_and_the_first_paragraph_says_what_it_is() {
    let order = text("shop.v1.Order");
    for line in [
        "// What is ordered.\n// By whom, the broker knows.\n//\n// More than anybody reads.\n// @RootNode\nmessage Order {\n",
        "    // How many; at least one.\n    uint32 count = 1;\n",
        "    // if it is sold out\n    .shop.v1.Order instead = 4;\n",
        "import \"google/protobuf/timestamp.proto\";\n",
        "  .google.protobuf.Timestamp at = 7;\n",
        "// What is used of the package common.v1.\nmessage common_v1 {\n  // An amount of money.\n  message Money {\n",
        "  .shop.v1.common_v1.Money price = 6;\n",
        "  map<string, .shop.v1.Order.Line> by_name = 2;\n",
        "    option allow_alias = true;\n",
    ] {
        assert!(order.contains(line), "{line}in\n{order}");
    }
    assert_eq!(order.matches("@RootNode").count(), 1, "{order}");
    let about = descriptors().schemas(None).get("shop.v1.Order").unwrap().about.clone();
    assert_eq!(about.as_deref(), Some("What is ordered. By whom, the broker knows."));
}

#[test]
fn a_message_inside_another_is_marked() {
    let line = text("shop.v1.Order.Line");
    assert!(line.contains("  // One thing of it.\n  // @RootNode\n  message Line {\n"), "{line}");
    assert_eq!(line.matches("@RootNode").count(), 1, "{line}");
}

#[test]
fn what_touches_proto2_is_proto2() {
    let schemas = descriptors().schemas(None);
    let (old, mixed) = (schemas.get("old.Receipt").unwrap(), schemas.get("shop.v1.Mixed").unwrap());
    assert_eq!(old.format, "application/vnd.google.protobuf;version=2");
    for line in [
        "required string number = 1;",
        "optional int32 copies = 2 [default = 2];",
        "optional group Stamp = 6 {",
        "repeated int32 packed = 5 [packed = true];",
        "kind = 7 [default = SMALL];",
    ] {
        assert!(old.text.contains(line), "{line} in\n{}", old.text);
    }
    assert_eq!(mixed.format, old.format);
    assert!(mixed.text.contains("optional string text = 2;"), "{}", mixed.text);
    assert!(mixed.text.contains("repeated int32 pages = 3 [packed = true];"), "{}", mixed.text);
    assert_eq!(schemas.get("shop.v1.Order").unwrap().format, "application/vnd.google.protobuf;version=3");
}

#[test]
fn a_comment_cannot_leave_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let wild = "syntax = \"proto3\";\n/* a\rmessage Evil {}\x0b*/\nmessage Wild {}\n";
    fs::write(folder.path().join("wild.proto"), wild).unwrap();
    let text = compile(folder.path(), "wild.proto").schemas(None).get("Wild").unwrap().text.clone();
    assert!(text.lines().all(|line| line.starts_with("//") || !line.contains("Evil")), "{text}");
    assert!(!text.contains(['\r', '\x0b']), "{text:?}");
}

#[test]
fn the_well_known_types_are_there_and_belong_to_their_crate() {
    let schemas = descriptors().schemas(Some("shop_proto"));
    assert_eq!(schemas.get("google.protobuf.StringValue").unwrap().home.as_deref(), Some("prost_types"));
    assert_eq!(schemas.get("google.protobuf.Timestamp").unwrap().home.as_deref(), Some("prost_types"));
    assert_eq!(schemas.get("shop.v1.Order").unwrap().home.as_deref(), Some("shop_proto"));
}
