//! Shape: values as the generated decoder returns them, for golden files.

use serde_json::{Map, Value};
use serde_reflection::{ContainerFormat, Format, Named, VariantFormat};

use super::{camel, is_plain};
use crate::net::registry::trace::WireTypes;

/// A value that serde wrote as JSON, as the generated decoder returns it.
pub(in crate::net::protocol) fn shaped(types: &WireTypes, name: &str, value: &Value) -> Value {
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
