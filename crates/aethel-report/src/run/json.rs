//! Results as JSON; the shape is described in `docs/schema/run.schema.json`.

use crate::{diagnostics, escape};
use aethel_ir::{Diagnostic, SourceMap};
use aethel_runtime::BatchResult;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};

#[derive(Serialize)]
struct Run<'a> {
    schema: u32,
    batches: &'a [BatchResult],
    diagnostics: Vec<Value>,
}

/// Writes all batches of a run and what was said beside them, pretty-printed, with a line end. A batch may have millions
/// of balances, so nothing of it is held as text.
///
/// # Errors
/// What `out` says.
pub fn write_json(
    out: &mut dyn Write,
    results: &[BatchResult],
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
) -> io::Result<()> {
    let failures = results.iter().filter_map(|result| result.diagnostic.as_deref());
    let shown = diagnostics.iter().chain(failures);
    let run = Run {
        schema: 1,
        batches: results,
        diagnostics: shown.map(|one| diagnostics::one_json(one, sources)).collect(),
    };
    let mut serializer = Serializer::with_formatter(&mut *out, Harmless(PrettyFormatter::new()));
    run.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// Pretty-printed, with hidden characters escaped: names come from anybody, and a terminal may show this.
struct Harmless(PrettyFormatter<'static>);

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|b| b.is_ascii() && b != 0x7f) {
            return out.write_all(fragment.as_bytes());
        }
        out.write_all(escape::json(fragment).as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}
