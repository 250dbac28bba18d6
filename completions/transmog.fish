# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_transmog_global_optspecs
    string join \n color= h/help V/version
end

function __fish_transmog_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_transmog_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_transmog_using_subcommand
    set -l cmd (__fish_transmog_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c transmog -n "__fish_transmog_needs_command" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_needs_command" -s h -l help -d 'Print help'
complete -c transmog -n "__fish_transmog_needs_command" -s V -l version -d 'Print version'
complete -c transmog -n "__fish_transmog_needs_command" -f -a "convert" -d 'Converts JSON, JSONL, CSV or TSV into Parquet, CSV, TSV, JSONL, JSON or Arrow tables'
complete -c transmog -n "__fish_transmog_needs_command" -f -a "schema" -d 'Shows which tables and columns an input has: types, shares of nulls, examples, hints'
complete -c transmog -n "__fish_transmog_needs_command" -f -a "check" -d 'Reads everything, writes nothing, and ends with the exit status that `convert` would have'
complete -c transmog -n "__fish_transmog_needs_command" -f -a "profile" -d 'Says of each column how its values are: nulls, distinct, least, greatest, mean, lengths, quantiles, the most frequent'
complete -c transmog -n "__fish_transmog_needs_command" -f -a "config" -d 'Prints every setting: its value, where that comes from, and what it takes'
complete -c transmog -n "__fish_transmog_needs_command" -f -a "formats" -d 'Lists the formats, compressions, batch strategies and presets that are built in'
complete -c transmog -n "__fish_transmog_needs_command" -f -a "completions" -d 'Prints the script that completes commands and flags in a shell'
complete -c transmog -n "__fish_transmog_needs_command" -f -a "man" -d 'Prints the manual page of `transmog`, or of one of its commands'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l files-from -d 'Reads names of further inputs from a file, one a line; `-` is standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l source-column -d 'Adds a column to the main table with the input that each record came from [default name: _tm_source]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l from -d 'What the input is written in; `auto` (default) tells from its first bytes. `arrow` is a file or a stream of Arrow IPC, Feather too. `rejects` reads the records of a reject file again' -r -f -a "auto\t''
json\t''
jsonl\t''
csv\t''
tsv\t''
parquet\t''
arrow\t''
rejects\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l encoding -d 'LABEL: the character set of input without a byte order mark, such as `latin1`, `utf-16le` or `sjis`, by the labels of web pages [default: utf-8]. COLUMN=NAME, for Parquet: the encoding of a column, such as `id=delta` or `orders.id=delta`: `plain`, `dictionary`, `delta`, `delta-length`, `delta-byte-array`, `byte-stream-split` or `rle`, as its type allows, or `auto` (default), as suits its values. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l records -d 'JSON Pointer to the records inside each top-level value, such as `/data/results`' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l duplicate-keys -d 'Which value stands where a key stands twice in one object: `last` (default), `first`, or none, as the record is rejected' -r -f -a "last\t''
first\t''
reject\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l max-record-bytes -d 'Longest record that is taken [default: 64MiB, less with a smaller `--memory-limit`]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l select -d 'Only these paths and what is below them, such as `items.sku`; `*` matches one step. Keys that hold dots are written as in a JSON Pointer, here as for all flags that take a path: `/items/price.net`, with `~1` for a slash, `~0` for `~`, `~2` for a key `*`. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l drop -d 'Not these paths, nor what is below them, whatever is selected. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l skip -d 'Leaves out that many records at the start, over all inputs' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l limit -d 'Reads that many records and no further: faults behind them are not seen' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l sample -d 'Takes that many records at random of those that `--skip` and `--limit` leave, in their order' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l seed -d 'Decides which records `--sample` takes [default: 0]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l delimiter -d 'The character between cells; `\\t` is a tab. This and all of these are told from the start of the input where they are not given' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l quote -d 'The character around cells that hold delimiters or line ends; `none` where quotes are text' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l escape -d 'The character before a quote inside quotes, besides a second quote; `none` where there is none' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l skip-rows -d 'Lines to leave out at the start, before the header' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l comment -d 'The character that starts lines to leave out; `none` where every line is a row' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l null-value -d 'A text that stands for no value, such as `NA`, besides an empty cell without quotes. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l ragged -d 'What becomes of rows with too few or too many cells: `reject` (default), or `pad` with null and keep what is too much in the column `_tm_rest`' -r -f -a "reject\t''
pad\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l thousands -d 'Reads numbers that have this character between their thousands, as in `1.234,5`' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l arrays -d 'What arrays become: `smart` (default) makes lists of scalars a list column and others a child table, `separate` always a child table, `inline` JSON text, `skip` leaves them out. Where standard output takes a single table the default is `inline`' -r -f -a "smart\t''
separate\t''
inline\t''
skip\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l arrays-at -d 'What the arrays at one path become, such as `items.tags=inline`; `*` matches one step, the last match counts. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l map -d 'An object whose keys are data: it becomes a child table with a key column. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l ids -d 'What identifies a row: `sequence` (default), `field:PATH`, `hash`, `hash:PATH,…`, `uuid`, or `none` where no child table can arise. Rows of CSV have none unless this is given' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l max-depth -d 'Levels of nesting that become columns and tables; deeper ones stay JSON text [default: 32]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l max-columns -d 'Columns of a table; values of further ones go to one JSON column [default: 4096]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l max-tables -d 'Tables of the run; further arrays stay JSON text [default: 512]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l name -d 'Name of the main table; taken from output or input where missing, else `records`' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l separator -d 'Stands between the keys of a name [default: _]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l meta-prefix -d 'Starts the names of link columns [default: _tm_]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l names -d 'How keys are spelled in names: `verbatim` (default) or `snake`' -r -f -a "verbatim\t''
snake\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l numbers -d 'What numbers with a fraction or an exponent become: `double` (default), `text` as they stand, or `decimal` where 38 digits hold all of a column' -r -f -a "double\t''
text\t''
decimal\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l dates -d 'What dates and times become: types (`auto`, default) or text (`off`)' -r -f -a "auto\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l type -d 'The type at a path, such as `zip=text`: `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, `timestamp`, `timestamptz`, `json`. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l schema -d 'A schema file: JSON with the tables, columns and types that the output is to have. docs/schema.md says how to write one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l schema-mode -d 'What becomes of values that the schema file has no place for: `evolve` (default) adds and widens columns for them, with `strict` their record is rejected, `discard` leaves them out' -r -f -a "evolve\t''
strict\t''
discard\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l to -d 'What to write; taken from the ending of `-o` where missing' -r -f -a "parquet\t''
csv\t''
tsv\t''
jsonl\t''
json\t''
arrow\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -s o -l output -d 'Where to write: a directory, a file for the main table with child tables beside it, `-` for standard output, or the same in an object store, such as `s3://bucket/folder/`. By default the current directory, and standard output for standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l table -d 'Writes only this one of the tables' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l framing -d 'How tables share standard output: `one` (default), JSON lines `tagged` with their table, or a `tar` of files' -r -f -a "one\t''
tagged\t''
tar\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l progress -d 'How standard error is told how far the run is: `auto` (default) draws a bar where that is a terminal, after half a second, but not with `--quiet` or `--log-format`; `always` draws it anywhere, `plain` writes a line every 30 seconds, as suits the logs of CI, `never` nothing' -r -f -a "auto\t''
always\t''
never\t''
plain\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l summary -d 'What standard error is told at the end: `text` (default), `json`, `github` (annotations; the page of the run goes to `$GITHUB_STEP_SUMMARY`) or `none`. `json=FILE` writes a file besides' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l manifest -d 'Describes the tables for programs: a Frictionless data package, JSON, with their files, columns, types, JSON paths, keys and counts, which appears behind all of them. A file in the directory of the tables or above it, or `none` (default, but for object stores, where `<name>.manifest.json` lies beside the tables). docs/manifest.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l emit-sql -d 'Writes a script beside the tables that reads them: `duckdb` (views), `postgres` (tables, from CSV or TSV) or `spark` (views, of Parquet), with keys and the joins that put the tables together again. Several with commas between them' -r -f -a "duckdb\t''
postgres\t''
spark\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l log-format -d 'Tells standard error what happens as it happens, a line for each event: `text`, or `json` with an object a line and nothing else, so that errors are in `run_complete` and there is no summary unless `--summary` asks for one' -r -f -a "text\t''
json\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l metrics -d 'Writes what the run did to a file in Prometheus\' text format, also where it fails. Metrics of an earlier run are replaced. If that cannot be written the run ends with status 1, where it succeeded otherwise' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l metrics-interval -d 'Writes metrics during the run as well, this often' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l compression -d 'Parquet: `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to `gzip:9`, `lz4`, `none` [default: zstd:3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l row-group-rows -d 'Parquet and Arrow: rows of a row group [default: 262144]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l row-group-bytes -d 'Parquet and Arrow: size of values after which a row group is cut [default: about a fifth of `--memory-limit`, 88MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l delimiter-out -d 'CSV: the character between cells; `\\t` is a tab [default: ,]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l indent -d 'JSON: spaces a level; without it no white space' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l nulls -d 'JSON and JSONL: `omit` (default) leaves members without a value out, `keep` writes `null`' -r -f -a "omit\t''
keep\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l on-error -d 'What happens at a record that cannot be converted: `skip` (default, `SendToDLQ`) puts it into the reject file and goes on, `fail` ends the run, `fail-batch` (`FailBatch`) rejects its whole batch, `retry` (`RetryWithBackoff`) is `skip` and tries reads and writes again that fail for a moment. `LogAndContinue` is `skip` without a reject file' -r -f -a "skip\t''
fail\t''
fail-batch\t''
retry\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l rejects -d 'Where rejected records go, as JSON lines: a file, `-` (standard output, where the tables go to files) or `none` [default: <name>.rejects.jsonl beside the tables]' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l max-errors -d 'Ends the run where more records than that are rejected; nothing is published then' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l max-error-rate -d 'The same for a share of all records, such as `5%`: at the end, and from the thousandth record on' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l max-retries -d 'How often a read or write that fails for a moment is tried again [default: 3 with `--on-error retry`, else 0; object stores and HTTP: 8]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l retry-backoff -d 'How long to wait before the first of these, such as `250ms`; twice as long before each further one [default: 1s; object stores and HTTP: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l source-max-retries -d 'The same as `--max-retries`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l source-retry-backoff -d 'The same as `--retry-backoff`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l store-option -d 'A setting of object stores that is no secret, such as `endpoint=https://minio:9000`, `region=eu-west-1`, `path_style=true`, `allow_http=true`, `skip_signature=true`; may be given again. Keys and tokens come from the environment, profiles and the like: docs/object-stores.md' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l request-timeout -d 'How long a request to an object store or web server may take until it is answered, and an answer may pause [default: 30s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l fail-fast -d 'Ends the run at the first input that cannot be read, and marks the rest as skipped [default: true]. With `false` the other inputs are read, and `--status-policy` decides' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l status-policy -d 'How the status of the run follows from those of its inputs: `worst` (default), `best`, `majority`, `merge` (a warning where some inputs gave records), `first-failure`, or `all` (failed unless all passed). With `error` nothing is published' -r -f -a "worst\t''
best\t''
majority\t''
merge\t''
first-failure\t''
all\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-strategy -d 'When a batch ends: `fixed_size` (default, `--batch-size`, `--batch-timeout`), `time_window` (`--batch-window`), `memory_based` (`--batch-memory`), `adaptive_size` (`--batch-min-size`, `--batch-max-size`, `--target-latency`), `low_latency` (`--batch-max-size`, `--batch-wait`, `--batch-eager`) or `mega_batch` (`--batch-size`, `--batch-parallel`, `--batch-reuse-buffer`). docs/batching.md says when to choose which' -r -f -a "fixed_size\t''
time_window\t''
memory_based\t''
adaptive_size\t''
low_latency\t''
mega_batch\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-size -d 'Records of a batch [default: 10000; with `mega_batch` 50000, from 10000 to 100000]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-timeout -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-window -d 'Length of a window of time [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-memory -d 'Bytes of input of a batch [default: 1MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-min-size -d 'Records of a batch at least [default: 10]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-max-size -d 'Records of a batch at most [default: 1000; with `low_latency` 1]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l target-latency -d 'How long a batch is to take, from its first record until its rows are written [default: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-wait -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-eager -d 'Whether it ends before that, at once where the pipe has nothing more [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-parallel -d 'Whether more than one thread works on batches [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l batch-reuse-buffer -d 'Whether the buffers of batches that are done are filled again [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l live -d 'When rows go to standard output: `off` at the end, when the run has succeeded, `on` as batches close, `auto` (default) as batches close where input is a pipe and a batch strategy or a key of one was given. Rows that are out stay out if the run fails, and have the types known by then' -r -f -a "auto\t''
on\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l max-file-rows -d 'Parquet, with `time_window` or `low_latency`: rows after which a part file is closed, too' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l threads -d 'Threads that work at once, as far as `--memory-limit` has room for them: 5 in 128MiB, 21 in 512MiB [default: one for each processor]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l execution -d 'How many of them start: `sequential` one, `parallel` all, `adaptive` (default) one for a single chunk and all beyond' -r -f -a "sequential\t''
parallel\t''
adaptive\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l prefetch -d 'Chunks of input that are read ahead of those that threads work on [default: 3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l timeout -d 'How long the run may take' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l idle-timeout -d 'How long a pipe may give nothing' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l on-timeout -d 'What happens when that time is up: `fail` (default) ends the run, `publish` ends the input behind its last whole record and publishes what there is, with exit status 3' -r -f -a "fail\t''
publish\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l memory-limit -d 'Memory to stay within; row groups get smaller with it, and the longest record that is taken. The footers of very wide tables come on top [default: 512MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l chunk-bytes -d 'Bytes handed to a thread at once' -r
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l config -d 'Reads settings from a TOML file: keys are the names of flags, as in `batch_size = 5000`. docs/configuration.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l preset -d 'Starts from other defaults: `low-latency`, `high-throughput`, `ultra-throughput`, `memory-optimized`, `sequential`, `parallel`, `large-data`, `fail-fast` or `partial-recovery`. `transmog config --preset NAME` shows what it sets' -r -f -a "default\t''
low-latency\t''
high-throughput\t''
ultra-throughput\t''
memory-optimized\t''
sequential\t''
parallel\t''
large-data\t''
fail-fast\t''
partial-recovery\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand convert" -s r -l recursive -d 'Takes the files below directories whose names end as those of inputs do'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -s 0 -l null -d 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l wrap-values -d 'Takes records that are not objects, as `{"value": …}`'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l header -d 'The first row holds names'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l no-header -d 'The first row holds values; columns are called `column_1` and so on'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l json-cells -d 'Flattens cells that hold a JSON object or array'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l decimal-comma -d 'Reads numbers that have a comma before their fraction, as in `1,5`'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l all-text -d 'Makes every scalar text, as it stands in the input'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l force -d 'Replaces files that exist'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l dry-run -d 'Writes nothing, and prints what would be read and written: the formats of inputs, the tables that their first megabytes tell, the outputs and which of them exist'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -s q -l quiet -d 'No summary, no progress, no hints. Errors are told, how many records were rejected, in one line, and paths of flags that matched nothing'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l compat -d 'Parquet: for old readers, only the encodings PLAIN and RLE_DICTIONARY, in data pages V1'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l bom -d 'CSV and TSV: start with a byte order mark, for spreadsheets'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -l formula-guard -d 'CSV and TSV: put `\'` before text that a spreadsheet would run as a formula'
complete -c transmog -n "__fish_transmog_using_subcommand convert" -s h -l help -d 'Print help'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l format -d 'How it is printed: a `tree` (default), `json` for `convert --schema`, `sql` that creates the tables, or `arrow`: an Arrow IPC stream without rows, of one table' -r -f -a "tree\t''
json\t''
sql\t''
arrow\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l dialect -d 'The SQL of `duckdb` (default), `postgres` or `spark`' -r -f -a "duckdb\t''
postgres\t''
spark\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l examples -d 'Values that are shown of each column, from the data: as many as fit into the line of a tree, all in JSON; 0 shows none, so that the schema can be shared where the data cannot [default: 3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l files-from -d 'Reads names of further inputs from a file, one a line; `-` is standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l source-column -d 'Adds a column to the main table with the input that each record came from [default name: _tm_source]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l from -d 'What the input is written in; `auto` (default) tells from its first bytes. `arrow` is a file or a stream of Arrow IPC, Feather too. `rejects` reads the records of a reject file again' -r -f -a "auto\t''
json\t''
jsonl\t''
csv\t''
tsv\t''
parquet\t''
arrow\t''
rejects\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l encoding -d 'LABEL: the character set of input without a byte order mark, such as `latin1`, `utf-16le` or `sjis`, by the labels of web pages [default: utf-8]. COLUMN=NAME, for Parquet: the encoding of a column, such as `id=delta` or `orders.id=delta`: `plain`, `dictionary`, `delta`, `delta-length`, `delta-byte-array`, `byte-stream-split` or `rle`, as its type allows, or `auto` (default), as suits its values. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l records -d 'JSON Pointer to the records inside each top-level value, such as `/data/results`' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l duplicate-keys -d 'Which value stands where a key stands twice in one object: `last` (default), `first`, or none, as the record is rejected' -r -f -a "last\t''
first\t''
reject\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l max-record-bytes -d 'Longest record that is taken [default: 64MiB, less with a smaller `--memory-limit`]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l select -d 'Only these paths and what is below them, such as `items.sku`; `*` matches one step. Keys that hold dots are written as in a JSON Pointer, here as for all flags that take a path: `/items/price.net`, with `~1` for a slash, `~0` for `~`, `~2` for a key `*`. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l drop -d 'Not these paths, nor what is below them, whatever is selected. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l skip -d 'Leaves out that many records at the start, over all inputs' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l limit -d 'Reads that many records and no further: faults behind them are not seen' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l sample -d 'Takes that many records at random of those that `--skip` and `--limit` leave, in their order' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l seed -d 'Decides which records `--sample` takes [default: 0]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l delimiter -d 'The character between cells; `\\t` is a tab. This and all of these are told from the start of the input where they are not given' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l quote -d 'The character around cells that hold delimiters or line ends; `none` where quotes are text' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l escape -d 'The character before a quote inside quotes, besides a second quote; `none` where there is none' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l skip-rows -d 'Lines to leave out at the start, before the header' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l comment -d 'The character that starts lines to leave out; `none` where every line is a row' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l null-value -d 'A text that stands for no value, such as `NA`, besides an empty cell without quotes. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l ragged -d 'What becomes of rows with too few or too many cells: `reject` (default), or `pad` with null and keep what is too much in the column `_tm_rest`' -r -f -a "reject\t''
pad\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l thousands -d 'Reads numbers that have this character between their thousands, as in `1.234,5`' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l arrays -d 'What arrays become: `smart` (default) makes lists of scalars a list column and others a child table, `separate` always a child table, `inline` JSON text, `skip` leaves them out. Where standard output takes a single table the default is `inline`' -r -f -a "smart\t''
separate\t''
inline\t''
skip\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l arrays-at -d 'What the arrays at one path become, such as `items.tags=inline`; `*` matches one step, the last match counts. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l map -d 'An object whose keys are data: it becomes a child table with a key column. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l ids -d 'What identifies a row: `sequence` (default), `field:PATH`, `hash`, `hash:PATH,…`, `uuid`, or `none` where no child table can arise. Rows of CSV have none unless this is given' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l max-depth -d 'Levels of nesting that become columns and tables; deeper ones stay JSON text [default: 32]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l max-columns -d 'Columns of a table; values of further ones go to one JSON column [default: 4096]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l max-tables -d 'Tables of the run; further arrays stay JSON text [default: 512]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l name -d 'Name of the main table; taken from output or input where missing, else `records`' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l separator -d 'Stands between the keys of a name [default: _]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l meta-prefix -d 'Starts the names of link columns [default: _tm_]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l names -d 'How keys are spelled in names: `verbatim` (default) or `snake`' -r -f -a "verbatim\t''
snake\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l numbers -d 'What numbers with a fraction or an exponent become: `double` (default), `text` as they stand, or `decimal` where 38 digits hold all of a column' -r -f -a "double\t''
text\t''
decimal\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l dates -d 'What dates and times become: types (`auto`, default) or text (`off`)' -r -f -a "auto\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l type -d 'The type at a path, such as `zip=text`: `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, `timestamp`, `timestamptz`, `json`. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l schema -d 'A schema file: JSON with the tables, columns and types that the output is to have. docs/schema.md says how to write one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l schema-mode -d 'What becomes of values that the schema file has no place for: `evolve` (default) adds and widens columns for them, with `strict` their record is rejected, `discard` leaves them out' -r -f -a "evolve\t''
strict\t''
discard\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l to -d 'What to write; taken from the ending of `-o` where missing' -r -f -a "parquet\t''
csv\t''
tsv\t''
jsonl\t''
json\t''
arrow\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -s o -l output -d 'Where to write: a directory, a file for the main table with child tables beside it, `-` for standard output, or the same in an object store, such as `s3://bucket/folder/`. By default the current directory, and standard output for standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l table -d 'Writes only this one of the tables' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l framing -d 'How tables share standard output: `one` (default), JSON lines `tagged` with their table, or a `tar` of files' -r -f -a "one\t''
tagged\t''
tar\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l progress -d 'How standard error is told how far the run is: `auto` (default) draws a bar where that is a terminal, after half a second, but not with `--quiet` or `--log-format`; `always` draws it anywhere, `plain` writes a line every 30 seconds, as suits the logs of CI, `never` nothing' -r -f -a "auto\t''
always\t''
never\t''
plain\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l summary -d 'What standard error is told at the end: `text` (default), `json`, `github` (annotations; the page of the run goes to `$GITHUB_STEP_SUMMARY`) or `none`. `json=FILE` writes a file besides' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l manifest -d 'Describes the tables for programs: a Frictionless data package, JSON, with their files, columns, types, JSON paths, keys and counts, which appears behind all of them. A file in the directory of the tables or above it, or `none` (default, but for object stores, where `<name>.manifest.json` lies beside the tables). docs/manifest.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l emit-sql -d 'Writes a script beside the tables that reads them: `duckdb` (views), `postgres` (tables, from CSV or TSV) or `spark` (views, of Parquet), with keys and the joins that put the tables together again. Several with commas between them' -r -f -a "duckdb\t''
postgres\t''
spark\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l log-format -d 'Tells standard error what happens as it happens, a line for each event: `text`, or `json` with an object a line and nothing else, so that errors are in `run_complete` and there is no summary unless `--summary` asks for one' -r -f -a "text\t''
json\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l metrics -d 'Writes what the run did to a file in Prometheus\' text format, also where it fails. Metrics of an earlier run are replaced. If that cannot be written the run ends with status 1, where it succeeded otherwise' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l metrics-interval -d 'Writes metrics during the run as well, this often' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l compression -d 'Parquet: `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to `gzip:9`, `lz4`, `none` [default: zstd:3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l row-group-rows -d 'Parquet and Arrow: rows of a row group [default: 262144]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l row-group-bytes -d 'Parquet and Arrow: size of values after which a row group is cut [default: about a fifth of `--memory-limit`, 88MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l delimiter-out -d 'CSV: the character between cells; `\\t` is a tab [default: ,]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l indent -d 'JSON: spaces a level; without it no white space' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l nulls -d 'JSON and JSONL: `omit` (default) leaves members without a value out, `keep` writes `null`' -r -f -a "omit\t''
keep\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l on-error -d 'What happens at a record that cannot be converted: `skip` (default, `SendToDLQ`) puts it into the reject file and goes on, `fail` ends the run, `fail-batch` (`FailBatch`) rejects its whole batch, `retry` (`RetryWithBackoff`) is `skip` and tries reads and writes again that fail for a moment. `LogAndContinue` is `skip` without a reject file' -r -f -a "skip\t''
fail\t''
fail-batch\t''
retry\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l rejects -d 'Where rejected records go, as JSON lines: a file, `-` (standard output, where the tables go to files) or `none` [default: <name>.rejects.jsonl beside the tables]' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l max-errors -d 'Ends the run where more records than that are rejected; nothing is published then' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l max-error-rate -d 'The same for a share of all records, such as `5%`: at the end, and from the thousandth record on' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l max-retries -d 'How often a read or write that fails for a moment is tried again [default: 3 with `--on-error retry`, else 0; object stores and HTTP: 8]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l retry-backoff -d 'How long to wait before the first of these, such as `250ms`; twice as long before each further one [default: 1s; object stores and HTTP: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l source-max-retries -d 'The same as `--max-retries`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l source-retry-backoff -d 'The same as `--retry-backoff`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l store-option -d 'A setting of object stores that is no secret, such as `endpoint=https://minio:9000`, `region=eu-west-1`, `path_style=true`, `allow_http=true`, `skip_signature=true`; may be given again. Keys and tokens come from the environment, profiles and the like: docs/object-stores.md' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l request-timeout -d 'How long a request to an object store or web server may take until it is answered, and an answer may pause [default: 30s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l fail-fast -d 'Ends the run at the first input that cannot be read, and marks the rest as skipped [default: true]. With `false` the other inputs are read, and `--status-policy` decides' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l status-policy -d 'How the status of the run follows from those of its inputs: `worst` (default), `best`, `majority`, `merge` (a warning where some inputs gave records), `first-failure`, or `all` (failed unless all passed). With `error` nothing is published' -r -f -a "worst\t''
best\t''
majority\t''
merge\t''
first-failure\t''
all\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-strategy -d 'When a batch ends: `fixed_size` (default, `--batch-size`, `--batch-timeout`), `time_window` (`--batch-window`), `memory_based` (`--batch-memory`), `adaptive_size` (`--batch-min-size`, `--batch-max-size`, `--target-latency`), `low_latency` (`--batch-max-size`, `--batch-wait`, `--batch-eager`) or `mega_batch` (`--batch-size`, `--batch-parallel`, `--batch-reuse-buffer`). docs/batching.md says when to choose which' -r -f -a "fixed_size\t''
time_window\t''
memory_based\t''
adaptive_size\t''
low_latency\t''
mega_batch\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-size -d 'Records of a batch [default: 10000; with `mega_batch` 50000, from 10000 to 100000]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-timeout -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-window -d 'Length of a window of time [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-memory -d 'Bytes of input of a batch [default: 1MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-min-size -d 'Records of a batch at least [default: 10]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-max-size -d 'Records of a batch at most [default: 1000; with `low_latency` 1]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l target-latency -d 'How long a batch is to take, from its first record until its rows are written [default: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-wait -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-eager -d 'Whether it ends before that, at once where the pipe has nothing more [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-parallel -d 'Whether more than one thread works on batches [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l batch-reuse-buffer -d 'Whether the buffers of batches that are done are filled again [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l live -d 'When rows go to standard output: `off` at the end, when the run has succeeded, `on` as batches close, `auto` (default) as batches close where input is a pipe and a batch strategy or a key of one was given. Rows that are out stay out if the run fails, and have the types known by then' -r -f -a "auto\t''
on\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l max-file-rows -d 'Parquet, with `time_window` or `low_latency`: rows after which a part file is closed, too' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l threads -d 'Threads that work at once, as far as `--memory-limit` has room for them: 5 in 128MiB, 21 in 512MiB [default: one for each processor]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l execution -d 'How many of them start: `sequential` one, `parallel` all, `adaptive` (default) one for a single chunk and all beyond' -r -f -a "sequential\t''
parallel\t''
adaptive\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l prefetch -d 'Chunks of input that are read ahead of those that threads work on [default: 3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l timeout -d 'How long the run may take' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l idle-timeout -d 'How long a pipe may give nothing' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l on-timeout -d 'What happens when that time is up: `fail` (default) ends the run, `publish` ends the input behind its last whole record and publishes what there is, with exit status 3' -r -f -a "fail\t''
publish\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l memory-limit -d 'Memory to stay within; row groups get smaller with it, and the longest record that is taken. The footers of very wide tables come on top [default: 512MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l chunk-bytes -d 'Bytes handed to a thread at once' -r
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l config -d 'Reads settings from a TOML file: keys are the names of flags, as in `batch_size = 5000`. docs/configuration.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l preset -d 'Starts from other defaults: `low-latency`, `high-throughput`, `ultra-throughput`, `memory-optimized`, `sequential`, `parallel`, `large-data`, `fail-fast` or `partial-recovery`. `transmog config --preset NAME` shows what it sets' -r -f -a "default\t''
low-latency\t''
high-throughput\t''
ultra-throughput\t''
memory-optimized\t''
sequential\t''
parallel\t''
large-data\t''
fail-fast\t''
partial-recovery\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -s r -l recursive -d 'Takes the files below directories whose names end as those of inputs do'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -s 0 -l null -d 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l wrap-values -d 'Takes records that are not objects, as `{"value": …}`'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l header -d 'The first row holds names'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l no-header -d 'The first row holds values; columns are called `column_1` and so on'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l json-cells -d 'Flattens cells that hold a JSON object or array'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l decimal-comma -d 'Reads numbers that have a comma before their fraction, as in `1,5`'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l all-text -d 'Makes every scalar text, as it stands in the input'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l force -d 'Replaces files that exist'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l dry-run -d 'Writes nothing, and prints what would be read and written: the formats of inputs, the tables that their first megabytes tell, the outputs and which of them exist'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -s q -l quiet -d 'No summary, no progress, no hints. Errors are told, how many records were rejected, in one line, and paths of flags that matched nothing'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l compat -d 'Parquet: for old readers, only the encodings PLAIN and RLE_DICTIONARY, in data pages V1'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l bom -d 'CSV and TSV: start with a byte order mark, for spreadsheets'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -l formula-guard -d 'CSV and TSV: put `\'` before text that a spreadsheet would run as a formula'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -a "merge" -d 'Prints the schema that has room for what two or more schema files describe'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and not __fish_seen_subcommand_from merge diff" -a "diff" -d 'Says how two schema files differ; ends with status 1 where they do'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and __fish_seen_subcommand_from merge" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and __fish_seen_subcommand_from merge" -s h -l help -d 'Print help'
complete -c transmog -n "__fish_transmog_using_subcommand schema; and __fish_seen_subcommand_from diff" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand schema; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l files-from -d 'Reads names of further inputs from a file, one a line; `-` is standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand check" -l source-column -d 'Adds a column to the main table with the input that each record came from [default name: _tm_source]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l from -d 'What the input is written in; `auto` (default) tells from its first bytes. `arrow` is a file or a stream of Arrow IPC, Feather too. `rejects` reads the records of a reject file again' -r -f -a "auto\t''
json\t''
jsonl\t''
csv\t''
tsv\t''
parquet\t''
arrow\t''
rejects\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l encoding -d 'LABEL: the character set of input without a byte order mark, such as `latin1`, `utf-16le` or `sjis`, by the labels of web pages [default: utf-8]. COLUMN=NAME, for Parquet: the encoding of a column, such as `id=delta` or `orders.id=delta`: `plain`, `dictionary`, `delta`, `delta-length`, `delta-byte-array`, `byte-stream-split` or `rle`, as its type allows, or `auto` (default), as suits its values. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l records -d 'JSON Pointer to the records inside each top-level value, such as `/data/results`' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l duplicate-keys -d 'Which value stands where a key stands twice in one object: `last` (default), `first`, or none, as the record is rejected' -r -f -a "last\t''
first\t''
reject\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l max-record-bytes -d 'Longest record that is taken [default: 64MiB, less with a smaller `--memory-limit`]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l select -d 'Only these paths and what is below them, such as `items.sku`; `*` matches one step. Keys that hold dots are written as in a JSON Pointer, here as for all flags that take a path: `/items/price.net`, with `~1` for a slash, `~0` for `~`, `~2` for a key `*`. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l drop -d 'Not these paths, nor what is below them, whatever is selected. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l skip -d 'Leaves out that many records at the start, over all inputs' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l limit -d 'Reads that many records and no further: faults behind them are not seen' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l sample -d 'Takes that many records at random of those that `--skip` and `--limit` leave, in their order' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l seed -d 'Decides which records `--sample` takes [default: 0]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l delimiter -d 'The character between cells; `\\t` is a tab. This and all of these are told from the start of the input where they are not given' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l quote -d 'The character around cells that hold delimiters or line ends; `none` where quotes are text' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l escape -d 'The character before a quote inside quotes, besides a second quote; `none` where there is none' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l skip-rows -d 'Lines to leave out at the start, before the header' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l comment -d 'The character that starts lines to leave out; `none` where every line is a row' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l null-value -d 'A text that stands for no value, such as `NA`, besides an empty cell without quotes. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l ragged -d 'What becomes of rows with too few or too many cells: `reject` (default), or `pad` with null and keep what is too much in the column `_tm_rest`' -r -f -a "reject\t''
pad\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l thousands -d 'Reads numbers that have this character between their thousands, as in `1.234,5`' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l arrays -d 'What arrays become: `smart` (default) makes lists of scalars a list column and others a child table, `separate` always a child table, `inline` JSON text, `skip` leaves them out. Where standard output takes a single table the default is `inline`' -r -f -a "smart\t''
separate\t''
inline\t''
skip\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l arrays-at -d 'What the arrays at one path become, such as `items.tags=inline`; `*` matches one step, the last match counts. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l map -d 'An object whose keys are data: it becomes a child table with a key column. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l ids -d 'What identifies a row: `sequence` (default), `field:PATH`, `hash`, `hash:PATH,…`, `uuid`, or `none` where no child table can arise. Rows of CSV have none unless this is given' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l max-depth -d 'Levels of nesting that become columns and tables; deeper ones stay JSON text [default: 32]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l max-columns -d 'Columns of a table; values of further ones go to one JSON column [default: 4096]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l max-tables -d 'Tables of the run; further arrays stay JSON text [default: 512]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l name -d 'Name of the main table; taken from output or input where missing, else `records`' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l separator -d 'Stands between the keys of a name [default: _]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l meta-prefix -d 'Starts the names of link columns [default: _tm_]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l names -d 'How keys are spelled in names: `verbatim` (default) or `snake`' -r -f -a "verbatim\t''
snake\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l numbers -d 'What numbers with a fraction or an exponent become: `double` (default), `text` as they stand, or `decimal` where 38 digits hold all of a column' -r -f -a "double\t''
text\t''
decimal\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l dates -d 'What dates and times become: types (`auto`, default) or text (`off`)' -r -f -a "auto\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l type -d 'The type at a path, such as `zip=text`: `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, `timestamp`, `timestamptz`, `json`. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l schema -d 'A schema file: JSON with the tables, columns and types that the output is to have. docs/schema.md says how to write one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand check" -l schema-mode -d 'What becomes of values that the schema file has no place for: `evolve` (default) adds and widens columns for them, with `strict` their record is rejected, `discard` leaves them out' -r -f -a "evolve\t''
strict\t''
discard\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l to -d 'What to write; taken from the ending of `-o` where missing' -r -f -a "parquet\t''
csv\t''
tsv\t''
jsonl\t''
json\t''
arrow\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -s o -l output -d 'Where to write: a directory, a file for the main table with child tables beside it, `-` for standard output, or the same in an object store, such as `s3://bucket/folder/`. By default the current directory, and standard output for standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand check" -l table -d 'Writes only this one of the tables' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l framing -d 'How tables share standard output: `one` (default), JSON lines `tagged` with their table, or a `tar` of files' -r -f -a "one\t''
tagged\t''
tar\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l progress -d 'How standard error is told how far the run is: `auto` (default) draws a bar where that is a terminal, after half a second, but not with `--quiet` or `--log-format`; `always` draws it anywhere, `plain` writes a line every 30 seconds, as suits the logs of CI, `never` nothing' -r -f -a "auto\t''
always\t''
never\t''
plain\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l summary -d 'What standard error is told at the end: `text` (default), `json`, `github` (annotations; the page of the run goes to `$GITHUB_STEP_SUMMARY`) or `none`. `json=FILE` writes a file besides' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l manifest -d 'Describes the tables for programs: a Frictionless data package, JSON, with their files, columns, types, JSON paths, keys and counts, which appears behind all of them. A file in the directory of the tables or above it, or `none` (default, but for object stores, where `<name>.manifest.json` lies beside the tables). docs/manifest.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand check" -l emit-sql -d 'Writes a script beside the tables that reads them: `duckdb` (views), `postgres` (tables, from CSV or TSV) or `spark` (views, of Parquet), with keys and the joins that put the tables together again. Several with commas between them' -r -f -a "duckdb\t''
postgres\t''
spark\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l log-format -d 'Tells standard error what happens as it happens, a line for each event: `text`, or `json` with an object a line and nothing else, so that errors are in `run_complete` and there is no summary unless `--summary` asks for one' -r -f -a "text\t''
json\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l metrics -d 'Writes what the run did to a file in Prometheus\' text format, also where it fails. Metrics of an earlier run are replaced. If that cannot be written the run ends with status 1, where it succeeded otherwise' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand check" -l metrics-interval -d 'Writes metrics during the run as well, this often' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l compression -d 'Parquet: `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to `gzip:9`, `lz4`, `none` [default: zstd:3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l row-group-rows -d 'Parquet and Arrow: rows of a row group [default: 262144]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l row-group-bytes -d 'Parquet and Arrow: size of values after which a row group is cut [default: about a fifth of `--memory-limit`, 88MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l delimiter-out -d 'CSV: the character between cells; `\\t` is a tab [default: ,]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l indent -d 'JSON: spaces a level; without it no white space' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l nulls -d 'JSON and JSONL: `omit` (default) leaves members without a value out, `keep` writes `null`' -r -f -a "omit\t''
keep\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l on-error -d 'What happens at a record that cannot be converted: `skip` (default, `SendToDLQ`) puts it into the reject file and goes on, `fail` ends the run, `fail-batch` (`FailBatch`) rejects its whole batch, `retry` (`RetryWithBackoff`) is `skip` and tries reads and writes again that fail for a moment. `LogAndContinue` is `skip` without a reject file' -r -f -a "skip\t''
fail\t''
fail-batch\t''
retry\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l rejects -d 'Where rejected records go, as JSON lines: a file, `-` (standard output, where the tables go to files) or `none` [default: <name>.rejects.jsonl beside the tables]' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand check" -l max-errors -d 'Ends the run where more records than that are rejected; nothing is published then' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l max-error-rate -d 'The same for a share of all records, such as `5%`: at the end, and from the thousandth record on' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l max-retries -d 'How often a read or write that fails for a moment is tried again [default: 3 with `--on-error retry`, else 0; object stores and HTTP: 8]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l retry-backoff -d 'How long to wait before the first of these, such as `250ms`; twice as long before each further one [default: 1s; object stores and HTTP: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l source-max-retries -d 'The same as `--max-retries`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l source-retry-backoff -d 'The same as `--retry-backoff`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l store-option -d 'A setting of object stores that is no secret, such as `endpoint=https://minio:9000`, `region=eu-west-1`, `path_style=true`, `allow_http=true`, `skip_signature=true`; may be given again. Keys and tokens come from the environment, profiles and the like: docs/object-stores.md' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l request-timeout -d 'How long a request to an object store or web server may take until it is answered, and an answer may pause [default: 30s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l fail-fast -d 'Ends the run at the first input that cannot be read, and marks the rest as skipped [default: true]. With `false` the other inputs are read, and `--status-policy` decides' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l status-policy -d 'How the status of the run follows from those of its inputs: `worst` (default), `best`, `majority`, `merge` (a warning where some inputs gave records), `first-failure`, or `all` (failed unless all passed). With `error` nothing is published' -r -f -a "worst\t''
best\t''
majority\t''
merge\t''
first-failure\t''
all\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-strategy -d 'When a batch ends: `fixed_size` (default, `--batch-size`, `--batch-timeout`), `time_window` (`--batch-window`), `memory_based` (`--batch-memory`), `adaptive_size` (`--batch-min-size`, `--batch-max-size`, `--target-latency`), `low_latency` (`--batch-max-size`, `--batch-wait`, `--batch-eager`) or `mega_batch` (`--batch-size`, `--batch-parallel`, `--batch-reuse-buffer`). docs/batching.md says when to choose which' -r -f -a "fixed_size\t''
time_window\t''
memory_based\t''
adaptive_size\t''
low_latency\t''
mega_batch\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-size -d 'Records of a batch [default: 10000; with `mega_batch` 50000, from 10000 to 100000]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-timeout -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-window -d 'Length of a window of time [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-memory -d 'Bytes of input of a batch [default: 1MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-min-size -d 'Records of a batch at least [default: 10]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-max-size -d 'Records of a batch at most [default: 1000; with `low_latency` 1]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l target-latency -d 'How long a batch is to take, from its first record until its rows are written [default: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-wait -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-eager -d 'Whether it ends before that, at once where the pipe has nothing more [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-parallel -d 'Whether more than one thread works on batches [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l batch-reuse-buffer -d 'Whether the buffers of batches that are done are filled again [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l live -d 'When rows go to standard output: `off` at the end, when the run has succeeded, `on` as batches close, `auto` (default) as batches close where input is a pipe and a batch strategy or a key of one was given. Rows that are out stay out if the run fails, and have the types known by then' -r -f -a "auto\t''
on\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l max-file-rows -d 'Parquet, with `time_window` or `low_latency`: rows after which a part file is closed, too' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l threads -d 'Threads that work at once, as far as `--memory-limit` has room for them: 5 in 128MiB, 21 in 512MiB [default: one for each processor]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l execution -d 'How many of them start: `sequential` one, `parallel` all, `adaptive` (default) one for a single chunk and all beyond' -r -f -a "sequential\t''
parallel\t''
adaptive\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l prefetch -d 'Chunks of input that are read ahead of those that threads work on [default: 3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l timeout -d 'How long the run may take' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l idle-timeout -d 'How long a pipe may give nothing' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l on-timeout -d 'What happens when that time is up: `fail` (default) ends the run, `publish` ends the input behind its last whole record and publishes what there is, with exit status 3' -r -f -a "fail\t''
publish\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -l memory-limit -d 'Memory to stay within; row groups get smaller with it, and the longest record that is taken. The footers of very wide tables come on top [default: 512MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l chunk-bytes -d 'Bytes handed to a thread at once' -r
complete -c transmog -n "__fish_transmog_using_subcommand check" -l config -d 'Reads settings from a TOML file: keys are the names of flags, as in `batch_size = 5000`. docs/configuration.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand check" -l preset -d 'Starts from other defaults: `low-latency`, `high-throughput`, `ultra-throughput`, `memory-optimized`, `sequential`, `parallel`, `large-data`, `fail-fast` or `partial-recovery`. `transmog config --preset NAME` shows what it sets' -r -f -a "default\t''
low-latency\t''
high-throughput\t''
ultra-throughput\t''
memory-optimized\t''
sequential\t''
parallel\t''
large-data\t''
fail-fast\t''
partial-recovery\t''"
complete -c transmog -n "__fish_transmog_using_subcommand check" -s r -l recursive -d 'Takes the files below directories whose names end as those of inputs do'
complete -c transmog -n "__fish_transmog_using_subcommand check" -s 0 -l null -d 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l wrap-values -d 'Takes records that are not objects, as `{"value": …}`'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l header -d 'The first row holds names'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l no-header -d 'The first row holds values; columns are called `column_1` and so on'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l json-cells -d 'Flattens cells that hold a JSON object or array'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l decimal-comma -d 'Reads numbers that have a comma before their fraction, as in `1,5`'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l all-text -d 'Makes every scalar text, as it stands in the input'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l force -d 'Replaces files that exist'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l dry-run -d 'Writes nothing, and prints what would be read and written: the formats of inputs, the tables that their first megabytes tell, the outputs and which of them exist'
complete -c transmog -n "__fish_transmog_using_subcommand check" -s q -l quiet -d 'No summary, no progress, no hints. Errors are told, how many records were rejected, in one line, and paths of flags that matched nothing'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l compat -d 'Parquet: for old readers, only the encodings PLAIN and RLE_DICTIONARY, in data pages V1'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l bom -d 'CSV and TSV: start with a byte order mark, for spreadsheets'
complete -c transmog -n "__fish_transmog_using_subcommand check" -l formula-guard -d 'CSV and TSV: put `\'` before text that a spreadsheet would run as a formula'
complete -c transmog -n "__fish_transmog_using_subcommand check" -s h -l help -d 'Print help'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l format -d 'How it is printed: a `table` (default), `json`, or `html`: one page with a histogram for each column' -r -f -a "table\t''
json\t''
html\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l files-from -d 'Reads names of further inputs from a file, one a line; `-` is standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l source-column -d 'Adds a column to the main table with the input that each record came from [default name: _tm_source]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l from -d 'What the input is written in; `auto` (default) tells from its first bytes. `arrow` is a file or a stream of Arrow IPC, Feather too. `rejects` reads the records of a reject file again' -r -f -a "auto\t''
json\t''
jsonl\t''
csv\t''
tsv\t''
parquet\t''
arrow\t''
rejects\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l encoding -d 'LABEL: the character set of input without a byte order mark, such as `latin1`, `utf-16le` or `sjis`, by the labels of web pages [default: utf-8]. COLUMN=NAME, for Parquet: the encoding of a column, such as `id=delta` or `orders.id=delta`: `plain`, `dictionary`, `delta`, `delta-length`, `delta-byte-array`, `byte-stream-split` or `rle`, as its type allows, or `auto` (default), as suits its values. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l records -d 'JSON Pointer to the records inside each top-level value, such as `/data/results`' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l duplicate-keys -d 'Which value stands where a key stands twice in one object: `last` (default), `first`, or none, as the record is rejected' -r -f -a "last\t''
first\t''
reject\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l max-record-bytes -d 'Longest record that is taken [default: 64MiB, less with a smaller `--memory-limit`]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l select -d 'Only these paths and what is below them, such as `items.sku`; `*` matches one step. Keys that hold dots are written as in a JSON Pointer, here as for all flags that take a path: `/items/price.net`, with `~1` for a slash, `~0` for `~`, `~2` for a key `*`. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l drop -d 'Not these paths, nor what is below them, whatever is selected. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l skip -d 'Leaves out that many records at the start, over all inputs' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l limit -d 'Reads that many records and no further: faults behind them are not seen' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l sample -d 'Takes that many records at random of those that `--skip` and `--limit` leave, in their order' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l seed -d 'Decides which records `--sample` takes [default: 0]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l delimiter -d 'The character between cells; `\\t` is a tab. This and all of these are told from the start of the input where they are not given' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l quote -d 'The character around cells that hold delimiters or line ends; `none` where quotes are text' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l escape -d 'The character before a quote inside quotes, besides a second quote; `none` where there is none' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l skip-rows -d 'Lines to leave out at the start, before the header' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l comment -d 'The character that starts lines to leave out; `none` where every line is a row' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l null-value -d 'A text that stands for no value, such as `NA`, besides an empty cell without quotes. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l ragged -d 'What becomes of rows with too few or too many cells: `reject` (default), or `pad` with null and keep what is too much in the column `_tm_rest`' -r -f -a "reject\t''
pad\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l thousands -d 'Reads numbers that have this character between their thousands, as in `1.234,5`' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l arrays -d 'What arrays become: `smart` (default) makes lists of scalars a list column and others a child table, `separate` always a child table, `inline` JSON text, `skip` leaves them out. Where standard output takes a single table the default is `inline`' -r -f -a "smart\t''
separate\t''
inline\t''
skip\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l arrays-at -d 'What the arrays at one path become, such as `items.tags=inline`; `*` matches one step, the last match counts. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l map -d 'An object whose keys are data: it becomes a child table with a key column. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l ids -d 'What identifies a row: `sequence` (default), `field:PATH`, `hash`, `hash:PATH,…`, `uuid`, or `none` where no child table can arise. Rows of CSV have none unless this is given' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l max-depth -d 'Levels of nesting that become columns and tables; deeper ones stay JSON text [default: 32]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l max-columns -d 'Columns of a table; values of further ones go to one JSON column [default: 4096]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l max-tables -d 'Tables of the run; further arrays stay JSON text [default: 512]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l name -d 'Name of the main table; taken from output or input where missing, else `records`' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l separator -d 'Stands between the keys of a name [default: _]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l meta-prefix -d 'Starts the names of link columns [default: _tm_]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l names -d 'How keys are spelled in names: `verbatim` (default) or `snake`' -r -f -a "verbatim\t''
snake\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l numbers -d 'What numbers with a fraction or an exponent become: `double` (default), `text` as they stand, or `decimal` where 38 digits hold all of a column' -r -f -a "double\t''
text\t''
decimal\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l dates -d 'What dates and times become: types (`auto`, default) or text (`off`)' -r -f -a "auto\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l type -d 'The type at a path, such as `zip=text`: `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, `timestamp`, `timestamptz`, `json`. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l schema -d 'A schema file: JSON with the tables, columns and types that the output is to have. docs/schema.md says how to write one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l schema-mode -d 'What becomes of values that the schema file has no place for: `evolve` (default) adds and widens columns for them, with `strict` their record is rejected, `discard` leaves them out' -r -f -a "evolve\t''
strict\t''
discard\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l to -d 'What to write; taken from the ending of `-o` where missing' -r -f -a "parquet\t''
csv\t''
tsv\t''
jsonl\t''
json\t''
arrow\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -s o -l output -d 'Where to write: a directory, a file for the main table with child tables beside it, `-` for standard output, or the same in an object store, such as `s3://bucket/folder/`. By default the current directory, and standard output for standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l table -d 'Writes only this one of the tables' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l framing -d 'How tables share standard output: `one` (default), JSON lines `tagged` with their table, or a `tar` of files' -r -f -a "one\t''
tagged\t''
tar\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l progress -d 'How standard error is told how far the run is: `auto` (default) draws a bar where that is a terminal, after half a second, but not with `--quiet` or `--log-format`; `always` draws it anywhere, `plain` writes a line every 30 seconds, as suits the logs of CI, `never` nothing' -r -f -a "auto\t''
always\t''
never\t''
plain\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l summary -d 'What standard error is told at the end: `text` (default), `json`, `github` (annotations; the page of the run goes to `$GITHUB_STEP_SUMMARY`) or `none`. `json=FILE` writes a file besides' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l manifest -d 'Describes the tables for programs: a Frictionless data package, JSON, with their files, columns, types, JSON paths, keys and counts, which appears behind all of them. A file in the directory of the tables or above it, or `none` (default, but for object stores, where `<name>.manifest.json` lies beside the tables). docs/manifest.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l emit-sql -d 'Writes a script beside the tables that reads them: `duckdb` (views), `postgres` (tables, from CSV or TSV) or `spark` (views, of Parquet), with keys and the joins that put the tables together again. Several with commas between them' -r -f -a "duckdb\t''
postgres\t''
spark\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l log-format -d 'Tells standard error what happens as it happens, a line for each event: `text`, or `json` with an object a line and nothing else, so that errors are in `run_complete` and there is no summary unless `--summary` asks for one' -r -f -a "text\t''
json\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l metrics -d 'Writes what the run did to a file in Prometheus\' text format, also where it fails. Metrics of an earlier run are replaced. If that cannot be written the run ends with status 1, where it succeeded otherwise' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l metrics-interval -d 'Writes metrics during the run as well, this often' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l compression -d 'Parquet: `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to `gzip:9`, `lz4`, `none` [default: zstd:3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l row-group-rows -d 'Parquet and Arrow: rows of a row group [default: 262144]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l row-group-bytes -d 'Parquet and Arrow: size of values after which a row group is cut [default: about a fifth of `--memory-limit`, 88MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l delimiter-out -d 'CSV: the character between cells; `\\t` is a tab [default: ,]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l indent -d 'JSON: spaces a level; without it no white space' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l nulls -d 'JSON and JSONL: `omit` (default) leaves members without a value out, `keep` writes `null`' -r -f -a "omit\t''
keep\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l on-error -d 'What happens at a record that cannot be converted: `skip` (default, `SendToDLQ`) puts it into the reject file and goes on, `fail` ends the run, `fail-batch` (`FailBatch`) rejects its whole batch, `retry` (`RetryWithBackoff`) is `skip` and tries reads and writes again that fail for a moment. `LogAndContinue` is `skip` without a reject file' -r -f -a "skip\t''
fail\t''
fail-batch\t''
retry\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l rejects -d 'Where rejected records go, as JSON lines: a file, `-` (standard output, where the tables go to files) or `none` [default: <name>.rejects.jsonl beside the tables]' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l max-errors -d 'Ends the run where more records than that are rejected; nothing is published then' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l max-error-rate -d 'The same for a share of all records, such as `5%`: at the end, and from the thousandth record on' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l max-retries -d 'How often a read or write that fails for a moment is tried again [default: 3 with `--on-error retry`, else 0; object stores and HTTP: 8]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l retry-backoff -d 'How long to wait before the first of these, such as `250ms`; twice as long before each further one [default: 1s; object stores and HTTP: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l source-max-retries -d 'The same as `--max-retries`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l source-retry-backoff -d 'The same as `--retry-backoff`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l store-option -d 'A setting of object stores that is no secret, such as `endpoint=https://minio:9000`, `region=eu-west-1`, `path_style=true`, `allow_http=true`, `skip_signature=true`; may be given again. Keys and tokens come from the environment, profiles and the like: docs/object-stores.md' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l request-timeout -d 'How long a request to an object store or web server may take until it is answered, and an answer may pause [default: 30s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l fail-fast -d 'Ends the run at the first input that cannot be read, and marks the rest as skipped [default: true]. With `false` the other inputs are read, and `--status-policy` decides' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l status-policy -d 'How the status of the run follows from those of its inputs: `worst` (default), `best`, `majority`, `merge` (a warning where some inputs gave records), `first-failure`, or `all` (failed unless all passed). With `error` nothing is published' -r -f -a "worst\t''
best\t''
majority\t''
merge\t''
first-failure\t''
all\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-strategy -d 'When a batch ends: `fixed_size` (default, `--batch-size`, `--batch-timeout`), `time_window` (`--batch-window`), `memory_based` (`--batch-memory`), `adaptive_size` (`--batch-min-size`, `--batch-max-size`, `--target-latency`), `low_latency` (`--batch-max-size`, `--batch-wait`, `--batch-eager`) or `mega_batch` (`--batch-size`, `--batch-parallel`, `--batch-reuse-buffer`). docs/batching.md says when to choose which' -r -f -a "fixed_size\t''
time_window\t''
memory_based\t''
adaptive_size\t''
low_latency\t''
mega_batch\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-size -d 'Records of a batch [default: 10000; with `mega_batch` 50000, from 10000 to 100000]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-timeout -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-window -d 'Length of a window of time [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-memory -d 'Bytes of input of a batch [default: 1MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-min-size -d 'Records of a batch at least [default: 10]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-max-size -d 'Records of a batch at most [default: 1000; with `low_latency` 1]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l target-latency -d 'How long a batch is to take, from its first record until its rows are written [default: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-wait -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-eager -d 'Whether it ends before that, at once where the pipe has nothing more [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-parallel -d 'Whether more than one thread works on batches [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l batch-reuse-buffer -d 'Whether the buffers of batches that are done are filled again [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l live -d 'When rows go to standard output: `off` at the end, when the run has succeeded, `on` as batches close, `auto` (default) as batches close where input is a pipe and a batch strategy or a key of one was given. Rows that are out stay out if the run fails, and have the types known by then' -r -f -a "auto\t''
on\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l max-file-rows -d 'Parquet, with `time_window` or `low_latency`: rows after which a part file is closed, too' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l threads -d 'Threads that work at once, as far as `--memory-limit` has room for them: 5 in 128MiB, 21 in 512MiB [default: one for each processor]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l execution -d 'How many of them start: `sequential` one, `parallel` all, `adaptive` (default) one for a single chunk and all beyond' -r -f -a "sequential\t''
parallel\t''
adaptive\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l prefetch -d 'Chunks of input that are read ahead of those that threads work on [default: 3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l timeout -d 'How long the run may take' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l idle-timeout -d 'How long a pipe may give nothing' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l on-timeout -d 'What happens when that time is up: `fail` (default) ends the run, `publish` ends the input behind its last whole record and publishes what there is, with exit status 3' -r -f -a "fail\t''
publish\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l memory-limit -d 'Memory to stay within; row groups get smaller with it, and the longest record that is taken. The footers of very wide tables come on top [default: 512MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l chunk-bytes -d 'Bytes handed to a thread at once' -r
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l config -d 'Reads settings from a TOML file: keys are the names of flags, as in `batch_size = 5000`. docs/configuration.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l preset -d 'Starts from other defaults: `low-latency`, `high-throughput`, `ultra-throughput`, `memory-optimized`, `sequential`, `parallel`, `large-data`, `fail-fast` or `partial-recovery`. `transmog config --preset NAME` shows what it sets' -r -f -a "default\t''
low-latency\t''
high-throughput\t''
ultra-throughput\t''
memory-optimized\t''
sequential\t''
parallel\t''
large-data\t''
fail-fast\t''
partial-recovery\t''"
complete -c transmog -n "__fish_transmog_using_subcommand profile" -s r -l recursive -d 'Takes the files below directories whose names end as those of inputs do'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -s 0 -l null -d 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l wrap-values -d 'Takes records that are not objects, as `{"value": …}`'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l header -d 'The first row holds names'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l no-header -d 'The first row holds values; columns are called `column_1` and so on'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l json-cells -d 'Flattens cells that hold a JSON object or array'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l decimal-comma -d 'Reads numbers that have a comma before their fraction, as in `1,5`'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l all-text -d 'Makes every scalar text, as it stands in the input'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l force -d 'Replaces files that exist'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l dry-run -d 'Writes nothing, and prints what would be read and written: the formats of inputs, the tables that their first megabytes tell, the outputs and which of them exist'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -s q -l quiet -d 'No summary, no progress, no hints. Errors are told, how many records were rejected, in one line, and paths of flags that matched nothing'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l compat -d 'Parquet: for old readers, only the encodings PLAIN and RLE_DICTIONARY, in data pages V1'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l bom -d 'CSV and TSV: start with a byte order mark, for spreadsheets'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -l formula-guard -d 'CSV and TSV: put `\'` before text that a spreadsheet would run as a formula'
complete -c transmog -n "__fish_transmog_using_subcommand profile" -s h -l help -d 'Print help'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l check -d 'Looks at this file alone, and says what is wrong with it' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand config" -l files-from -d 'Reads names of further inputs from a file, one a line; `-` is standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand config" -l source-column -d 'Adds a column to the main table with the input that each record came from [default name: _tm_source]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l from -d 'What the input is written in; `auto` (default) tells from its first bytes. `arrow` is a file or a stream of Arrow IPC, Feather too. `rejects` reads the records of a reject file again' -r -f -a "auto\t''
json\t''
jsonl\t''
csv\t''
tsv\t''
parquet\t''
arrow\t''
rejects\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l encoding -d 'LABEL: the character set of input without a byte order mark, such as `latin1`, `utf-16le` or `sjis`, by the labels of web pages [default: utf-8]. COLUMN=NAME, for Parquet: the encoding of a column, such as `id=delta` or `orders.id=delta`: `plain`, `dictionary`, `delta`, `delta-length`, `delta-byte-array`, `byte-stream-split` or `rle`, as its type allows, or `auto` (default), as suits its values. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l records -d 'JSON Pointer to the records inside each top-level value, such as `/data/results`' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l duplicate-keys -d 'Which value stands where a key stands twice in one object: `last` (default), `first`, or none, as the record is rejected' -r -f -a "last\t''
first\t''
reject\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l max-record-bytes -d 'Longest record that is taken [default: 64MiB, less with a smaller `--memory-limit`]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l select -d 'Only these paths and what is below them, such as `items.sku`; `*` matches one step. Keys that hold dots are written as in a JSON Pointer, here as for all flags that take a path: `/items/price.net`, with `~1` for a slash, `~0` for `~`, `~2` for a key `*`. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l drop -d 'Not these paths, nor what is below them, whatever is selected. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l skip -d 'Leaves out that many records at the start, over all inputs' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l limit -d 'Reads that many records and no further: faults behind them are not seen' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l sample -d 'Takes that many records at random of those that `--skip` and `--limit` leave, in their order' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l seed -d 'Decides which records `--sample` takes [default: 0]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l delimiter -d 'The character between cells; `\\t` is a tab. This and all of these are told from the start of the input where they are not given' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l quote -d 'The character around cells that hold delimiters or line ends; `none` where quotes are text' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l escape -d 'The character before a quote inside quotes, besides a second quote; `none` where there is none' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l skip-rows -d 'Lines to leave out at the start, before the header' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l comment -d 'The character that starts lines to leave out; `none` where every line is a row' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l null-value -d 'A text that stands for no value, such as `NA`, besides an empty cell without quotes. Can be repeated' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l ragged -d 'What becomes of rows with too few or too many cells: `reject` (default), or `pad` with null and keep what is too much in the column `_tm_rest`' -r -f -a "reject\t''
pad\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l thousands -d 'Reads numbers that have this character between their thousands, as in `1.234,5`' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l arrays -d 'What arrays become: `smart` (default) makes lists of scalars a list column and others a child table, `separate` always a child table, `inline` JSON text, `skip` leaves them out. Where standard output takes a single table the default is `inline`' -r -f -a "smart\t''
separate\t''
inline\t''
skip\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l arrays-at -d 'What the arrays at one path become, such as `items.tags=inline`; `*` matches one step, the last match counts. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l map -d 'An object whose keys are data: it becomes a child table with a key column. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l ids -d 'What identifies a row: `sequence` (default), `field:PATH`, `hash`, `hash:PATH,…`, `uuid`, or `none` where no child table can arise. Rows of CSV have none unless this is given' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l max-depth -d 'Levels of nesting that become columns and tables; deeper ones stay JSON text [default: 32]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l max-columns -d 'Columns of a table; values of further ones go to one JSON column [default: 4096]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l max-tables -d 'Tables of the run; further arrays stay JSON text [default: 512]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l name -d 'Name of the main table; taken from output or input where missing, else `records`' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l separator -d 'Stands between the keys of a name [default: _]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l meta-prefix -d 'Starts the names of link columns [default: _tm_]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l names -d 'How keys are spelled in names: `verbatim` (default) or `snake`' -r -f -a "verbatim\t''
snake\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l numbers -d 'What numbers with a fraction or an exponent become: `double` (default), `text` as they stand, or `decimal` where 38 digits hold all of a column' -r -f -a "double\t''
text\t''
decimal\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l dates -d 'What dates and times become: types (`auto`, default) or text (`off`)' -r -f -a "auto\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l type -d 'The type at a path, such as `zip=text`: `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, `timestamp`, `timestamptz`, `json`. Can be repeated; keys with dots as for `--select`' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l schema -d 'A schema file: JSON with the tables, columns and types that the output is to have. docs/schema.md says how to write one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand config" -l schema-mode -d 'What becomes of values that the schema file has no place for: `evolve` (default) adds and widens columns for them, with `strict` their record is rejected, `discard` leaves them out' -r -f -a "evolve\t''
strict\t''
discard\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l to -d 'What to write; taken from the ending of `-o` where missing' -r -f -a "parquet\t''
csv\t''
tsv\t''
jsonl\t''
json\t''
arrow\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -s o -l output -d 'Where to write: a directory, a file for the main table with child tables beside it, `-` for standard output, or the same in an object store, such as `s3://bucket/folder/`. By default the current directory, and standard output for standard input' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand config" -l table -d 'Writes only this one of the tables' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l framing -d 'How tables share standard output: `one` (default), JSON lines `tagged` with their table, or a `tar` of files' -r -f -a "one\t''
tagged\t''
tar\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l progress -d 'How standard error is told how far the run is: `auto` (default) draws a bar where that is a terminal, after half a second, but not with `--quiet` or `--log-format`; `always` draws it anywhere, `plain` writes a line every 30 seconds, as suits the logs of CI, `never` nothing' -r -f -a "auto\t''
always\t''
never\t''
plain\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l summary -d 'What standard error is told at the end: `text` (default), `json`, `github` (annotations; the page of the run goes to `$GITHUB_STEP_SUMMARY`) or `none`. `json=FILE` writes a file besides' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l manifest -d 'Describes the tables for programs: a Frictionless data package, JSON, with their files, columns, types, JSON paths, keys and counts, which appears behind all of them. A file in the directory of the tables or above it, or `none` (default, but for object stores, where `<name>.manifest.json` lies beside the tables). docs/manifest.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand config" -l emit-sql -d 'Writes a script beside the tables that reads them: `duckdb` (views), `postgres` (tables, from CSV or TSV) or `spark` (views, of Parquet), with keys and the joins that put the tables together again. Several with commas between them' -r -f -a "duckdb\t''
postgres\t''
spark\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l log-format -d 'Tells standard error what happens as it happens, a line for each event: `text`, or `json` with an object a line and nothing else, so that errors are in `run_complete` and there is no summary unless `--summary` asks for one' -r -f -a "text\t''
json\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l metrics -d 'Writes what the run did to a file in Prometheus\' text format, also where it fails. Metrics of an earlier run are replaced. If that cannot be written the run ends with status 1, where it succeeded otherwise' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand config" -l metrics-interval -d 'Writes metrics during the run as well, this often' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l compression -d 'Parquet: `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to `gzip:9`, `lz4`, `none` [default: zstd:3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l row-group-rows -d 'Parquet and Arrow: rows of a row group [default: 262144]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l row-group-bytes -d 'Parquet and Arrow: size of values after which a row group is cut [default: about a fifth of `--memory-limit`, 88MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l delimiter-out -d 'CSV: the character between cells; `\\t` is a tab [default: ,]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l indent -d 'JSON: spaces a level; without it no white space' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l nulls -d 'JSON and JSONL: `omit` (default) leaves members without a value out, `keep` writes `null`' -r -f -a "omit\t''
keep\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l on-error -d 'What happens at a record that cannot be converted: `skip` (default, `SendToDLQ`) puts it into the reject file and goes on, `fail` ends the run, `fail-batch` (`FailBatch`) rejects its whole batch, `retry` (`RetryWithBackoff`) is `skip` and tries reads and writes again that fail for a moment. `LogAndContinue` is `skip` without a reject file' -r -f -a "skip\t''
fail\t''
fail-batch\t''
retry\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l rejects -d 'Where rejected records go, as JSON lines: a file, `-` (standard output, where the tables go to files) or `none` [default: <name>.rejects.jsonl beside the tables]' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand config" -l max-errors -d 'Ends the run where more records than that are rejected; nothing is published then' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l max-error-rate -d 'The same for a share of all records, such as `5%`: at the end, and from the thousandth record on' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l max-retries -d 'How often a read or write that fails for a moment is tried again [default: 3 with `--on-error retry`, else 0; object stores and HTTP: 8]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l retry-backoff -d 'How long to wait before the first of these, such as `250ms`; twice as long before each further one [default: 1s; object stores and HTTP: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l source-max-retries -d 'The same as `--max-retries`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l source-retry-backoff -d 'The same as `--retry-backoff`, for reads alone' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l store-option -d 'A setting of object stores that is no secret, such as `endpoint=https://minio:9000`, `region=eu-west-1`, `path_style=true`, `allow_http=true`, `skip_signature=true`; may be given again. Keys and tokens come from the environment, profiles and the like: docs/object-stores.md' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l request-timeout -d 'How long a request to an object store or web server may take until it is answered, and an answer may pause [default: 30s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l fail-fast -d 'Ends the run at the first input that cannot be read, and marks the rest as skipped [default: true]. With `false` the other inputs are read, and `--status-policy` decides' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l status-policy -d 'How the status of the run follows from those of its inputs: `worst` (default), `best`, `majority`, `merge` (a warning where some inputs gave records), `first-failure`, or `all` (failed unless all passed). With `error` nothing is published' -r -f -a "worst\t''
best\t''
majority\t''
merge\t''
first-failure\t''
all\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-strategy -d 'When a batch ends: `fixed_size` (default, `--batch-size`, `--batch-timeout`), `time_window` (`--batch-window`), `memory_based` (`--batch-memory`), `adaptive_size` (`--batch-min-size`, `--batch-max-size`, `--target-latency`), `low_latency` (`--batch-max-size`, `--batch-wait`, `--batch-eager`) or `mega_batch` (`--batch-size`, `--batch-parallel`, `--batch-reuse-buffer`). docs/batching.md says when to choose which' -r -f -a "fixed_size\t''
time_window\t''
memory_based\t''
adaptive_size\t''
low_latency\t''
mega_batch\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-size -d 'Records of a batch [default: 10000; with `mega_batch` 50000, from 10000 to 100000]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-timeout -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-window -d 'Length of a window of time [default: 1s]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-memory -d 'Bytes of input of a batch [default: 1MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-min-size -d 'Records of a batch at least [default: 10]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-max-size -d 'Records of a batch at most [default: 1000; with `low_latency` 1]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l target-latency -d 'How long a batch is to take, from its first record until its rows are written [default: 100ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-wait -d 'On a pipe, how long after its first record a batch ends that is not full [default: 1ms]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-eager -d 'Whether it ends before that, at once where the pipe has nothing more [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-parallel -d 'Whether more than one thread works on batches [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l batch-reuse-buffer -d 'Whether the buffers of batches that are done are filled again [default: true]' -r -f -a "true\t''
false\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l live -d 'When rows go to standard output: `off` at the end, when the run has succeeded, `on` as batches close, `auto` (default) as batches close where input is a pipe and a batch strategy or a key of one was given. Rows that are out stay out if the run fails, and have the types known by then' -r -f -a "auto\t''
on\t''
off\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l max-file-rows -d 'Parquet, with `time_window` or `low_latency`: rows after which a part file is closed, too' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l threads -d 'Threads that work at once, as far as `--memory-limit` has room for them: 5 in 128MiB, 21 in 512MiB [default: one for each processor]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l execution -d 'How many of them start: `sequential` one, `parallel` all, `adaptive` (default) one for a single chunk and all beyond' -r -f -a "sequential\t''
parallel\t''
adaptive\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l prefetch -d 'Chunks of input that are read ahead of those that threads work on [default: 3]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l timeout -d 'How long the run may take' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l idle-timeout -d 'How long a pipe may give nothing' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l on-timeout -d 'What happens when that time is up: `fail` (default) ends the run, `publish` ends the input behind its last whole record and publishes what there is, with exit status 3' -r -f -a "fail\t''
publish\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l memory-limit -d 'Memory to stay within; row groups get smaller with it, and the longest record that is taken. The footers of very wide tables come on top [default: 512MiB]' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l chunk-bytes -d 'Bytes handed to a thread at once' -r
complete -c transmog -n "__fish_transmog_using_subcommand config" -l config -d 'Reads settings from a TOML file: keys are the names of flags, as in `batch_size = 5000`. docs/configuration.md shows one' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand config" -l preset -d 'Starts from other defaults: `low-latency`, `high-throughput`, `ultra-throughput`, `memory-optimized`, `sequential`, `parallel`, `large-data`, `fail-fast` or `partial-recovery`. `transmog config --preset NAME` shows what it sets' -r -f -a "default\t''
low-latency\t''
high-throughput\t''
ultra-throughput\t''
memory-optimized\t''
sequential\t''
parallel\t''
large-data\t''
fail-fast\t''
partial-recovery\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand config" -l json -d 'Prints JSON: an array with an object for each setting'
complete -c transmog -n "__fish_transmog_using_subcommand config" -s r -l recursive -d 'Takes the files below directories whose names end as those of inputs do'
complete -c transmog -n "__fish_transmog_using_subcommand config" -s 0 -l null -d 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l wrap-values -d 'Takes records that are not objects, as `{"value": …}`'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l header -d 'The first row holds names'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l no-header -d 'The first row holds values; columns are called `column_1` and so on'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l json-cells -d 'Flattens cells that hold a JSON object or array'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l decimal-comma -d 'Reads numbers that have a comma before their fraction, as in `1,5`'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l all-text -d 'Makes every scalar text, as it stands in the input'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l force -d 'Replaces files that exist'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l dry-run -d 'Writes nothing, and prints what would be read and written: the formats of inputs, the tables that their first megabytes tell, the outputs and which of them exist'
complete -c transmog -n "__fish_transmog_using_subcommand config" -s q -l quiet -d 'No summary, no progress, no hints. Errors are told, how many records were rejected, in one line, and paths of flags that matched nothing'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l compat -d 'Parquet: for old readers, only the encodings PLAIN and RLE_DICTIONARY, in data pages V1'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l bom -d 'CSV and TSV: start with a byte order mark, for spreadsheets'
complete -c transmog -n "__fish_transmog_using_subcommand config" -l formula-guard -d 'CSV and TSV: put `\'` before text that a spreadsheet would run as a formula'
complete -c transmog -n "__fish_transmog_using_subcommand config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transmog -n "__fish_transmog_using_subcommand formats" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand formats" -l json -d 'Prints JSON'
complete -c transmog -n "__fish_transmog_using_subcommand formats" -s h -l help -d 'Print help'
complete -c transmog -n "__fish_transmog_using_subcommand completions" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand completions" -s h -l help -d 'Print help'
complete -c transmog -n "__fish_transmog_using_subcommand man" -s o -l output -d 'Writes the page into this directory, and those of all commands below; makes the directory where it is missing, and replaces pages that are there' -r -F
complete -c transmog -n "__fish_transmog_using_subcommand man" -l color -d 'When text for people has colour: `auto` (default) on terminals, as `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` say, `always` or `never`' -r -f -a "auto\t''
always\t''
never\t''"
complete -c transmog -n "__fish_transmog_using_subcommand man" -s h -l help -d 'Print help'
