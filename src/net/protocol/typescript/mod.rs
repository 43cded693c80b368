//! TypeScript: the client's types, encoder and decoder of `plaza.v1`, made from the traced types.
//!
//! Names of structs lose the ending `S2c`. Enums keep it: most have a twin that ends in `C2s`. A
//! variant that holds a struct has its fields; one that holds anything else has it as `value`.
//! Enums without fields are strings. What is packed by hand has a type here, and its reader in
//! `web/src/net/packed.ts`.

mod codec;
mod declaration;
mod shape;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_reflection::{ContainerFormat, Format, Named, VariantFormat};

pub(super) use self::shape::shaped;
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

fn unread(format: &Format) -> ! {
    panic!("web/src/net/bytes.ts has no {format:?}: add it there and to this generator")
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
