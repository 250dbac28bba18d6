//! Values of columns as JSON text.

use arrow_array::RecordBatch;

use super::{Node, Values, nodes};
use crate::decode::subtree::compacted;
use crate::flatten::{Typed, push_json_string};
use crate::table::float_text;
use crate::table::scalar::decimal_text;

/// Appends a row as a JSON object.
pub(crate) fn record_json(batch: &RecordBatch, row: usize, out: &mut Vec<u8>) {
    push_members(&nodes(batch), row, out);
}

fn push_members(members: &[Node<'_>], index: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, member) in members.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_json_string(&member.name, out);
        out.push(b':');
        member.push_json(index, out);
    }
    out.push(b'}');
}

impl Node<'_> {
    /// Appends a value as JSON, without white space.
    pub(super) fn push_json(&self, index: usize, out: &mut Vec<u8>) {
        if self.is_null(index) {
            return out.extend_from_slice(b"null");
        }
        match &self.values {
            Values::Indexed(places, values) => values.push_json(places[index], out),
            Values::Struct(members) => push_members(members, index, out),
            Values::List(ranges, element) => {
                out.push(b'[');
                for (place, entry) in ranges.get(index).enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    element.push_json(entry, out);
                }
                out.push(b']');
            }
            Values::Map(ranges, keys, values) => {
                out.push(b'{');
                for (place, entry) in ranges.get(index).enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    push_json_string(&keys.key_text(entry), out);
                    out.push(b':');
                    values.push_json(entry, out);
                }
                out.push(b'}');
            }
            Values::Scalar(scalars) if scalars.is_json() => {
                scalars.with_text(index, |text| match compacted(text) {
                    Some(json) => out.extend_from_slice(&json),
                    None => push_json_string(text, out),
                });
            }
            Values::Scalar(scalars) => scalars.with(index, |value, _| match value {
                Typed::Text(text) => push_json_string(text, out),
                Typed::Instant(form, value) => {
                    out.push(b'"');
                    form.print_to(value, out);
                    out.push(b'"');
                }
                Typed::Null => out.extend_from_slice(b"null"),
                other => push_scalar(other, out),
            }),
        }
    }

    /// Appends the text of a scalar, or a container as JSON.
    pub(super) fn push_text(&self, index: usize, out: &mut Vec<u8>) {
        match &self.values {
            _ if self.is_null(index) => out.extend_from_slice(b"null"),
            Values::Indexed(places, values) => values.push_text(places[index], out),
            Values::Scalar(scalars) => scalars.with(index, |value, _| push_scalar(value, out)),
            Values::Struct(_) | Values::List(..) | Values::Map(..) => self.push_json(index, out),
        }
    }
}

fn push_scalar(value: Typed<'_>, out: &mut Vec<u8>) {
    match value {
        Typed::Null => out.extend_from_slice(b"null"),
        Typed::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Typed::Int(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Typed::Float(value) => float_text(value, out),
        Typed::Decimal(value, scale) => decimal_text(value.into(), scale, out),
        Typed::Number(text) | Typed::Text(text) => out.extend_from_slice(text.as_bytes()),
        Typed::Instant(form, value) => form.print_to(value, out),
    }
}
