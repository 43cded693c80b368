//! Trace: the wire types, as serde shows them, and their text.
//!
//! bincode's derive writes what serde's derive describes. `samples` checks that for every variant
//! of every type, because an `Encode` written by hand may not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_reflection::{ContainerFormat, Format, Named, Registry, VariantFormat};

/// Traces types. Every enum must be listed: the tracer fails on variants that it has not seen.
macro_rules! trace {
    ($($type:ty),+ $(,)?) => {{
        let mut tracer =
            serde_reflection::Tracer::new(serde_reflection::TracerConfig::default());
        $(
            if let Err(error) = tracer.trace_simple_type::<$type>() {
                panic!("{}: {error}\n{}", stringify!($type), error.explanation());
            }
        )+
        match tracer.registry() {
            Ok(types) => $crate::net::registry::trace::WireTypes::new(types),
            Err(error) => panic!("list the enum in the call of `trace!`: {error}"),
        }
    }};
}
pub(crate) use trace;

/// The types of a protocol, by name.
pub(crate) struct WireTypes {
    types: Registry,
    packed: BTreeMap<String, Vec<Vec<u8>>>,
}

/// A message of an enum of messages, or of an enum inside one.
pub(crate) struct Leaf<'a> {
    /// Variant numbers, from the outermost enum.
    pub(crate) numbers: Vec<u32>,
    /// Variant names, from the outermost enum.
    pub(crate) names: Vec<&'a str>,
    /// Fields of the innermost variant.
    pub(crate) variant: &'a VariantFormat,
}

impl WireTypes {
    pub(crate) const fn new(types: Registry) -> Self {
        Self {
            types,
            packed: BTreeMap::new(),
        }
    }

    /// Declares that a type has an encoding written by hand, with samples of its bytes.
    pub(crate) fn with_packed(mut self, name: &str, samples: Vec<Vec<u8>>) -> Self {
        assert!(self.types.contains_key(name), "{name} is not a wire type");
        self.packed.insert(name.to_owned(), samples);
        self
    }

    pub(crate) fn is_packed(&self, name: &str) -> bool {
        self.packed.contains_key(name)
    }

    /// Sample bytes of a type that is packed by hand.
    pub(super) fn packed(&self, name: &str) -> Option<&Vec<Vec<u8>>> {
        self.packed.get(name)
    }

    pub(crate) fn get(&self, name: &str) -> &ContainerFormat {
        let found = self.types.get(name);
        found.unwrap_or_else(|| panic!("{name} was not traced"))
    }

    /// The format without newtypes around it.
    pub(crate) fn resolve<'a>(&'a self, format: &'a Format) -> &'a Format {
        match format {
            Format::TypeName(name) => match self.get(name) {
                ContainerFormat::NewTypeStruct(inner) => self.resolve(inner),
                _ => format,
            },
            _ => format,
        }
    }

    /// The type that the format names, if it names one.
    pub(crate) fn named<'a>(
        &'a self,
        format: &'a Format,
    ) -> Option<(&'a str, &'a ContainerFormat)> {
        match self.resolve(format) {
            Format::TypeName(name) => Some((name, self.get(name))),
            _ => None,
        }
    }

    /// Every message of an enum, with those of enums that its variants hold.
    pub(crate) fn leaves<'a>(&'a self, name: &str) -> Vec<Leaf<'a>> {
        let ContainerFormat::Enum(variants) = self.get(name) else {
            panic!("{name} is not an enum");
        };
        let of_variant = |(number, named): (&u32, &'a Named<VariantFormat>)| {
            let inner = match &named.value {
                VariantFormat::NewType(format) => self.named(format),
                _ => None,
            };
            let mut leaves = match inner {
                Some((inner, ContainerFormat::Enum(_))) => self.leaves(inner),
                _ => vec![Leaf {
                    numbers: Vec::new(),
                    names: Vec::new(),
                    variant: &named.value,
                }],
            };
            for leaf in &mut leaves {
                leaf.numbers.insert(0, *number);
                leaf.names.insert(0, &named.name);
            }
            leaves
        };
        variants.iter().flat_map(of_variant).collect()
    }

    /// Names of the types that a type names.
    pub(crate) fn direct(&self, name: &str) -> Vec<&str> {
        names_in(self.get(name))
    }

    /// Names of the types in a type, itself included.
    pub(crate) fn reachable(&self, name: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.reach(name, &mut found);
        found
    }

    fn reach<'a>(&'a self, name: &str, found: &mut BTreeSet<&'a str>) {
        let Some((name, container)) = self.types.get_key_value(name) else {
            panic!("{name} was not traced");
        };
        if found.insert(name) {
            for inner in names_in(container) {
                self.reach(inner, found);
            }
        }
    }

    /// The types as text, one field or variant a line.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, container) in &self.types {
            let packed = if self.is_packed(name) {
                " (packed by hand)"
            } else {
                ""
            };
            let _ = match container {
                ContainerFormat::NewTypeStruct(inner) => {
                    writeln!(text, "struct {name}({}){packed}", rust_name(inner))
                }
                ContainerFormat::TupleStruct(parts) => {
                    writeln!(text, "struct {name}{}{packed}", tuple(parts))
                }
                ContainerFormat::UnitStruct | ContainerFormat::Struct(_) => {
                    writeln!(text, "struct {name}{packed}")
                }
                ContainerFormat::Enum(_) => writeln!(text, "enum {name}{packed}"),
            };
            if let ContainerFormat::Struct(fields) = container {
                for Named { name, value } in fields {
                    let _ = writeln!(text, "    {name}: {}", rust_name(value));
                }
            }
            if let ContainerFormat::Enum(variants) = container {
                for (number, Named { name, value }) in variants {
                    let _ = writeln!(text, "    {number} {name}{}", variant(value));
                }
            }
            for bytes in self.packed(name).into_iter().flatten() {
                let _ = writeln!(text, "    sample {}", hex(bytes));
            }
        }
        text
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Names of the types that a type names directly.
fn names_in(container: &ContainerFormat) -> Vec<&str> {
    use serde_reflection::FormatHolder as _;
    let mut names = Vec::new();
    let visited = container.visit(&mut |format| {
        if let Format::TypeName(name) = format {
            names.push(name.as_str());
        }
        Ok(())
    });
    visited.expect("the registry has no unknown formats");
    names
}

fn variant(format: &VariantFormat) -> String {
    match format {
        VariantFormat::Unit => String::new(),
        VariantFormat::NewType(inner) => format!("({})", rust_name(inner)),
        VariantFormat::Tuple(parts) => tuple(parts),
        VariantFormat::Struct(fields) => format!(" {{ {} }}", listed(fields)),
        VariantFormat::Variable(_) => unreachable!("the tracer resolved all variables"),
    }
}

/// Fields with their types, separated by commas.
fn listed(fields: &[Named<Format>]) -> String {
    let fields = fields.iter();
    let fields = fields.map(|field| format!("{}: {}", field.name, rust_name(&field.value)));
    fields.collect::<Vec<_>>().join(", ")
}

fn tuple(parts: &[Format]) -> String {
    let parts: Vec<_> = parts.iter().map(rust_name).collect();
    format!("({})", parts.join(", "))
}

/// A format as Rust writes the type.
pub(crate) fn rust_name(format: &Format) -> String {
    match format {
        Format::TypeName(name) => name.clone(),
        Format::Unit => "()".into(),
        Format::Bool => "bool".into(),
        Format::I8 => "i8".into(),
        Format::I16 => "i16".into(),
        Format::I32 => "i32".into(),
        Format::I64 => "i64".into(),
        Format::I128 => "i128".into(),
        Format::U8 => "u8".into(),
        Format::U16 => "u16".into(),
        Format::U32 => "u32".into(),
        Format::U64 => "u64".into(),
        Format::U128 => "u128".into(),
        Format::F32 => "f32".into(),
        Format::F64 => "f64".into(),
        Format::Char => "char".into(),
        Format::Str => "String".into(),
        Format::Bytes => "Bytes".into(),
        Format::Option(inner) => format!("Option<{}>", rust_name(inner)),
        Format::Seq(inner) => format!("Vec<{}>", rust_name(inner)),
        Format::Map { key, value } => format!("Map<{}, {}>", rust_name(key), rust_name(value)),
        Format::Tuple(parts) => tuple(parts),
        Format::TupleArray { content, size } => format!("[{}; {size}]", rust_name(content)),
        Format::Variable(_) => unreachable!("the tracer resolved all variables"),
    }
}
