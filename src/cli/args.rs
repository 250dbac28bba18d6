//! Flags as typed.
//!
//! Values are checked one by one here; what they mean together is decided in `plan`. A flag that
//! was not given is `None` or empty, so that defaults stand in the library alone.

use std::env;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use clap::builder::{Resettable, StyledStr};
use clap::{Id, Parser, Subcommand};
use clap_complete::Shell;
use transmog::{
    ArrayMode, Codec, DateMode, DeclaredType, DuplicateKeys, Execution, Framing, IdMode,
    InputFormat, LogFormat, NameStyle, Nulls, NumberMode, OnTimeout, OutputFormat, PathPattern,
    Ragged, Rate, RecordPointer, SchemaMode, Sign, SqlDialect, StatusPolicy, limits,
};

use super::presets;
use super::values::{
    ARRAYS, BOOLS, COLORS, ColorChoice, DATES, DIALECTS, DUPLICATES, EXECUTIONS, Encoding,
    FRAMINGS, Failure, INPUTS, LIVE, LOG_FORMATS, LiveChoice, NAMES, NULLS, NUMBERS, ON_ERROR,
    ON_TIMEOUT, OUTPUTS, POLICIES, PROFILE_FORMATS, PROGRESS, ProfileFormat, ProgressChoice,
    RAGGED, SCHEMA_FORMATS, SCHEMA_MODES, STRATEGIES, SchemaFormat, Strategy, SummaryFormat,
    choice, delimiter, duration, encoding, number, setting, sign, sign_or_none, size, time,
};

/// Help leads with examples.
const HELP: &str = "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}";

/// What `--version` says behind the name; `-V` says the first line.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let features = if cfg!(feature = "cloud") { "cli, cloud" } else { "cli" };
    let libc = match () {
        () if cfg!(target_env = "gnu") => " gnu",
        () if cfg!(target_env = "musl") => " musl",
        () if cfg!(target_env = "msvc") => " msvc",
        () => "",
    };
    format!(
        "{}\nfeatures: {features}\nbuilt for: {} {}{libc}\nlicence: {}",
        env!("CARGO_PKG_VERSION"),
        env::consts::OS,
        env::consts::ARCH,
        env!("CARGO_PKG_LICENSE"),
    )
});

/// Commands that work when pasted; short, so that no terminal breaks their lines.
const EXAMPLES: &str = "\
Examples:
  a table for each level of nesting, as Parquet, into the current directory
    transmog convert fixtures/orders.jsonl --to parquet
  into a directory, or with a name for the main table
    transmog convert fixtures/orders.jsonl --to csv -o tables/
    transmog convert fixtures/orders.jsonl -o tables.parquet --force
  in a pipe, where arrays stay JSON text in their column
    cat fixtures/orders.jsonl | transmog convert --to csv
  one of several tables, or all of them, to standard output
    transmog convert fixtures/orders.jsonl --to csv -o - --table orders_items
    cat fixtures/orders.jsonl | transmog convert --to jsonl --framing tagged
  CSV and TSV, whose delimiter, quotes and header are told from the start of the file
    transmog convert fixtures/people.csv --to parquet
  records inside a wrapper
    echo '{\"data\": [{\"id\": 1}]}' | transmog convert --records /data --to csv
  dates as text, ids made from the content
    transmog convert fixtures/orders.jsonl -o plain.csv --dates off --ids hash";

/// The same for `config`.
const CONFIG_EXAMPLES: &str = "\
Examples:
  all settings, with a preset and a file
    transmog config --preset large-data --config fixtures/transmog.toml
  as JSON
    transmog config --json
  whether a file is fine
    transmog config --check fixtures/transmog.toml";

/// The same for `schema`.
const SCHEMA_EXAMPLES: &str = "\
Examples:
  tables, columns, types
    transmog schema fixtures/orders.jsonl
  learn a schema, and hold later files to it
    transmog schema --format json fixtures/orders.jsonl > orders.schema.json
    transmog check --schema orders.schema.json --schema-mode strict fixtures/orders.jsonl
  say what changed since
    transmog schema diff orders.schema.json orders.schema.json
  create the tables in a database
    transmog schema --format sql --dialect postgres fixtures/orders.jsonl";

/// The same for `check`.
const CHECK_EXAMPLES: &str = "\
Examples:
  whether every record can be converted
    transmog check fixtures/orders.jsonl
  in a job that may lose one record in a thousand
    transmog check --max-error-rate 0.1% --summary json fixtures/orders.jsonl";

/// The same for `profile`.
const PROFILE_EXAMPLES: &str = "\
Examples:
  what the columns hold
    transmog profile fixtures/orders.jsonl
  as a page for a browser
    transmog profile --format html fixtures/orders.jsonl > orders.html";

/// Turns nested JSON, JSONL and CSV into clean related tables: a main table and a child table per
/// nested array.
#[derive(Debug, Parser)]
#[command(name = "transmog", version, long_version = LONG_VERSION.as_str())]
#[command(disable_help_subcommand = true, max_term_width = 100)]
#[command(arg_required_else_help = true, before_help = EXAMPLES, help_template = HELP)]
pub struct Args {
    /// When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR`
    /// and `CLICOLOR_FORCE` say, `always` or `never`.
    #[arg(long, global = true, value_name = "WHEN", value_parser = choice(COLORS))]
    #[arg(help_heading = "Output")]
    pub color: Option<ColorChoice>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Converts JSON, JSONL, CSV or TSV into Parquet, CSV, TSV, JSONL, JSON or Arrow tables.
    Convert(Box<ConvertArgs>),
    /// Shows which tables and columns an input has: types, shares of nulls, examples, hints.
    ///
    /// Reads all of it and writes nothing. `--format json` is a schema file for `convert --schema`.
    #[command(before_help = SCHEMA_EXAMPLES, help_template = HELP)]
    Schema(Box<SchemaArgs>),
    /// Reads everything, writes nothing, and ends with the exit status that `convert` would have.
    #[command(before_help = CHECK_EXAMPLES, help_template = HELP)]
    Check(Box<ReadArgs>),
    /// Says of each column how its values are: nulls, distinct, least, greatest, mean, lengths,
    /// quantiles, the most frequent.
    #[command(before_help = PROFILE_EXAMPLES, help_template = HELP)]
    Profile(Box<ProfileArgs>),
    /// Prints every setting: its value, where that comes from, and what it takes.
    ///
    /// Settings are the flags of `convert`; a flag comes before the environment, that before the
    /// file, that before the preset.
    #[command(before_help = CONFIG_EXAMPLES, help_template = HELP)]
    Config(Box<ConfigArgs>),
    /// Lists the formats, compressions, batch strategies and presets that are built in.
    Formats {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints the script that completes commands and flags in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Prints the manual page of `transmog`, or of one of its commands.
    Man {
        /// The command, such as `convert` or `schema diff`.
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
        /// Writes the page into this directory, and those of all commands below; makes the directory
        /// where it is missing, and replaces pages that are there.
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
}

/// Flags of commands that read and write nothing: those of `convert` that mean something there.
#[derive(Debug, Clone)]
pub struct ReadArgs(pub ConvertArgs);

impl ReadArgs {
    /// Returns whether a flag is about what is written, by its heading and name in the matches.
    pub fn is_about_output(heading: &str, id: &str) -> bool {
        const MEANT: [&str; 7] =
            ["force", "log_format", "metrics", "metrics_interval", "quiet", "summary", "table"];
        match heading {
            "Output" => !MEANT.contains(&id),
            "Output formats" => true,
            "Batches" => matches!(id, "live" | "max_file_rows"),
            _ => false,
        }
    }

    /// Adds the flags, once somebody asks for this command: there are a hundred of them, and several
    /// commands that have them.
    ///
    /// Those without effect are left out of help. What flags ask of each other is looked at where
    /// all settings are known, as it is for `convert`.
    fn add(command: clap::Command) -> clap::Command {
        command.defer(|command| {
            let (about, long_about) =
                (command.get_about().cloned(), command.get_long_about().cloned());
            let examples = command.get_before_help().cloned();
            let command = <ConvertArgs as clap::Args>::augment_args(command).mut_args(|arg| {
                let heading = arg.get_help_heading().unwrap_or_default();
                let is_idle = Self::is_about_output(heading, arg.get_id().as_str());
                let arg = if is_idle { arg.hide(true) } else { arg };
                arg.requires(Resettable::<Id>::Reset).conflicts_with(Resettable::<Id>::Reset)
            });
            let told = |text: Option<StyledStr>| text.map_or(Resettable::Reset, Resettable::Value);
            command.about(told(about)).long_about(told(long_about)).before_help(told(examples))
        })
    }
}

impl clap::FromArgMatches for ReadArgs {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        ConvertArgs::from_arg_matches(matches).map(ReadArgs)
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl clap::Args for ReadArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        Self::add(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::add(command)
    }
}

/// Flags of `schema`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct SchemaArgs {
    /// What to do with schemas; nothing shows that of an input.
    #[command(subcommand)]
    pub action: Option<SchemaAction>,
    /// How it is printed: a `tree` (default), `json` for `convert --schema`, `sql` that creates the
    /// tables, or `arrow`: an Arrow IPC stream without rows, of one table.
    #[arg(long, value_name = "FORMAT", value_parser = choice(SCHEMA_FORMATS))]
    #[arg(help_heading = "Schema")]
    pub format: Option<SchemaFormat>,
    /// The SQL of `duckdb` (default), `postgres` or `spark`.
    #[arg(long, value_name = "DIALECT", value_parser = choice(DIALECTS), help_heading = "Schema")]
    pub dialect: Option<SqlDialect>,
    /// Values that are shown of each column, from the data: as many as fit into the line of a tree,
    /// all in JSON; 0 shows none, so that the schema can be shared where the data cannot
    /// [default: 3].
    #[arg(long, value_name = "N", value_parser = number::<usize, 0, { limits::EXAMPLES_MAX }>)]
    #[arg(help_heading = "Schema")]
    pub examples: Option<usize>,
    /// What is read.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// What `schema` does besides.
#[derive(Debug, Clone, Subcommand)]
pub enum SchemaAction {
    /// Prints the schema that has room for what two or more schema files describe.
    Merge {
        /// Schema files, as `schema --format json` prints them.
        #[arg(value_name = "SCHEMA", num_args = 2.., required = true)]
        files: Vec<PathBuf>,
    },
    /// Says how two schema files differ; ends with status 1 where they do.
    Diff {
        /// The schema file as it was.
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The schema file as it is.
        #[arg(value_name = "NEW")]
        new: PathBuf,
    },
}

/// Flags of `profile`.
#[derive(Debug, clap::Args)]
pub struct ProfileArgs {
    /// How it is printed: a `table` (default), `json`, or `html`: one page with a histogram for each
    /// column.
    #[arg(long, value_name = "FORMAT", value_parser = choice(PROFILE_FORMATS))]
    #[arg(help_heading = "Profile")]
    pub format: Option<ProfileFormat>,
    /// What is read.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Flags of `config`: those of `convert`, whose settings it shows.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// Looks at this file alone, and says what is wrong with it.
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// Prints JSON: an array with an object for each setting.
    #[arg(long, conflicts_with = "check")]
    pub json: bool,
    /// The settings.
    #[command(flatten)]
    pub convert: ConvertArgs,
}

/// Flags of `convert`.
#[derive(Debug, Clone, clap::Args)]
#[command(before_help = EXAMPLES, help_template = HELP)]
pub struct ConvertArgs {
    /// What to read, in this order, into one set of tables: files, patterns in quotes such as
    /// 'data/*.jsonl', directories with `-r`; `-`, or nothing, is standard input.
    #[arg(value_name = "FILE", help_heading = "Input")]
    pub files: Vec<PathBuf>,
    /// Takes the files below directories whose names end as those of inputs do.
    #[arg(short, long, help_heading = "Input")]
    pub recursive: bool,
    /// Reads names of further inputs from a file, one a line; `-` is standard input.
    #[arg(long, value_name = "LIST", help_heading = "Input")]
    pub files_from: Option<PathBuf>,
    /// The names of `--files-from` end in NUL bytes, as `find -print0` writes them.
    #[arg(short = '0', long, requires = "files_from", help_heading = "Input")]
    pub null: bool,
    /// Adds a column to the main table with the input that each record came from
    /// [default name: _tm_source].
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true)]
    #[arg(help_heading = "Input")]
    pub source_column: Option<Option<String>>,
    /// What the input is written in; `auto` (default) tells from its first bytes. `arrow` is a file
    /// or a stream of Arrow IPC, Feather too. `rejects` reads the records of a reject file again.
    #[arg(long, value_name = "FORMAT", value_parser = choice(INPUTS), help_heading = "Input")]
    pub from: Option<InputFormat>,
    /// LABEL: the character set of input without a byte order mark, such as `latin1`, `utf-16le` or
    /// `sjis`, by the labels of web pages [default: utf-8]. COLUMN=NAME, for Parquet: the encoding
    /// of a column, such as `id=delta` or `orders.id=delta`: `plain`, `dictionary`, `delta`,
    /// `delta-length`, `delta-byte-array`, `byte-stream-split` or `rle`, as its type allows, or
    /// `auto` (default), as suits its values. Can be repeated.
    #[arg(long, value_name = "LABEL|COLUMN=NAME", value_parser = encoding)]
    #[arg(help_heading = "Input")]
    pub encoding: Vec<Encoding>,
    /// JSON Pointer to the records inside each top-level value, such as `/data/results`.
    #[arg(long, value_name = "POINTER", value_parser = RecordPointer::from_str)]
    #[arg(help_heading = "Input")]
    pub records: Option<RecordPointer>,
    /// Takes records that are not objects, as `{"value": …}`.
    #[arg(long, help_heading = "Input")]
    pub wrap_values: bool,
    /// Which value stands where a key stands twice in one object: `last` (default), `first`, or
    /// none, as the record is rejected.
    #[arg(long, value_name = "WHICH", value_parser = choice(DUPLICATES), help_heading = "Input")]
    pub duplicate_keys: Option<DuplicateKeys>,
    /// Longest record that is taken [default: 64MiB, less with a smaller `--memory-limit`].
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Input")]
    pub max_record_bytes: Option<usize>,

    /// Only these paths and what is below them, such as `items.sku`; `*` matches one step. Keys that
    /// hold dots are written as in a JSON Pointer, here as for all flags that take a path:
    /// `/items/price.net`, with `~1` for a slash, `~0` for `~`, `~2` for a key `*`. Can be repeated.
    #[arg(long, value_name = "PATH", value_parser = PathPattern::from_str)]
    #[arg(help_heading = "Selection")]
    pub select: Vec<PathPattern>,
    /// Not these paths, nor what is below them, whatever is selected. Can be repeated; keys with dots
    /// as for `--select`.
    #[arg(long, value_name = "PATH", value_parser = PathPattern::from_str)]
    #[arg(help_heading = "Selection")]
    pub drop: Vec<PathPattern>,
    /// Leaves out that many records at the start, over all inputs.
    #[arg(long, value_name = "N", value_parser = number::<u64, 0, { usize::MAX }>)]
    #[arg(help_heading = "Selection")]
    pub skip: Option<u64>,
    /// Reads that many records and no further: faults behind them are not seen.
    #[arg(long, value_name = "N", value_parser = number::<u64, 0, { usize::MAX }>)]
    #[arg(help_heading = "Selection")]
    pub limit: Option<u64>,
    /// Takes that many records at random of those that `--skip` and `--limit` leave, in their order.
    #[arg(long, value_name = "N", value_parser = number::<usize, 1, 1_000_000_000>)]
    #[arg(help_heading = "Selection")]
    pub sample: Option<usize>,
    /// Decides which records `--sample` takes [default: 0].
    #[arg(long, value_name = "N", value_parser = number::<u64, 0, { usize::MAX }>)]
    #[arg(requires = "sample", help_heading = "Selection")]
    pub seed: Option<u64>,
    /// The character between cells; `\t` is a tab. This and all of these are told from the start of
    /// the input where they are not given.
    #[arg(long, value_name = "CHAR", value_parser = delimiter, help_heading = "CSV input")]
    #[arg(allow_hyphen_values = true)]
    pub delimiter: Option<u8>,
    /// The character around cells that hold delimiters or line ends; `none` where quotes are text.
    #[arg(long, value_name = "CHAR", value_parser = sign_or_none, help_heading = "CSV input")]
    pub quote: Option<Sign>,
    /// The character before a quote inside quotes, besides a second quote; `none` where there is none.
    #[arg(long, value_name = "CHAR", value_parser = sign_or_none, help_heading = "CSV input")]
    pub escape: Option<Sign>,
    /// The first row holds names.
    #[arg(long, conflicts_with = "no_header", help_heading = "CSV input")]
    pub header: bool,
    /// The first row holds values; columns are called `column_1` and so on.
    #[arg(long, help_heading = "CSV input")]
    pub no_header: bool,
    /// Lines to leave out at the start, before the header.
    #[arg(long, value_name = "N", value_parser = number::<u64, 0, 1_000_000_000>)]
    #[arg(help_heading = "CSV input")]
    pub skip_rows: Option<u64>,
    /// The character that starts lines to leave out; `none` where every line is a row.
    #[arg(long, value_name = "CHAR", value_parser = sign_or_none, help_heading = "CSV input")]
    pub comment: Option<Sign>,
    /// A text that stands for no value, such as `NA`, besides an empty cell without quotes. Can be
    /// repeated.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = "CSV input")]
    pub null_value: Vec<String>,
    /// What becomes of rows with too few or too many cells: `reject` (default), or `pad` with null
    /// and keep what is too much in the column `_tm_rest`.
    #[arg(long, value_name = "MODE", value_parser = choice(RAGGED), help_heading = "CSV input")]
    pub ragged: Option<Ragged>,
    /// Flattens cells that hold a JSON object or array.
    #[arg(long, help_heading = "CSV input")]
    pub json_cells: bool,
    /// Reads numbers that have a comma before their fraction, as in `1,5`.
    #[arg(long, help_heading = "CSV input")]
    pub decimal_comma: bool,
    /// Reads numbers that have this character between their thousands, as in `1.234,5`.
    #[arg(long, value_name = "CHAR", value_parser = sign, help_heading = "CSV input")]
    pub thousands: Option<u8>,

    /// What arrays become: `smart` (default) makes lists of scalars a list column and others a
    /// child table, `separate` always a child table, `inline` JSON text, `skip` leaves them out.
    /// Where standard output takes a single table the default is `inline`.
    #[arg(long, value_name = "MODE", value_parser = choice(ARRAYS), help_heading = "Flattening")]
    pub arrays: Option<ArrayMode>,
    /// What the arrays at one path become, such as `items.tags=inline`; `*` matches one step, the
    /// last match counts. Can be repeated; keys with dots as for `--select`.
    #[arg(long, value_name = "PATH=MODE", value_parser = setting::<ArrayMode>)]
    #[arg(help_heading = "Flattening")]
    pub arrays_at: Vec<(PathPattern, ArrayMode)>,
    /// An object whose keys are data: it becomes a child table with a key column. Can be repeated;
    /// keys with dots as for `--select`.
    #[arg(long, value_name = "PATH", value_parser = PathPattern::from_str)]
    #[arg(help_heading = "Flattening")]
    pub map: Vec<PathPattern>,
    /// What identifies a row: `sequence` (default), `field:PATH`, `hash`, `hash:PATH,…`, `uuid`,
    /// or `none` where no child table can arise. Rows of CSV have none unless this is given.
    #[arg(long, value_name = "IDS", value_parser = IdMode::from_str, help_heading = "Flattening")]
    pub ids: Option<IdMode>,
    /// Levels of nesting that become columns and tables; deeper ones stay JSON text [default: 32].
    #[arg(long, value_name = "N", value_parser = number::<u32, 1, 1024>)]
    #[arg(help_heading = "Flattening")]
    pub max_depth: Option<u32>,
    /// Columns of a table; values of further ones go to one JSON column [default: 4096].
    #[arg(long, value_name = "N", value_parser = number::<usize, 1, 1_048_576>)]
    #[arg(help_heading = "Flattening")]
    pub max_columns: Option<usize>,
    /// Tables of the run; further arrays stay JSON text [default: 512].
    #[arg(long, value_name = "N", value_parser = number::<usize, 1, 65_536>)]
    #[arg(help_heading = "Flattening")]
    pub max_tables: Option<usize>,

    /// Name of the main table; taken from output or input where missing, else `records`.
    #[arg(long, value_name = "NAME", help_heading = "Names")]
    pub name: Option<String>,
    /// Stands between the keys of a name [default: _].
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = "Names")]
    pub separator: Option<String>,
    /// Starts the names of link columns [default: _tm_].
    #[arg(long, value_name = "TEXT", help_heading = "Names")]
    pub meta_prefix: Option<String>,
    /// How keys are spelled in names: `verbatim` (default) or `snake`.
    #[arg(long, value_name = "STYLE", value_parser = choice(NAMES), help_heading = "Names")]
    pub names: Option<NameStyle>,

    /// What numbers with a fraction or an exponent become: `double` (default), `text` as they
    /// stand, or `decimal` where 38 digits hold all of a column.
    #[arg(long, value_name = "MODE", value_parser = choice(NUMBERS), help_heading = "Types")]
    pub numbers: Option<NumberMode>,
    /// What dates and times become: types (`auto`, default) or text (`off`).
    #[arg(long, value_name = "MODE", value_parser = choice(DATES), help_heading = "Types")]
    pub dates: Option<DateMode>,
    /// The type at a path, such as `zip=text`: `text`, `bool`, `int64`, `double`, `decimal(P,S)`,
    /// `date`, `timestamp`, `timestamptz`, `json`. Can be repeated; keys with dots as for `--select`.
    #[arg(long = "type", value_name = "PATH=TYPE", value_parser = setting::<DeclaredType>)]
    #[arg(help_heading = "Types")]
    pub types: Vec<(PathPattern, DeclaredType)>,
    /// A schema file: JSON with the tables, columns and types that the output is to have.
    /// docs/schema.md says how to write one.
    #[arg(long, value_name = "FILE", help_heading = "Types")]
    pub schema: Option<PathBuf>,
    /// What becomes of values that the schema file has no place for: `evolve` (default) adds and
    /// widens columns for them, with `strict` their record is rejected, `discard` leaves them out.
    #[arg(long, value_name = "MODE", value_parser = choice(SCHEMA_MODES), requires = "schema")]
    #[arg(help_heading = "Types")]
    pub schema_mode: Option<SchemaMode>,
    /// Makes every scalar text, as it stands in the input.
    #[arg(long, conflicts_with_all = ["numbers", "dates"], help_heading = "Types")]
    pub all_text: bool,

    /// What to write; taken from the ending of `-o` where missing.
    #[arg(long, value_name = "FORMAT", value_parser = choice(OUTPUTS), help_heading = "Output")]
    pub to: Option<OutputFormat>,
    /// Where to write: a directory, a file for the main table with child tables beside it, `-` for
    /// standard output, or the same in an object store, such as `s3://bucket/folder/`. By default the current directory, and standard output for standard
    /// input.
    #[arg(short, long, value_name = "DIR|FILE|-", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replaces files that exist.
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Writes nothing, and prints what would be read and written: the formats of inputs, the tables
    /// that their first megabytes tell, the outputs and which of them exist.
    #[arg(long, conflicts_with = "metrics", help_heading = "Output")]
    pub dry_run: bool,
    /// Writes only this one of the tables.
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    pub table: Option<String>,
    /// How tables share standard output: `one` (default), JSON lines `tagged` with their table, or
    /// a `tar` of files.
    #[arg(long, value_name = "FRAMING", value_parser = choice(FRAMINGS), help_heading = "Output")]
    pub framing: Option<Framing>,
    /// No summary, no progress, no hints. Errors are told, how many records were rejected, in one
    /// line, and paths of flags that matched nothing.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// How standard error is told how far the run is: `auto` (default) draws a bar where that is a
    /// terminal, after half a second, but not with `--quiet` or `--log-format`; `always` draws it
    /// anywhere, `plain` writes a line every 30 seconds, as suits the logs of CI, `never` nothing.
    #[arg(long, value_name = "WHEN", value_parser = choice(PROGRESS), help_heading = "Output")]
    pub progress: Option<ProgressChoice>,
    /// What standard error is told at the end: `text` (default), `json`, `github` (annotations; the
    /// page of the run goes to `$GITHUB_STEP_SUMMARY`) or `none`. `json=FILE` writes a file besides.
    #[arg(long, value_name = "FORMAT", value_parser = SummaryFormat::from_str)]
    #[arg(help_heading = "Output")]
    pub summary: Option<SummaryFormat>,
    /// Describes the tables for programs: a Frictionless data package, JSON, with their files,
    /// columns, types, JSON paths, keys and counts, which appears behind all of them. A file in the
    /// directory of the tables or above it, or `none` (default, but for object stores, where
    /// `<name>.manifest.json` lies beside the tables). docs/manifest.md shows one.
    #[arg(long, value_name = "FILE|none", help_heading = "Output")]
    pub manifest: Option<PathBuf>,
    /// Writes a script beside the tables that reads them: `duckdb` (views), `postgres` (tables, from
    /// CSV or TSV) or `spark` (views, of Parquet), with keys and the joins that put the tables
    /// together again. Several with commas between them.
    #[arg(long, value_name = "DIALECT", value_parser = choice(DIALECTS), value_delimiter = ',')]
    #[arg(help_heading = "Output")]
    pub emit_sql: Vec<SqlDialect>,
    /// Tells standard error what happens as it happens, a line for each event: `text`, or `json` with
    /// an object a line and nothing else, so that errors are in `run_complete` and there is no
    /// summary unless `--summary` asks for one.
    #[arg(long, value_name = "FORMAT", value_parser = choice(LOG_FORMATS))]
    #[arg(conflicts_with = "quiet", help_heading = "Output")]
    pub log_format: Option<LogFormat>,
    /// Writes what the run did to a file in Prometheus' text format, also where it fails. Metrics of
    /// an earlier run are replaced. If that cannot be written the run ends with status 1, where it
    /// succeeded otherwise.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub metrics: Option<PathBuf>,
    /// Writes metrics during the run as well, this often.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "metrics")]
    #[arg(help_heading = "Output")]
    pub metrics_interval: Option<Duration>,

    /// Parquet: `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to `gzip:9`, `lz4`, `none`
    /// [default: zstd:3].
    #[arg(long, value_name = "CODEC", value_parser = Codec::from_str)]
    #[arg(help_heading = "Output formats")]
    pub compression: Option<Codec>,
    /// Parquet: for old readers, only the encodings PLAIN and RLE_DICTIONARY, in data pages V1.
    #[arg(long, help_heading = "Output formats")]
    pub compat: bool,
    /// Parquet and Arrow: rows of a row group [default: 262144].
    #[arg(long, value_name = "N", value_parser = number::<usize, 1, 1_073_741_824>)]
    #[arg(help_heading = "Output formats")]
    pub row_group_rows: Option<usize>,
    /// Parquet and Arrow: size of values after which a row group is cut
    /// [default: about a fifth of `--memory-limit`, 88MiB].
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Output formats")]
    pub row_group_bytes: Option<usize>,
    /// CSV: the character between cells; `\t` is a tab [default: ,].
    #[arg(long, value_name = "CHAR", value_parser = delimiter, help_heading = "Output formats")]
    #[arg(allow_hyphen_values = true)]
    pub delimiter_out: Option<u8>,
    /// CSV and TSV: start with a byte order mark, for spreadsheets.
    #[arg(long, help_heading = "Output formats")]
    pub bom: bool,
    /// CSV and TSV: put `'` before text that a spreadsheet would run as a formula.
    #[arg(long, help_heading = "Output formats")]
    pub formula_guard: bool,
    /// JSON: spaces a level; without it no white space.
    #[arg(long, value_name = "N", value_parser = number::<u8, 0, 16>)]
    #[arg(help_heading = "Output formats")]
    pub indent: Option<u8>,
    /// JSON and JSONL: `omit` (default) leaves members without a value out, `keep` writes `null`.
    #[arg(long, value_name = "MODE", value_parser = choice(NULLS), help_heading = "Output formats")]
    pub nulls: Option<Nulls>,

    /// What happens at a record that cannot be converted: `skip` (default, `SendToDLQ`) puts it into
    /// the reject file and goes on, `fail` ends the run, `fail-batch` (`FailBatch`) rejects its whole
    /// batch, `retry` (`RetryWithBackoff`) is `skip` and tries reads and writes again that fail for
    /// a moment. `LogAndContinue` is `skip` without a reject file.
    #[arg(long, alias = "failure-strategy", value_name = "MODE", value_parser = choice(ON_ERROR))]
    #[arg(help_heading = "Recovery")]
    pub on_error: Option<Failure>,
    /// Where rejected records go, as JSON lines: a file, `-` (standard output, where the tables go
    /// to files) or `none` [default: <name>.rejects.jsonl beside the tables].
    #[arg(long, value_name = "FILE", help_heading = "Recovery")]
    pub rejects: Option<PathBuf>,
    /// Ends the run where more records than that are rejected; nothing is published then.
    #[arg(long, value_name = "N", value_parser = number::<u64, 0, { usize::MAX }>)]
    #[arg(help_heading = "Recovery")]
    pub max_errors: Option<u64>,
    /// The same for a share of all records, such as `5%`: at the end, and from the thousandth record
    /// on.
    #[arg(long, value_name = "P%", value_parser = Rate::from_str, help_heading = "Recovery")]
    pub max_error_rate: Option<Rate>,
    /// How often a read or write that fails for a moment is tried again
    /// [default: 3 with `--on-error retry`, else 0; object stores and HTTP: 8].
    #[arg(long, value_name = "N", value_parser = number::<u32, 0, 100>, help_heading = "Recovery")]
    pub max_retries: Option<u32>,
    /// How long to wait before the first of these, such as `250ms`; twice as long before each
    /// further one [default: 1s; object stores and HTTP: 100ms].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Recovery")]
    pub retry_backoff: Option<Duration>,
    /// The same as `--max-retries`, for reads alone.
    #[arg(long, value_name = "N", value_parser = number::<u32, 0, 100>, help_heading = "Recovery")]
    pub source_max_retries: Option<u32>,
    /// The same as `--retry-backoff`, for reads alone.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Recovery")]
    pub source_retry_backoff: Option<Duration>,
    /// A setting of object stores that is no secret, such as `endpoint=https://minio:9000`,
    /// `region=eu-west-1`, `path_style=true`, `allow_http=true`, `skip_signature=true`; may be given
    /// again. Keys and tokens come from the environment, profiles and the like:
    /// docs/object-stores.md.
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Object stores and HTTP")]
    pub store_option: Vec<String>,
    /// How long a request to an object store or web server may take until it is answered, and an
    /// answer may pause [default: 30s].
    #[arg(long, value_name = "TIME", value_parser = time)]
    #[arg(help_heading = "Object stores and HTTP")]
    pub request_timeout: Option<Duration>,

    /// Ends the run at the first input that cannot be read, and marks the rest as skipped
    /// [default: true]. With `false` the other inputs are read, and `--status-policy` decides.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", value_parser = choice(BOOLS), help_heading = "Recovery")]
    pub fail_fast: Option<bool>,
    /// How the status of the run follows from those of its inputs: `worst` (default), `best`,
    /// `majority`, `merge` (a warning where some inputs gave records), `first-failure`, or `all`
    /// (failed unless all passed). With `error` nothing is published.
    #[arg(long, value_name = "POLICY", value_parser = choice(POLICIES), help_heading = "Recovery")]
    pub status_policy: Option<StatusPolicy>,

    /// When a batch ends: `fixed_size` (default, `--batch-size`, `--batch-timeout`), `time_window`
    /// (`--batch-window`), `memory_based` (`--batch-memory`), `adaptive_size` (`--batch-min-size`,
    /// `--batch-max-size`, `--target-latency`), `low_latency` (`--batch-max-size`, `--batch-wait`,
    /// `--batch-eager`) or `mega_batch` (`--batch-size`, `--batch-parallel`,
    /// `--batch-reuse-buffer`). docs/batching.md says when to choose which.
    #[arg(long, value_name = "STRATEGY", value_parser = choice(STRATEGIES))]
    #[arg(help_heading = "Batches")]
    pub batch_strategy: Option<Strategy>,
    /// Records of a batch [default: 10000; with `mega_batch` 50000, from 10000 to 100000].
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize, 1, 1_000_000>)]
    #[arg(help_heading = "Batches")]
    pub batch_size: Option<NonZeroUsize>,
    /// On a pipe, how long after its first record a batch ends that is not full [default: 1s].
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Batches")]
    pub batch_timeout: Option<Duration>,
    /// Length of a window of time [default: 1s].
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Batches")]
    pub batch_window: Option<Duration>,
    /// Bytes of input of a batch [default: 1MiB].
    #[arg(long, alias = "batch-memory-size", value_name = "SIZE", value_parser = size)]
    #[arg(help_heading = "Batches")]
    pub batch_memory: Option<usize>,
    /// Records of a batch at least [default: 10].
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize, 1, 1_000_000>)]
    #[arg(help_heading = "Batches")]
    pub batch_min_size: Option<NonZeroUsize>,
    /// Records of a batch at most [default: 1000; with `low_latency` 1].
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize, 1, 1_000_000>)]
    #[arg(help_heading = "Batches")]
    pub batch_max_size: Option<NonZeroUsize>,
    /// How long a batch is to take, from its first record until its rows are written
    /// [default: 100ms].
    #[arg(long, alias = "batch-target-latency", value_name = "TIME", value_parser = time)]
    #[arg(help_heading = "Batches")]
    pub target_latency: Option<Duration>,
    /// On a pipe, how long after its first record a batch ends that is not full [default: 1ms].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Batches")]
    pub batch_wait: Option<Duration>,
    /// Whether it ends before that, at once where the pipe has nothing more [default: true].
    #[arg(long, value_name = "BOOL", value_parser = choice(BOOLS), help_heading = "Batches")]
    pub batch_eager: Option<bool>,
    /// Whether more than one thread works on batches [default: true].
    #[arg(long, value_name = "BOOL", value_parser = choice(BOOLS), help_heading = "Batches")]
    pub batch_parallel: Option<bool>,
    /// Whether the buffers of batches that are done are filled again [default: true].
    #[arg(long, value_name = "BOOL", value_parser = choice(BOOLS), help_heading = "Batches")]
    pub batch_reuse_buffer: Option<bool>,
    /// When rows go to standard output: `off` at the end, when the run has succeeded, `on` as
    /// batches close, `auto` (default) as batches close where input is a pipe and a batch strategy or
    /// a key of one was given. Rows that are out stay out if the run fails, and have the types known
    /// by then.
    #[arg(long, value_name = "WHEN", value_parser = choice(LIVE), help_heading = "Batches")]
    pub live: Option<LiveChoice>,
    /// Parquet, with `time_window` or `low_latency`: rows after which a part file is closed, too.
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize, 1, 1_073_741_824>)]
    #[arg(help_heading = "Batches")]
    pub max_file_rows: Option<NonZeroUsize>,

    /// Threads that work at once, as far as `--memory-limit` has room for them: 5 in 128MiB, 21 in
    /// 512MiB [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize, 1, 1024>)]
    #[arg(help_heading = "Running")]
    pub threads: Option<NonZeroUsize>,
    /// How many of them start: `sequential` one, `parallel` all, `adaptive` (default) one for a
    /// single chunk and all beyond.
    #[arg(long, value_name = "MODE", value_parser = choice(EXECUTIONS), help_heading = "Running")]
    pub execution: Option<Execution>,
    /// Chunks of input that are read ahead of those that threads work on [default: 3].
    #[arg(long, value_name = "N", value_parser = number::<usize, 0, 1024>)]
    #[arg(help_heading = "Running")]
    pub prefetch: Option<usize>,
    /// How long the run may take.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Running")]
    pub timeout: Option<Duration>,
    /// How long a pipe may give nothing.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Running")]
    pub idle_timeout: Option<Duration>,
    /// What happens when that time is up: `fail` (default) ends the run, `publish` ends the input
    /// behind its last whole record and publishes what there is, with exit status 3.
    #[arg(long, value_name = "WHAT", value_parser = choice(ON_TIMEOUT), help_heading = "Running")]
    pub on_timeout: Option<OnTimeout>,
    /// Memory to stay within; row groups get smaller with it, and the longest record that is
    /// taken. The footers of very wide tables come on top [default: 512MiB].
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Running")]
    pub memory_limit: Option<usize>,
    /// Bytes handed to a thread at once.
    #[arg(long, value_name = "SIZE", value_parser = size, hide = true)]
    pub chunk_bytes: Option<usize>,

    /// Reads settings from a TOML file: keys are the names of flags, as in `batch_size = 5000`.
    /// docs/configuration.md shows one.
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Starts from other defaults: `low-latency`, `high-throughput`, `ultra-throughput`,
    /// `memory-optimized`, `sequential`, `parallel`, `large-data`, `fail-fast` or
    /// `partial-recovery`. `transmog config --preset NAME` shows what it sets.
    #[arg(long, value_name = "NAME", value_parser = presets::parser(), hide_possible_values = true)]
    #[arg(help_heading = "Configuration")]
    pub preset: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Args::command().debug_assert();
    }
}
