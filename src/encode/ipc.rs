//! Arrow IPC files. The format has one schema, at its start, so rows wait as Parquet until that is
//! known.

use std::io::BufWriter;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::ArrowError;

use super::parquet::{Codec, ParquetOptions, ParquetWriter};
use super::{Encoded, Place, RowGroup, TableWriter, Task, arrow};
use crate::error::{Error, ErrorKind};
use crate::schema::Layout;
use crate::sink::{Scratch, Staged};

/// Starts an Arrow IPC file.
pub fn open(staged: Staged) -> Result<Box<dyn TableWriter>, Error> {
    let options = ParquetOptions { codec: Codec::Lz4, ..ParquetOptions::default() };
    Ok(Box::new(IpcWriter { waiting: ParquetWriter::open(staged, options)? }))
}

struct IpcWriter {
    waiting: ParquetWriter,
}

/// Says which file could not be written, where that is what is wrong.
fn failed(scratch: &Scratch, cause: ArrowError) -> Error {
    let cause = match cause {
        ArrowError::IoError(_, cause) => return scratch.error("writing", cause),
        cause => cause,
    };
    Error::new(ErrorKind::Io, format!("writing Arrow failed: {cause}")).with_source(cause)
}

impl TableWriter for IpcWriter {
    fn plan(
        &mut self,
        group: RowGroup,
        layout: &Arc<Layout>,
        place: Place,
    ) -> Result<Vec<Task>, Error> {
        self.waiting.plan(group, layout, place)
    }

    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        self.waiting.append(encoded)
    }

    fn finish(self: Box<Self>, layout: &Layout) -> Result<Staged, Error> {
        let schema = Arc::new(arrow::schema(layout));
        let scratch = self.waiting.staged()?.scratch()?;
        let here = |cause| failed(&scratch, cause);
        let out = BufWriter::new(scratch.append()?);
        let mut writer = FileWriter::try_new(out, &schema).map_err(here)?;
        for (group, rows) in self.waiting.group_rows().into_iter().enumerate() {
            let arrays = self.waiting.read_arrays(group, layout)?;
            let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
            let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
                .map_err(here)?;
            writer.write(&batch).map_err(here)?;
        }
        writer.finish().map_err(here)?;
        let out = writer.into_inner().map_err(here)?;
        out.into_inner().map_err(|cause| scratch.error("writing", cause.into_error()))?;
        let mut staged = self.waiting.into_staged()?;
        staged.replace_with(scratch)?;
        Ok(staged)
    }
}
