//! Decoding and flattening alone: chunks in memory to columns, on one thread.
//!
//! `cargo bench --bench decode`

mod support;

use std::sync::Arc;

use divan::Bencher;
use divan::counter::BytesCount;
use transmog::decode::{self, DecodeOptions};
use transmog::flatten::admission::{Admission, Caps};
use transmog::flatten::path::Paths;
use transmog::flatten::{FlattenOptions, Flattener};
use transmog::frame::{Chunk, FrameOptions, Framer, Framing, OnLost, Start};
use transmog::limits;

fn main() {
    divan::main();
}

const RECORDS: usize = 50_000;

#[divan::bench(sample_count = 10)]
fn frame_lines(bencher: Bencher<'_, '_>) {
    let input = support::orders(RECORDS);
    bencher.counter(BytesCount::new(input.len())).bench_local(|| chunks(&input).len());
}

#[divan::bench(sample_count = 10)]
fn decode_and_flatten(bencher: Bencher<'_, '_>) {
    let input = support::orders(RECORDS);
    let chunks = chunks(&input);
    let options = Arc::new(FlattenOptions::default());
    let admission = Admission::new(Caps {
        columns: limits::COLUMNS_MAX,
        run_columns: limits::RUN_COLUMNS_MAX,
        tables: limits::TABLES_MAX,
    });
    let mut flattener = Flattener::new(options, Arc::new(Paths::default()), admission);
    let decode = DecodeOptions::default();
    bencher.counter(BytesCount::new(input.len())).bench_local(|| {
        for chunk in &chunks {
            divan::black_box(
                decode::chunk(chunk, &mut flattener, &decode, || ()).expect("good records"),
            );
        }
    });
}

/// What a tape would cost before a single value is in a column: each record to a tape, which is
/// dropped.
#[divan::bench(sample_count = 10)]
fn simd_json_tape(bencher: Bencher<'_, '_>) {
    let input = support::orders(RECORDS);
    let chunks = chunks(&input);
    let mut buffers = simd_json::Buffers::default();
    bencher
        .counter(BytesCount::new(input.len()))
        .with_inputs(|| chunks.iter().map(|chunk| chunk.bytes.clone()).collect::<Vec<_>>())
        .bench_local_values(|mut copies| {
            for (chunk, bytes) in chunks.iter().zip(&mut copies) {
                for record in &chunk.records {
                    let record = &mut bytes[record.range()];
                    let tape = simd_json::to_tape_with_buffers(record, &mut buffers);
                    divan::black_box(tape.expect("good records"));
                }
            }
        });
}

fn chunks(input: &[u8]) -> Vec<Chunk> {
    let options = FrameOptions {
        framing: Framing::Lines,
        name: "orders".to_owned(),
        chunk_bytes: limits::CHUNK_BYTES,
        record_bytes_max: limits::RECORD_BYTES_MAX,
        records_at: None,
        origin: None,
        records_max: None,
        on_lost: OnLost::Fail,
    };
    let mut framer = Framer::new(input, options, Start::default(), None);
    let mut chunks = Vec::new();
    while let Some(chunk) = framer.next().expect("good framing") {
        chunks.push(chunk);
    }
    chunks
}
