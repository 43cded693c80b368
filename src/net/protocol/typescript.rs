//! TypeScript: the client's types, encoder and decoder of `plaza.v1`, made from the traced types.
//!
//! Names of structs lose the ending `S2c`. Enums keep it: most have a twin that ends in `C2s`. A
//! variant that holds a struct has its fields; one that holds anything else has it as `value`.
//! Enums without fields are strings. What is packed by hand has a type here, and its reader in
//! `web/src/net/packed.ts`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use serde_reflection::{ContainerFormat, Format, Named, VariantFormat};

use super::docs::Docs;
use super::{SUBPROTOCOL, VERSION};
use crate::components::chat::COMMON_REACTIONS;
use crate::net::registry::trace::WireTypes;

/// Longest array of bytes that is a tuple of numbers; a longer one is a `Uint8Array`.
const SHORT_ARRAY: usize = 4;

/// The generated file. `reads` and `writes` are the enums that the client decodes and encodes.
pub(super) fn file(
    types: &WireTypes,
    docs: &Docs,
    schema: u32,
    writes: &str,
    reads: &str,
) -> String {
    let (written, read) = (types.reachable(writes), types.reachable(reads));
    let generator = Generator { types, docs };
    let (read_here, packed) = generator.read_here(reads);
    let imports: Vec<_> = packed.iter().map(|name| generator.reader(name)).collect();
    let mut text = "// Written by a test of src/net/protocol; do not edit.\n\
         // PLAZA_WRITE_GOLDEN=1 cargo test --locked --lib protocol\n\n\
         import { DecodeError, Reader, Writer } from \"./bytes\";\n"
        .to_owned();
    if !imports.is_empty() {
        let _ = writeln!(
            text,
            "import {{ {} }} from \"./packed\";",
            imports.join(", ")
        );
    }
    let _ = write!(
        text,
        "\nexport const SUBPROTOCOL = \"{SUBPROTOCOL}\";\nexport const VERSION = {VERSION};\n\
         /** Hash of all types. Client and server refuse each other when theirs differ. */\n\
         export const SCHEMA = {schema};\n\
         /** Common reactions: each message keeps places for them. */\n\
         export const REACTIONS = [{}];\n",
        COMMON_REACTIONS
            .map(|emoji| format!("\"{emoji}\""))
            .join(", ")
    );
    let all: BTreeSet<_> = written.union(&read).copied().collect();
    generator.assert_unique(&all);
    for name in &all {
        text += &generator.declaration(name);
    }
    let _ = write!(
        text,
        "\nexport function encode(message: {0}): Uint8Array<ArrayBuffer> {{\n  \
         const w = new Writer();\n  {1}(w, message);\n  return w.finish();\n}}\n\
         \n/** Decodes one message; throws a DecodeError for anything but its exact bytes. */\n\
         export function decode(bytes: Uint8Array): {2} {{\n  const r = new Reader(bytes);\n  \
         const message = {3}(r);\n  r.end();\n  return message;\n}}\n",
        generator.type_name(writes),
        generator.writer(writes),
        generator.type_name(reads),
        generator.reader(reads)
    );
    for name in written {
        assert!(!types.is_packed(name), "{name} would need a writer by hand");
        text += &generator.write_function(name);
    }
    for name in read_here {
        text += &generator.read_function(name);
    }
    text
}

/// A field's name as TypeScript writes it.
pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        camel + &head.to_uppercase() + tail
    })
}

struct Generator<'a> {
    types: &'a WireTypes,
    docs: &'a Docs,
}

impl<'a> Generator<'a> {
    fn assert_unique(&self, names: &BTreeSet<&str>) {
        let short: BTreeSet<_> = names.iter().map(|name| self.type_name(name)).collect();
        assert_eq!(short.len(), names.len(), "two types have one name");
    }

    fn type_name<'b>(&self, name: &'b str) -> &'b str {
        match self.types.get(name) {
            ContainerFormat::Enum(_) => name,
            ContainerFormat::UnitStruct
            | ContainerFormat::NewTypeStruct(_)
            | ContainerFormat::TupleStruct(_)
            | ContainerFormat::Struct(_) => name.strip_suffix("S2c").unwrap_or(name),
        }
    }

    fn reader(&self, name: &str) -> String {
        format!("read{}", self.type_name(name))
    }

    fn writer(&self, name: &str) -> String {
        format!("write{}", self.type_name(name))
    }

    fn declaration(&self, name: &str) -> String {
        let head = format!("\n{}export ", self.docs.comment(name, ""));
        let named = self.type_name(name);
        match self.types.get(name) {
            ContainerFormat::NewTypeStruct(inner) => {
                format!("{head}type {named} = {};\n", self.ts_type(inner))
            }
            ContainerFormat::UnitStruct => format!("{head}type {named} = null;\n"),
            ContainerFormat::TupleStruct(parts) => {
                format!("{head}type {named} = {};\n", self.tuple_type(parts))
            }
            ContainerFormat::Struct(fields) => {
                let mut text = format!("{head}interface {named} {{\n");
                for Named { name: field, value } in fields {
                    text += &self.docs.comment(&format!("{name}.{field}"), "  ");
                    let _ = writeln!(text, "  {}: {};", camel(field), self.ts_type(value));
                }
                text + "}\n"
            }
            ContainerFormat::Enum(variants) => {
                let mut text = format!("{head}type {named} =");
                let is_plain = is_plain(variants.values());
                for Named {
                    name: variant,
                    value,
                } in variants.values()
                {
                    let doc = self.docs.comment(&format!("{name}.{variant}"), "  ");
                    let one = if is_plain {
                        format!("\"{variant}\"")
                    } else {
                        self.variant_type(variant, value)
                    };
                    let _ = write!(text, "\n{doc}  | {one}");
                }
                text + ";\n"
            }
        }
    }

    fn variant_type(&self, name: &str, variant: &VariantFormat) -> String {
        match variant {
            VariantFormat::Unit => format!("{{ type: \"{name}\" }}"),
            VariantFormat::NewType(inner) => match self.struct_in(inner) {
                Some(inner) => format!("({{ type: \"{name}\" }} & {})", self.type_name(inner)),
                None => format!("{{ type: \"{name}\"; value: {} }}", self.ts_type(inner)),
            },
            VariantFormat::Tuple(parts) => {
                format!("{{ type: \"{name}\"; value: {} }}", self.tuple_type(parts))
            }
            VariantFormat::Struct(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|field| {
                    format!("; {}: {}", camel(&field.name), self.ts_type(&field.value))
                });
                format!("{{ type: \"{name}\"{} }}", fields.collect::<String>())
            }
            VariantFormat::Variable(_) => unreachable!("no variables are left"),
        }
    }

    /// The struct that the format is, if it is one.
    fn struct_in<'b>(&'b self, format: &'b Format) -> Option<&'b str> {
        match self.types.named(format) {
            Some((name, ContainerFormat::Struct(_))) => Some(name),
            _ => None,
        }
    }

    fn tuple_type(&self, parts: &[Format]) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.ts_type(part)).collect();
        format!("[{}]", parts.join(", "))
    }

    fn ts_type(&self, format: &Format) -> String {
        match format {
            Format::TypeName(name) => self.type_name(name).to_owned(),
            Format::Unit => "null".into(),
            Format::Bool => "boolean".into(),
            Format::I8
            | Format::I16
            | Format::I32
            | Format::I64
            | Format::U8
            | Format::U16
            | Format::U32
            | Format::U64
            | Format::F32 => "number".into(),
            Format::Str => "string".into(),
            Format::Option(inner) => format!("{} | null", self.ts_type(inner)),
            Format::Seq(inner) => match self.ts_type(inner) {
                union if union.contains('|') => format!("({union})[]"),
                one => format!("{one}[]"),
            },
            Format::Map { key, value } => {
                format!("Map<{}, {}>", self.ts_type(key), self.ts_type(value))
            }
            Format::Tuple(parts) => self.tuple_type(parts),
            Format::TupleArray { content, size } if is_long_bytes(content, *size) => {
                "Uint8Array".into()
            }
            Format::TupleArray { content, size } => self.tuple_type(&repeated(content, *size)),
            Format::F64 | Format::Char | Format::Bytes | Format::I128 | Format::U128 => {
                unread(format)
            }
            Format::Variable(_) => unreachable!("no variables are left"),
        }
    }

    /// Names of the types that the generated file reads, and of those packed ones that it has
    /// read. What stands only in something packed is in neither.
    fn read_here(&self, name: &'a str) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
        let (mut found, mut packed) = (BTreeSet::new(), BTreeSet::new());
        let mut left = vec![name];
        while let Some(name) = left.pop() {
            if self.types.is_packed(name) {
                packed.insert(name);
            } else if found.insert(name) {
                left.extend(self.types.direct(name));
            }
        }
        (found, packed)
    }

    fn read_function(&self, name: &str) -> String {
        let named = self.type_name(name);
        let head = format!("\nfunction {}(r: Reader): {named} {{\n", self.reader(name));
        match self.types.get(name) {
            ContainerFormat::UnitStruct => format!("{head}  return null;\n}}\n"),
            ContainerFormat::NewTypeStruct(inner) => {
                format!("{head}  return {};\n}}\n", self.read(inner))
            }
            ContainerFormat::TupleStruct(parts) => {
                format!("{head}  return {};\n}}\n", self.read_tuple(parts))
            }
            ContainerFormat::Struct(fields) => {
                let fields = fields.iter().map(|Named { name, value }| {
                    format!("    {}: {},\n", camel(name), self.read(value))
                });
                format!(
                    "{head}  return {{\n{}  }};\n}}\n",
                    fields.collect::<String>()
                )
            }
            ContainerFormat::Enum(variants) => {
                let is_plain = is_plain(variants.values());
                let mut text =
                    format!("{head}  const variant = r.uint();\n  switch (variant) {{\n");
                for (number, Named { name, value }) in variants {
                    let value = if is_plain {
                        format!("\"{name}\"")
                    } else {
                        self.read_variant(name, value)
                    };
                    let _ = write!(text, "    case {number}:\n      return {value};\n");
                }
                let _ = write!(
                    text,
                    "    default:\n      throw new DecodeError(`no {named} has the number \
                     ${{variant}}`);\n  }}\n}}\n"
                );
                text
            }
        }
    }

    fn read_variant(&self, name: &str, variant: &VariantFormat) -> String {
        match variant {
            VariantFormat::Unit => format!("{{ type: \"{name}\" }}"),
            VariantFormat::NewType(inner) if self.struct_in(inner).is_some() => {
                format!("{{ type: \"{name}\", ...{} }}", self.read(inner))
            }
            VariantFormat::NewType(inner) => {
                format!("{{ type: \"{name}\", value: {} }}", self.read(inner))
            }
            VariantFormat::Tuple(parts) => {
                format!("{{ type: \"{name}\", value: {} }}", self.read_tuple(parts))
            }
            VariantFormat::Struct(fields) => {
                let fields = fields.iter();
                let fields = fields
                    .map(|field| format!(", {}: {}", camel(&field.name), self.read(&field.value)));
                format!("{{ type: \"{name}\"{} }}", fields.collect::<String>())
            }
            VariantFormat::Variable(_) => unreachable!("no variables are left"),
        }
    }

    fn read_tuple(&self, parts: &[Format]) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.read(part)).collect();
        format!("[{}]", parts.join(", "))
    }

    /// An expression that reads a value from `r`.
    fn read(&self, format: &Format) -> String {
        match format {
            Format::TypeName(name) => format!("{}(r)", self.reader(name)),
            Format::Option(inner) => format!("r.option(() => {})", self.read(inner)),
            Format::Seq(inner) => format!("r.list(() => {})", self.read(inner)),
            Format::Map { key, value } => {
                format!(
                    "r.map(() => {}, () => {})",
                    self.read(key),
                    self.read(value)
                )
            }
            Format::Tuple(parts) => self.read_tuple(parts),
            Format::TupleArray { content, size } if is_long_bytes(content, *size) => {
                format!("r.bytes({size})")
            }
            Format::TupleArray { content, size } => self.read_tuple(&repeated(content, *size)),
            Format::Unit => "null".into(),
            other => format!("r.{}()", method(other)),
        }
    }

    fn write_function(&self, name: &str) -> String {
        let named = self.type_name(name);
        let mut text = format!(
            "\nfunction {}(w: Writer, value: {named}): void {{\n",
            self.writer(name)
        );
        match self.types.get(name) {
            ContainerFormat::UnitStruct => {}
            ContainerFormat::NewTypeStruct(inner) => {
                text += &statements(&self.write(inner, "value"), "  ");
            }
            ContainerFormat::TupleStruct(parts) => {
                text += &statements(&self.write_tuple(parts, "value"), "  ");
            }
            ContainerFormat::Struct(fields) => {
                text += &statements(&self.write_fields(fields), "  ");
            }
            ContainerFormat::Enum(variants) => {
                let is_plain = is_plain(variants.values());
                let what = if is_plain { "value" } else { "value.type" };
                let _ = writeln!(text, "  switch ({what}) {{");
                for (number, Named { name, value }) in variants {
                    let _ = write!(text, "    case \"{name}\":\n      w.uint({number});\n");
                    text += &statements(&self.write_variant(value), "      ");
                    text += "      break;\n";
                }
                text += "    default:\n      value satisfies never;\n  }\n";
            }
        }
        text + "}\n"
    }

    fn write_variant(&self, variant: &VariantFormat) -> Vec<String> {
        match variant {
            VariantFormat::Unit => Vec::new(),
            VariantFormat::NewType(inner) if self.struct_in(inner).is_some() => {
                self.write(inner, "value")
            }
            VariantFormat::NewType(inner) => self.write(inner, "value.value"),
            VariantFormat::Tuple(parts) => self.write_tuple(parts, "value.value"),
            VariantFormat::Struct(fields) => self.write_fields(fields),
            VariantFormat::Variable(_) => unreachable!("no variables are left"),
        }
    }

    fn write_fields(&self, fields: &[Named<Format>]) -> Vec<String> {
        let of_field = |field: &Named<Format>| {
            self.write(&field.value, &format!("value.{}", camel(&field.name)))
        };
        fields.iter().flat_map(of_field).collect()
    }

    fn write_tuple(&self, parts: &[Format], value: &str) -> Vec<String> {
        let parts = parts.iter().enumerate();
        parts
            .flat_map(|(index, part)| self.write(part, &format!("{value}[{index}]")))
            .collect()
    }

    /// Statements that write `value` to `w`.
    fn write(&self, format: &Format, value: &str) -> Vec<String> {
        let each = |inner: &Format, name: &str| match &self.write(inner, name)[..] {
            [one] => one.clone(),
            more => format!("{{ {} }}", more.join("; ")),
        };
        match format {
            Format::TypeName(name) => vec![format!("{}(w, {value})", self.writer(name))],
            Format::Option(inner) => {
                vec![format!(
                    "w.option({value}, (item) => {})",
                    each(inner, "item")
                )]
            }
            Format::Seq(inner) => {
                vec![format!(
                    "w.list({value}, (item) => {})",
                    each(inner, "item")
                )]
            }
            Format::Map { key, value: inner } => vec![format!(
                "w.map({value}, (key) => {}, (item) => {})",
                each(key, "key"),
                each(inner, "item")
            )],
            Format::Tuple(parts) => self.write_tuple(parts, value),
            Format::TupleArray { content, size } if is_long_bytes(content, *size) => {
                vec![format!("w.bytes({value})")]
            }
            Format::TupleArray { content, size } => {
                self.write_tuple(&repeated(content, *size), value)
            }
            Format::Unit => Vec::new(),
            other => vec![format!("w.{}({value})", method(other))],
        }
    }
}

fn statements(lines: &[String], indent: &str) -> String {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{indent}{line};");
    }
    text
}

fn is_plain<'a>(mut variants: impl Iterator<Item = &'a Named<VariantFormat>>) -> bool {
    variants.all(|variant| matches!(variant.value, VariantFormat::Unit))
}

fn is_long_bytes(content: &Format, size: usize) -> bool {
    *content == Format::U8 && size > SHORT_ARRAY
}

fn repeated(content: &Format, size: usize) -> Vec<Format> {
    vec![content.clone(); size]
}

/// The method of `bytes.ts` for a primitive type.
fn method(format: &Format) -> &'static str {
    match format {
        Format::Bool => "bool",
        Format::U8 => "u8",
        Format::I8 => "i8",
        Format::U16 | Format::U32 | Format::U64 => "uint",
        Format::I16 | Format::I32 | Format::I64 => "int",
        Format::F32 => "f32",
        Format::Str => "string",
        other => unread(other),
    }
}

fn unread(format: &Format) -> ! {
    panic!("web/src/net/bytes.ts has no {format:?}: add it there and to this generator")
}

/// A value that serde wrote as JSON, as the generated decoder returns it.
pub(super) fn shaped(types: &WireTypes, name: &str, value: &Value) -> Value {
    match types.get(name) {
        ContainerFormat::UnitStruct => Value::Null,
        ContainerFormat::NewTypeStruct(inner) => shaped_format(types, inner, value),
        ContainerFormat::TupleStruct(parts) => shaped_parts(types, parts, value),
        ContainerFormat::Struct(fields) => Value::Object(shaped_fields(types, fields, value)),
        ContainerFormat::Enum(variants) if is_plain(variants.values()) => value.clone(),
        ContainerFormat::Enum(variants) => {
            let (name, inner) = match value {
                Value::Object(map) => map.iter().next().expect("a variant has a name"),
                name => (
                    &name.as_str().expect("a variant has a name").to_owned(),
                    &Value::Null,
                ),
            };
            let mut variants = variants.values();
            let variant = variants.find(|variant| variant.name == *name);
            let variant = &variant.expect("the variant was traced").value;
            let mut object = Map::from_iter([("type".to_owned(), name.clone().into())]);
            match variant {
                VariantFormat::Unit => {}
                VariantFormat::Struct(fields) => object.extend(shaped_fields(types, fields, inner)),
                VariantFormat::NewType(format) => match shaped_format(types, format, inner) {
                    Value::Object(fields) if is_struct(types, format) => object.extend(fields),
                    other => drop(object.insert("value".into(), other)),
                },
                VariantFormat::Tuple(parts) => {
                    object.insert("value".into(), shaped_parts(types, parts, inner));
                }
                VariantFormat::Variable(_) => unreachable!("no variables are left"),
            }
            Value::Object(object)
        }
    }
}

fn is_struct(types: &WireTypes, format: &Format) -> bool {
    matches!(types.named(format), Some((_, ContainerFormat::Struct(_))))
}

fn shaped_format(types: &WireTypes, format: &Format, value: &Value) -> Value {
    match (format, value) {
        (Format::TypeName(name), value) => shaped(types, name, value),
        (Format::Option(inner), value) if !value.is_null() => shaped_format(types, inner, value),
        (Format::Seq(inner), Value::Array(items)) => items
            .iter()
            .map(|item| shaped_format(types, inner, item))
            .collect(),
        (Format::Tuple(parts), value) => shaped_parts(types, parts, value),
        (_, value) => value.clone(),
    }
}

fn shaped_parts(types: &WireTypes, parts: &[Format], value: &Value) -> Value {
    let items = value.as_array().expect("a tuple is a JSON array");
    let parts = parts.iter().zip(items);
    parts
        .map(|(part, item)| shaped_format(types, part, item))
        .collect()
}

fn shaped_fields(types: &WireTypes, fields: &[Named<Format>], value: &Value) -> Map<String, Value> {
    let fields = fields.iter();
    let shape = |field: &Named<Format>| {
        (
            camel(&field.name),
            shaped_format(types, &field.value, &value[&field.name]),
        )
    };
    fields.map(shape).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::net::registry::trace::trace;

    #[derive(Deserialize)]
    struct Id(#[expect(dead_code, reason = "only traced")] [u8; 16]);

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only traced")]
    struct SayC2s {
        by_user: Id,
        scale: Option<f32>,
        at: std::collections::BTreeMap<u16, (i32, bool)>,
    }

    #[derive(Deserialize)]
    enum Tone {
        Low,
        High,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only traced")]
    enum Inner {
        Say(SayC2s),
        Tones(Vec<Tone>),
        Two(u8, u64),
        Named { low_bits: [u8; 2] },
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only traced")]
    enum Outer {
        Inner(Inner),
        Stop,
    }

    fn types() -> WireTypes {
        trace!(Outer, Inner, Tone)
    }

    #[test]
    fn every_kind_of_type_has_a_declaration_a_reader_and_a_writer() {
        let text = file(&types(), &Docs::default(), 7, "Outer", "Outer");
        for part in [
            "export type Id = Uint8Array;",
            "  byUser: Id;\n  scale: number | null;\n  at: Map<number, [number, boolean]>;",
            "  | \"Low\"\n  | \"High\";",
            "  | ({ type: \"Say\" } & SayC2s)\n  | { type: \"Tones\"; value: Tone[] }\n",
            "  | { type: \"Two\"; value: [number, number] }\n",
            "  | { type: \"Named\"; lowBits: [number, number] };",
            "  | { type: \"Inner\"; value: Inner }\n  | { type: \"Stop\" };",
            "    case 0:\n      return { type: \"Inner\", value: readInner(r) };",
            "      return { type: \"Named\", lowBits: [r.u8(), r.u8()] };",
            "    at: r.map(() => r.uint(), () => [r.int(), r.bool()]),",
            "    case \"Inner\":\n      w.uint(0);\n      writeInner(w, value.value);\n",
            "    case \"Low\":\n      w.uint(0);\n      break;",
            "  w.map(value.at, (key) => w.uint(key), (item) => { w.int(item[0]);",
            "  w.option(value.scale, (item) => w.f32(item));",
            "    default:\n      value satisfies never;",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
    }

    #[test]
    fn values_have_the_shape_that_the_decoder_returns() {
        let shape = |value| shaped(&types(), "Outer", &value);
        assert_eq!(shape(json!("Stop")), json!({ "type": "Stop" }));
        assert_eq!(
            shape(json!({ "Inner": { "Named": { "low_bits": [1, 2] } } })),
            json!({ "type": "Inner", "value": { "type": "Named", "lowBits": [1, 2] } })
        );
        assert_eq!(
            shape(json!({ "Inner": { "Tones": ["Low"] } })),
            json!({ "type": "Inner", "value": { "type": "Tones", "value": ["Low"] } })
        );
    }

    #[test]
    fn a_message_in_an_enum_of_messages_has_a_row_of_its_own() {
        let types = types();
        let leaves = types.leaves("Outer");
        let names: Vec<_> = leaves.iter().map(|leaf| leaf.names.join(".")).collect();
        assert_eq!(
            names,
            [
                "Inner.Say",
                "Inner.Tones",
                "Inner.Two",
                "Inner.Named",
                "Stop"
            ]
        );
        assert_eq!(leaves[1].numbers, [0, 1]);
    }
}
