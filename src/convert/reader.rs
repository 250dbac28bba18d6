//! The thread that reads: inputs, one after the other, into chunks.

use std::thread;

use crossbeam_channel::{Receiver, Sender};

use super::Conversion;
use super::budget::Budget;
use super::workers::Report;
use crate::error::{Error, ErrorKind};
use crate::format::InputFormat;
use crate::frame::dialect::DialectOptions;
use crate::frame::{Chunk, FrameOptions, Framer, RecordPointer, Start};
use crate::source::{Input, Source};

/// Reads all inputs, one after the other, on a thread of its own.
pub(super) fn spawn(
    conversion: Conversion,
    budget: &Budget,
    tickets: Receiver<Option<Chunk>>,
    reports: Sender<Report>,
) -> Result<(), Error> {
    let plan = ReadPlan {
        from: conversion.from,
        dialect: conversion.csv_input.dialect,
        records_at: conversion.records_at,
        chunk_bytes: budget.chunk,
        record_bytes_max: budget.record,
    };
    let inputs = conversion.inputs;
    let read = move || {
        let end = match read_all(inputs, &plan, &tickets, &reports) {
            Ok(Some(bytes)) => Report::End { bytes },
            Ok(None) => return,
            Err(error) => Report::ReadFailed(error),
        };
        let _ = reports.send(end);
    };
    thread::Builder::new().name("transmog-reader".to_owned()).spawn(read).map_err(|cause| {
        let message = format!("starting a thread failed: {cause}");
        Error::new(ErrorKind::Io, message).with_source(cause)
    })?;
    Ok(())
}

struct ReadPlan {
    from: InputFormat,
    dialect: DialectOptions,
    records_at: Option<RecordPointer>,
    chunk_bytes: usize,
    record_bytes_max: usize,
}

/// Returns the bytes read, or nothing if the run no longer wants them.
fn read_all(
    inputs: Vec<Input>,
    plan: &ReadPlan,
    tickets: &Receiver<Option<Chunk>>,
    reports: &Sender<Report>,
) -> Result<Option<u64>, Error> {
    let mut start = Start::default();
    let mut bytes = 0;
    for input in inputs {
        let mut source = Source::open(input)?;
        let framing = source.framing(plan.from, &plan.dialect)?;
        let options = FrameOptions {
            framing,
            name: source.name,
            chunk_bytes: plan.chunk_bytes,
            record_bytes_max: plan.record_bytes_max,
            records_at: plan.records_at.clone(),
        };
        let mut framer = Framer::new(source.reader, options, start);
        let mut end = 0;
        loop {
            match tickets.recv() {
                Ok(Some(done)) => framer.recycle(done),
                Ok(None) => {}
                Err(_) => return Ok(None),
            }
            let Some(chunk) = framer.next()? else { break };
            end = chunk.first_byte + chunk.bytes.len() as u64;
            if reports.send(Report::Read(chunk)).is_err() {
                return Ok(None);
            }
        }
        if framer.comments() > 0 {
            let (input, count) = (framer.end().input_index - 1, framer.comments());
            let _ = reports.send(Report::Comments { input, count });
        }
        // The ticket of the chunk that did not come goes to the next input.
        let _ = reports.send(Report::Unused);
        bytes += end;
        start = framer.end();
    }
    Ok(Some(bytes))
}
