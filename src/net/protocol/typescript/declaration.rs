//! Declarations: each traced type as a type of TypeScript.

use std::fmt::Write as _;

use serde_reflection::{ContainerFormat, Format, Named, VariantFormat};

use super::{Generator, camel, is_long_bytes, is_plain, repeated, unread};

impl Generator<'_> {
    /// The declaration of a type, with its documentation.
    pub(super) fn declaration(&self, name: &str) -> String {
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
    pub(super) fn struct_in<'b>(&'b self, format: &'b Format) -> Option<&'b str> {
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
}
