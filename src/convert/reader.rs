//! The thread that reads: inputs, one after the other, into chunks.

use std::thread;

use crossbeam_channel::{Receiver, Sender};

use super::Conversion;
use super::budget::Budget;
use super::sample::{Reservoir, Sample};
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
        skip: conversion.skip,
        limit: conversion.limit,
        sample: conversion.sample.map(|sample| (sample, budget.sample)),
        chunk_bytes: budget.chunk,
        record_bytes_max: budget.record,
    };
    let inputs = conversion.inputs;
    let read = move || {
        let end = match read_all(inputs, &plan, &tickets, &reports) {
            Ok(Some(end)) => {
                Report::End { bytes: end.bytes, notes: end.notes, left_out: end.left_out }
            }
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
    skip: u64,
    limit: Option<u64>,
    /// With the bytes that it may take.
    sample: Option<(Sample, usize)>,
    chunk_bytes: usize,
    record_bytes_max: usize,
}

/// What is known once all inputs were read.
#[derive(Debug, Default)]
struct End {
    bytes: u64,
    notes: Vec<Warning>,
    left_out: u64,
}

/// Returns what was read, or nothing if the run wants no more.
fn read_all(
    inputs: Vec<Input>,
    plan: &ReadPlan,
    tickets: &Receiver<Option<Chunk>>,
    reports: &Sender<Report>,
) -> Result<Option<End>, Error> {
    let mut start = Start::default();
    let mut end = End::default();
    let mut sent = 0;
    let mut reservoir = plan.sample.map(|(sample, bytes)| Reservoir::new(sample, bytes));
    let records_max = plan.limit.map(|limit| plan.skip.saturating_add(limit));
    for input in inputs {
        if records_max.is_some_and(|most| start.first_record >= most) {
            break;
        }
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
            records_max,
        };
        let mut framer = Framer::new(source.reader, options, start);
        let mut bytes = 0;
        loop {
            match tickets.recv() {
                Ok(Some(done)) => framer.recycle(done),
                Ok(None) => {}
                Err(_) => return Ok(None),
            }
            let wanted = loop {
                let Some(mut chunk) = framer.next()? else { break None };
                bytes = chunk.first_byte + chunk.bytes.len() as u64;
                let skipped = plan.skip.saturating_sub(chunk.first_record);
                let skipped = skipped.min(chunk.records.len() as u64) as usize;
                end.left_out += skipped as u64;
                if skipped == chunk.records.len() {
                    framer.recycle(chunk);
                    continue;
                }
                if skipped > 0 {
                    chunk.drop_first(skipped);
                }
                let Some(reservoir) = &mut reservoir else { break Some(chunk) };
                end.left_out += chunk.records.len() as u64;
                reservoir.add(&chunk)?;
                framer.recycle(chunk);
            };
            let Some(chunk) = wanted else { break };
            if reports.send(Report::Read(Chunk { sequence: sent, ..chunk })).is_err() {
                return Ok(None);
            }
            sent += 1;
        }
        // The ticket of the chunk that did not come goes to the next input.
        let _ = reports.send(Report::Unused);
        end.bytes += bytes;
        end.notes.extend(source.notes.take());
        start = framer.end();
    }
    for chunk in reservoir.into_iter().flat_map(Reservoir::into_chunks) {
        if tickets.recv().is_err() {
            return Ok(None);
        }
        end.left_out -= 1;
        if reports.send(Report::Read(Chunk { sequence: sent, ..chunk })).is_err() {
            return Ok(None);
        }
        sent += 1;
    }
    Ok(Some(end))
}
