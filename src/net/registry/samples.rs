//! Samples: bytes of values that together have every variant of every type, made from the traced
//! types alone. If bincode reads them back, the trace describes what bincode writes.

use bincode::{Decode, Encode};
use serde_reflection::{ContainerFormat, Format, VariantFormat};

use super::trace::WireTypes;
use crate::net::codec::{decode, encode};

impl WireTypes {
    /// Fails unless the type's encoding is what the trace says.
    pub(crate) fn check<T: Encode + Decode<()>>(&self, name: &str) {
        let samples = self.of_type(name);
        assert!(!samples.is_empty(), "{name} has values");
        for bytes in samples {
            let value: T = decode(&bytes).unwrap_or_else(|error| {
                panic!("{name} is not encoded as serde describes it: {error}: {bytes:?}")
            });
            assert_eq!(encode(&value), bytes, "{name} is written as it was read");
        }
    }

    fn of_type(&self, name: &str) -> Vec<Vec<u8>> {
        if let Some(samples) = self.packed(name) {
            return samples.clone();
        }
        match self.get(name) {
            ContainerFormat::UnitStruct => vec![Vec::new()],
            ContainerFormat::NewTypeStruct(inner) => self.of_format(inner),
            ContainerFormat::TupleStruct(parts) => self.of_parts(parts.iter()),
            ContainerFormat::Struct(fields) => {
                self.of_parts(fields.iter().map(|field| &field.value))
            }
            ContainerFormat::Enum(variants) => {
                let of_variant = |(number, variant): (&u32, &VariantFormat)| {
                    let behind = match variant {
                        VariantFormat::Unit => vec![Vec::new()],
                        VariantFormat::NewType(inner) => self.of_format(inner),
                        VariantFormat::Tuple(parts) => self.of_parts(parts.iter()),
                        VariantFormat::Struct(fields) => {
                            self.of_parts(fields.iter().map(|field| &field.value))
                        }
                        VariantFormat::Variable(_) => unreachable!("no variables are left"),
                    };
                    prefixed(&encode(number), behind)
                };
                let variants = variants.iter();
                variants
                    .flat_map(|(number, named)| of_variant((number, &named.value)))
                    .collect()
            }
        }
    }

    fn of_format(&self, format: &Format) -> Vec<Vec<u8>> {
        match format {
            Format::TypeName(name) => self.of_type(name),
            Format::Unit => vec![Vec::new()],
            Format::Bool => vec![vec![0], vec![1]],
            Format::I8 => vec![encode(&-3_i8)],
            Format::I16 => vec![encode(&-300_i16)],
            Format::I32 => vec![encode(&-70_000_i32)],
            Format::I64 => vec![encode(&-(1_i64 << 40))],
            Format::I128 => vec![encode(&-(1_i128 << 80))],
            Format::U8 => vec![vec![200]],
            Format::U16 => vec![encode(&300_u16)],
            Format::U32 => vec![encode(&70_000_u32)],
            Format::U64 => vec![encode(&(1_u64 << 40))],
            Format::U128 => vec![encode(&(1_u128 << 80))],
            Format::F32 => vec![encode(&0.5_f32)],
            Format::F64 => vec![encode(&0.5_f64)],
            Format::Char => vec![encode(&'ö')],
            Format::Str => vec![encode(&"wörld")],
            Format::Bytes => vec![encode(&vec![1_u8, 2])],
            Format::Option(inner) | Format::Seq(inner) => {
                let mut samples = prefixed(&[1], self.of_format(inner));
                samples.push(vec![0]);
                samples
            }
            Format::Map { key, value } => {
                prefixed(&[1], self.of_parts([&**key, &**value].into_iter()))
            }
            Format::Tuple(parts) => self.of_parts(parts.iter()),
            Format::TupleArray { content, size } => {
                self.of_parts(std::iter::repeat_n(&**content, *size))
            }
            Format::Variable(_) => unreachable!("no variables are left"),
        }
    }

    /// Every sample of every part once, together with the first samples of the other parts.
    fn of_parts<'a>(&self, parts: impl Iterator<Item = &'a Format>) -> Vec<Vec<u8>> {
        let parts: Vec<_> = parts.map(|part| self.of_format(part)).collect();
        let mut samples = vec![parts.iter().flat_map(|part| part[0].clone()).collect()];
        for (varied, part) in parts.iter().enumerate() {
            for sample in &part[1..] {
                let choose = |(index, other): (usize, &Vec<Vec<u8>>)| {
                    if index == varied {
                        sample.clone()
                    } else {
                        other[0].clone()
                    }
                };
                samples.push(parts.iter().enumerate().flat_map(choose).collect());
            }
        }
        samples
    }
}

fn prefixed(prefix: &[u8], samples: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let samples = samples.into_iter();
    samples.map(|sample| [prefix, &sample].concat()).collect()
}
