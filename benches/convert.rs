//! The whole way: JSONL in memory to files, in every format. Inputs come from a fixed seed.
//!
//! `cargo bench --bench convert`

mod support;

use divan::Bencher;
use divan::counter::BytesCount;
use transmog::{Conversion, Destination, Input, OutputFormat};

fn main() {
    divan::main();
}

const RECORDS: usize = 50_000;

#[divan::bench(args = ["parquet", "csv", "jsonl", "arrow"], sample_count = 5)]
fn orders(bencher: Bencher<'_, '_>, to: &str) {
    let to: OutputFormat = to.parse().expect("a format");
    let input = support::orders(RECORDS);
    bencher.counter(BytesCount::new(input.len())).bench_local(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let reader = Box::new(std::io::Cursor::new(input.clone()));
        let input = Input::Reader { name: "orders".to_owned(), reader };
        let mut conversion = Conversion::new(vec![input], to);
        conversion.destination = Destination::Directory(dir.path().to_path_buf());
        conversion.run().expect("a conversion")
    });
}
