//! Messages as `.proto` text, each complete in itself, for documents that hold schemas and cannot import.
//!
//! The text of a message holds all it refers to, with the developer's comments:
//!
//! - A message inside another comes with the outer one.
//! - What is of another package lies inside a message named after it (`common.v1` → `common_v1`), because a text has one
//!   package; on the wire nothing depends on these names.
//! - The well-known types of `google/protobuf/*.proto` are imported: every protobuf compiler has them.
//! - Types are named from the root (`.shop.v1.Order`), so that no name between can hide them.
//! - `@RootNode` marks the message that is meant when there are more: the comment by which AsyncAPI's protobuf schema parser
//!   finds it.
//!
//! Where a file of proto2 is involved the whole text is proto2, which can say everything that proto3 means on the wire.
//! Extensions, and options other than `packed`, `deprecated`, `json_name` and `default`, are left out.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
};

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, Syntax,
    prost_types::FieldOptions,
};
use relais_domain::routing::asyncapi::{Schema, Schemas};

use super::Descriptors;

/// The package of the types that are imported.
const WELL_KNOWN: &str = "google.protobuf";
/// Its files that every compiler has.
const IMPORTED: [&str; 7] = ["any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"];
/// What generated code for them is found in.
const WELL_KNOWN_HOME: &str = "prost_types";

impl Descriptors {
    /// The schemas of all its messages, and of the well-known types. `home` is the crate that has the generated types,
    /// where that is known.
    #[must_use]
    pub fn schemas(&self, home: Option<&str>) -> Schemas {
        let mut schemas = Schemas::default();
        let pools = [DescriptorPool::global(), self.pool.clone()];
        for message in pools.iter().flat_map(DescriptorPool::all_messages).filter(|message| !message.is_map_entry()) {
            let text = Text::of(&message);
            let version = if text.proto3 { 3 } else { 2 };
            let home = if message.package_name() == WELL_KNOWN { Some(WELL_KNOWN_HOME) } else { home };
            let schema = Schema {
                package: message.package_name().to_owned(),
                format: format!("application/vnd.google.protobuf;version={version}"),
                text: text.to_string(),
                about: comment(&message.parent_file(), message.path()).map(|comment| first_paragraph(&comment)),
                home: home.map(str::to_owned),
            };
            schemas.insert(message.full_name(), schema);
        }
        schemas
    }
}

/// A message or enum that lies in no other.
#[derive(Clone, PartialEq)]
enum Top {
    Message(MessageDescriptor),
    Enum(EnumDescriptor),
}

impl Top {
    fn of_message(message: &MessageDescriptor) -> Self {
        let mut outer = message.clone();
        while let Some(parent) = outer.parent_message() {
            outer = parent;
        }
        Self::Message(outer)
    }

    fn of_kind(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Message(message) => Some(Self::of_message(message)),
            Kind::Enum(own) => {
                Some(own.parent_message().map_or(Self::Enum(own.clone()), |outer| Self::of_message(&outer)))
            }
            _ => None,
        }
    }

    fn file(&self) -> FileDescriptor {
        match self {
            Self::Message(message) => message.parent_file(),
            Self::Enum(own) => own.parent_file(),
        }
    }
}

/// The text of one message, complete in itself.
struct Text {
    root: MessageDescriptor,
    package: String,
    proto3: bool,
    imports: BTreeSet<String>,
    /// What the text holds, the root's outermost message first.
    tops: Vec<Top>,
}

impl Text {
    fn of(root: &MessageDescriptor) -> Self {
        let package = root.package_name().to_owned();
        let mut text = Self {
            root: root.clone(),
            package,
            proto3: true,
            imports: BTreeSet::new(),
            tops: vec![Top::of_message(root)],
        };
        let mut at = 0;
        while let Some(top) = text.tops.get(at).cloned() {
            text.proto3 &= top.file().syntax() == Syntax::Proto3;
            if let Top::Message(message) = top {
                text.take_in(&message);
            }
            at += 1;
        }
        text
    }

    /// Takes in what the fields of a message, and of those inside it, are of.
    fn take_in(&mut self, message: &MessageDescriptor) {
        for field in message.fields() {
            let Some(top) = Top::of_kind(&field.kind()) else { continue };
            if let Some(import) = self.import(&top.file()) {
                self.imports.insert(import);
            } else if !self.tops.contains(&top) {
                self.tops.push(top);
            }
        }
        message.child_messages().for_each(|inner| self.take_in(&inner));
    }

    fn import(&self, file: &FileDescriptor) -> Option<String> {
        let known = file.package_name() == WELL_KNOWN && self.package != WELL_KNOWN;
        let known = known && IMPORTED.iter().any(|name| file.name() == format!("google/protobuf/{name}.proto"));
        known.then(|| file.name().to_owned())
    }

    /// The name of a type in this text.
    fn name(&self, full_name: &str, file: &FileDescriptor) -> String {
        let package = file.package_name();
        if package == self.package || self.import(file).is_some() {
            return format!(".{full_name}");
        }
        let inside = full_name.strip_prefix(package).unwrap_or(full_name).trim_start_matches('.');
        let own = if self.package.is_empty() { String::new() } else { format!(".{}", self.package) };
        format!("{own}.{}.{inside}", wrapper(package))
    }

    fn kind(&self, kind: &Kind) -> String {
        match kind {
            Kind::Message(message) => self.name(message.full_name(), &message.parent_file()),
            Kind::Enum(own) => self.name(own.full_name(), &own.parent_file()),
            scalar => format!("{scalar:?}").to_lowercase(),
        }
    }

    fn top(&self, top: &Top, depth: usize, out: &mut String) -> fmt::Result {
        match top {
            Top::Message(message) => self.message(message, depth, out),
            Top::Enum(own) => enumeration(own, depth, out),
        }
    }

    fn message(&self, message: &MessageDescriptor, depth: usize, out: &mut String) -> fmt::Result {
        remarks(comment(&message.parent_file(), message.path()).as_deref(), depth, out)?;
        let alone = self.tops.len() == 1 && self.root.parent_message().is_none();
        let alone = alone && self.root.child_messages().all(|inner| inner.is_map_entry());
        if *message == self.root && !alone {
            remarks(Some("@RootNode"), depth, out)?;
        }
        indent(depth, out)?;
        self.body(&format!("message {}", message.name()), message, depth, out)
    }

    fn body(&self, head: &str, message: &MessageDescriptor, depth: usize, out: &mut String) -> fmt::Result {
        writeln!(out, "{head} {{")?;
        let groups: Vec<Kind> = message.fields().filter(FieldDescriptor::is_group).map(|field| field.kind()).collect();
        for inner in message.child_messages().filter(|inner| !inner.is_map_entry()) {
            if !groups.contains(&Kind::Message(inner.clone())) {
                self.message(&inner, depth + 1, out)?;
            }
        }
        message.child_enums().try_for_each(|own| enumeration(&own, depth + 1, out))?;
        let mut written = Vec::new();
        for field in message.fields() {
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            let Some(oneof) = oneof else {
                self.field(&field, false, depth + 1, out)?;
                continue;
            };
            if !written.contains(&oneof) {
                remarks(comment(&message.parent_file(), oneof.path()).as_deref(), depth + 1, out)?;
                indent(depth + 1, out)?;
                writeln!(out, "oneof {} {{", oneof.name())?;
                oneof.fields().try_for_each(|field| self.field(&field, true, depth + 2, out))?;
                indent(depth + 1, out)?;
                writeln!(out, "}}")?;
                written.push(oneof);
            }
        }
        indent(depth, out)?;
        writeln!(out, "}}")
    }

    fn field(&self, field: &FieldDescriptor, in_oneof: bool, depth: usize, out: &mut String) -> fmt::Result {
        remarks(comment(&field.parent_file(), field.path()).as_deref(), depth, out)?;
        indent(depth, out)?;
        let kind = field.kind();
        if let (true, Kind::Message(entry)) = (field.is_map(), &kind) {
            let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            let map = format!("map<{}, {}>", self.kind(&key), self.kind(&value));
            return writeln!(out, "{map} {} = {}{};", field.name(), field.number(), self.options(field));
        }
        let synthetic = field.containing_oneof().is_some_and(|oneof| oneof.is_synthetic());
        let label = match field.cardinality() {
            Cardinality::Repeated => "repeated ",
            Cardinality::Required => "required ",
            Cardinality::Optional if !in_oneof && (synthetic || !self.proto3) => "optional ",
            Cardinality::Optional => "",
        };
        if let (true, Kind::Message(group)) = (field.is_group(), &kind) {
            return self.body(&format!("{label}group {} = {}", group.name(), field.number()), group, depth, out);
        }
        writeln!(out, "{label}{} {} = {}{};", self.kind(&kind), field.name(), field.number(), self.options(field))
    }

    /// ` [deprecated = true]`, or nothing.
    fn options(&self, field: &FieldDescriptor) -> String {
        let proto = field.field_descriptor_proto();
        let mut options = Vec::new();
        let packable = field.is_list() && !matches!(field.kind(), Kind::Message(_) | Kind::String | Kind::Bytes);
        if packable && field.is_packed() != self.proto3 {
            options.push(format!("packed = {}", field.is_packed()));
        }
        if proto.options.as_ref().is_some_and(FieldOptions::deprecated) {
            options.push("deprecated = true".to_owned());
        }
        if field.json_name() != json_name(field.name()) {
            options.push(format!("json_name = {}", quoted(field.json_name())));
        }
        if let Some(default) = &proto.default_value {
            let text = matches!(field.kind(), Kind::String);
            let bytes = matches!(field.kind(), Kind::Bytes);
            // That of bytes is written with escapes already.
            let default = if text {
                quoted(default)
            } else if bytes {
                format!("\"{default}\"")
            } else {
                default.clone()
            };
            options.push(format!("default = {default}"));
        }
        if options.is_empty() { String::new() } else { format!(" [{}]", options.join(", ")) }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "syntax = \"proto{}\";", if self.proto3 { 3 } else { 2 })?;
        if !self.package.is_empty() {
            writeln!(f, "\npackage {};", self.package)?;
        }
        if !self.imports.is_empty() {
            writeln!(f)?;
        }
        self.imports.iter().try_for_each(|import| writeln!(f, "import \"{import}\";"))?;
        let (own, foreign): (Vec<_>, Vec<_>) =
            self.tops.iter().partition(|top| top.file().package_name() == self.package);
        let mut out = String::new();
        for top in own {
            writeln!(out)?;
            self.top(top, 0, &mut out)?;
        }
        let packages: BTreeSet<String> = foreign.iter().map(|top| top.file().package_name().to_owned()).collect();
        for package in packages {
            writeln!(out, "\n// What is used of the package {package}.\nmessage {} {{", wrapper(&package))?;
            let of_it = foreign.iter().filter(|top| top.file().package_name() == package);
            of_it.into_iter().try_for_each(|top| self.top(top, 1, &mut out))?;
            writeln!(out, "}}")?;
        }
        f.write_str(&out)
    }
}

fn enumeration(own: &EnumDescriptor, depth: usize, out: &mut String) -> fmt::Result {
    remarks(comment(&own.parent_file(), own.path()).as_deref(), depth, out)?;
    indent(depth, out)?;
    writeln!(out, "enum {} {{", own.name())?;
    let numbers: BTreeSet<i32> = own.values().map(|value| value.number()).collect();
    if numbers.len() < own.values().len() {
        indent(depth + 1, out)?;
        writeln!(out, "option allow_alias = true;")?;
    }
    for value in own.values() {
        remarks(comment(&own.parent_file(), value.path()).as_deref(), depth + 1, out)?;
        indent(depth + 1, out)?;
        writeln!(out, "{} = {};", value.name(), value.number())?;
    }
    indent(depth, out)?;
    writeln!(out, "}}")
}

/// What stands for another package.
fn wrapper(package: &str) -> String {
    if package.is_empty() { "no_package".to_owned() } else { package.replace('.', "_") }
}

/// The comment on what lies at `path` in a file, if the descriptors hold comments.
fn comment(file: &FileDescriptor, path: &[i32]) -> Option<String> {
    let info = file.file_descriptor_proto().source_code_info.as_ref()?;
    let place = info.location.iter().find(|place| place.path == path)?;
    let text = place.leading_comments.as_deref().or(place.trailing_comments.as_deref())?;
    let line = |line: &str| line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let lines: Vec<String> = text.trim().lines().map(|text| line(text.trim())).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn first_paragraph(comment: &str) -> String {
    comment.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn remarks(comment: Option<&str>, depth: usize, out: &mut String) -> fmt::Result {
    comment.into_iter().flat_map(str::lines).try_for_each(|line| {
        indent(depth, out)?;
        writeln!(out, "{}", format!("// {line}").trim_end())
    })
}

fn indent(depth: usize, out: &mut String) -> fmt::Result {
    write!(out, "{:width$}", "", width = depth * 2)
}

/// What a field is called in JSON unless it says otherwise.
fn json_name(name: &str) -> String {
    let mut upper = false;
    let mut own = String::new();
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else {
            own.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    own
}

/// A text as a string literal.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            c => literal.push(c),
        }
    }
    literal + "\""
}

#[cfg(test)]
mod tests;
