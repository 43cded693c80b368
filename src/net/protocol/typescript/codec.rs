//! Codec: for each traced type a function that reads it and one that writes it.

use std::fmt::Write as _;

use serde_reflection::{ContainerFormat, Format, Named, VariantFormat};

use super::{Generator, camel, is_long_bytes, is_plain, repeated, unread};

impl Generator<'_> {
    /// The function that reads a type.
    pub(super) fn read_function(&self, name: &str) -> String {
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

    /// The function that writes a type.
    pub(super) fn write_function(&self, name: &str) -> String {
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
