//! The thread that reads: inputs, one after the other, into chunks.

use std::thread;

use crossbeam_channel::{Receiver, Sender};

use super::Conversion;
use super::budget::Budget;
use super::workers::Report;
use crate::error::{Error, ErrorKind};
use crate::format::InputFormat;
use crate::frame::{Chunk, FrameOptions, Framer, RecordPointer, Start};
use crate::report::Warning;
use crate::source::charset::Charset;
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
        charset: conversion.charset,
        records_at: conversion.records_at,
        unpack_bytes: budget.unpack,
        chunk_bytes: budget.chunk,
        record_bytes_max: budget.record,
    };
    let inputs = conversion.inputs;
    let read = move || {
        let end = match read_all(inputs, &plan, &tickets, &reports) {
            Ok(Some((bytes, notes))) => Report::End { bytes, notes },
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
    charset: Option<Charset>,
    records_at: Option<RecordPointer>,
    unpack_bytes: usize,
    chunk_bytes: usize,
    record_bytes_max: usize,
}

/// Returns the bytes read and what users should know, or nothing if the run wants no more.
fn read_all(
    inputs: Vec<Input>,
    plan: &ReadPlan,
    tickets: &Receiver<Option<Chunk>>,
    reports: &Sender<Report>,
) -> Result<Option<(u64, Vec<Warning>)>, Error> {
    let mut start = Start::default();
    let mut bytes = 0;
    let mut notes = Vec::new();
    for input in inputs {
        let mut source = Source::open(input)?;
        source.unpack(plan.unpack_bytes)?;
        let origin = source.decode(plan.charset)?;
        let framing = source.framing(plan.from)?;
        let options = FrameOptions {
            framing,
            name: source.name,
            chunk_bytes: plan.chunk_bytes,
            record_bytes_max: plan.record_bytes_max,
            records_at: plan.records_at.clone(),
            origin,
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
        // The ticket of the chunk that did not come goes to the next input.
        let _ = reports.send(Report::Unused);
        bytes += end;
        notes.extend(source.notes.take());
        start = framer.end();
    }
    Ok(Some((bytes, notes)))
}
