
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'transmog' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'transmog'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'transmog' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('convert', 'convert', [CompletionResultType]::ParameterValue, 'Converts JSON, JSONL, CSV or TSV into Parquet, CSV, TSV, JSONL, JSON or Arrow tables')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints the script that completes commands and flags in a shell')
            break
        }
        'transmog;convert' {
            [CompletionResult]::new('--files-from', '--files-from', [CompletionResultType]::ParameterName, 'Reads names of further inputs from a file, one a line; `-` is standard input')
            [CompletionResult]::new('--source-column', '--source-column', [CompletionResultType]::ParameterName, 'Adds a column to the main table with the input that each record came from [default name: _tm_source]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'What the input is written in; `auto` (default) tells from its first bytes. `rejects` reads the records of a reject file again')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'LABEL: the character set of input without a byte order mark, such as `latin1`, `utf-16le` or `sjis`, by the labels of web pages [default: utf-8]. COLUMN=NAME, for Parquet: the encoding of a column, such as `id=delta` or `orders.id=delta`: `plain`, `dictionary`, `delta`, `delta-length`, `delta-byte-array`, `byte-stream-split` or `rle`, as its type allows, or `auto` (default), as suits its values. Can be repeated')
            [CompletionResult]::new('--records', '--records', [CompletionResultType]::ParameterName, 'JSON Pointer to the records inside each top-level value, such as `/data/results`')
            [CompletionResult]::new('--duplicate-keys', '--duplicate-keys', [CompletionResultType]::ParameterName, 'Which value stands where a key stands twice in one object: `last` (default), `first`, or none, as the record is rejected')
            [CompletionResult]::new('--max-record-bytes', '--max-record-bytes', [CompletionResultType]::ParameterName, 'Longest record that is taken [default: 64MiB, less with a smaller `--memory-limit`]')
            [CompletionResult]::new('--select', '--select', [CompletionResultType]::ParameterName, 'Only these paths and what is below them, such as `items.sku`; `*` matches one step. Can be repeated')
            [CompletionResult]::new('--drop', '--drop', [CompletionResultType]::ParameterName, 'Not these paths, nor what is below them, whatever is selected. Can be repeated')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Leaves out that many records at the start, over all inputs')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Reads that many records and no further: faults behind them are not seen')
            [CompletionResult]::new('--sample', '--sample', [CompletionResultType]::ParameterName, 'Takes that many records at random of those that `--skip` and `--limit` leave, in their order')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Decides which records `--sample` takes [default: 0]')
            [CompletionResult]::new('--delimiter', '--delimiter', [CompletionResultType]::ParameterName, 'The character between cells; `\t` is a tab. This and all of these are told from the start of the input where they are not given')
            [CompletionResult]::new('--quote', '--quote', [CompletionResultType]::ParameterName, 'The character around cells that hold delimiters or line ends; `none` where quotes are text')
            [CompletionResult]::new('--escape', '--escape', [CompletionResultType]::ParameterName, 'The character before a quote inside quotes, besides a second quote')
            [CompletionResult]::new('--skip-rows', '--skip-rows', [CompletionResultType]::ParameterName, 'Lines to leave out at the start, before the header')
            [CompletionResult]::new('--comment', '--comment', [CompletionResultType]::ParameterName, 'The character that starts lines to leave out')
            [CompletionResult]::new('--null-value', '--null-value', [CompletionResultType]::ParameterName, 'A text that stands for no value, such as `NA`, besides an empty cell without quotes. Can be repeated')
            [CompletionResult]::new('--ragged', '--ragged', [CompletionResultType]::ParameterName, 'What becomes of rows with too few or too many cells: `reject` (default), or `pad` with null and keep what is too much in the column `_tm_rest`')
            [CompletionResult]::new('--thousands', '--thousands', [CompletionResultType]::ParameterName, 'Reads numbers that have this character between their thousands, as in `1.234,5`')
            [CompletionResult]::new('--arrays', '--arrays', [CompletionResultType]::ParameterName, 'What arrays become: `smart` (default) makes lists of scalars a list column and others a child table, `separate` always a child table, `inline` JSON text, `skip` leaves them out. Where standard output takes a single table the default is `inline`')
            [CompletionResult]::new('--arrays-at', '--arrays-at', [CompletionResultType]::ParameterName, 'What the arrays at one path become, such as `items.tags=inline`; `*` matches one step, the last match counts. Can be repeated')
            [CompletionResult]::new('--map', '--map', [CompletionResultType]::ParameterName, 'An object whose keys are data: it becomes a child table with a key column. Can be repeated')
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'What identifies a row: `sequence` (default), `field:PATH`, `hash`, `hash:PATH,…`, `uuid`, or `none` where no child table can arise. Rows of CSV have none unless this is given')
            [CompletionResult]::new('--max-depth', '--max-depth', [CompletionResultType]::ParameterName, 'Levels of nesting that become columns and tables; deeper ones stay JSON text [default: 32]')
            [CompletionResult]::new('--max-columns', '--max-columns', [CompletionResultType]::ParameterName, 'Columns of a table; values of further ones go to one JSON column [default: 4096]')
            [CompletionResult]::new('--max-tables', '--max-tables', [CompletionResultType]::ParameterName, 'Tables of the run; further arrays stay JSON text [default: 512]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Name of the main table; taken from output or input where missing, else `records`')
            [CompletionResult]::new('--separator', '--separator', [CompletionResultType]::ParameterName, 'Stands between the keys of a name [default: _]')
            [CompletionResult]::new('--meta-prefix', '--meta-prefix', [CompletionResultType]::ParameterName, 'Starts the names of link columns [default: _tm_]')
            [CompletionResult]::new('--names', '--names', [CompletionResultType]::ParameterName, 'How keys are spelled in names: `verbatim` (default) or `snake`')
            [CompletionResult]::new('--numbers', '--numbers', [CompletionResultType]::ParameterName, 'What numbers with a fraction or an exponent become: `double` (default), `text` as they stand, or `decimal` where 38 digits hold all of a column')
            [CompletionResult]::new('--dates', '--dates', [CompletionResultType]::ParameterName, 'What dates and times become: types (`auto`, default) or text (`off`)')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type at a path, such as `zip=text`: `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, `timestamp`, `timestamptz`, `json`. Can be repeated')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'A schema file: JSON with the tables, columns and types that the output is to have. README.md says how to write one')
            [CompletionResult]::new('--schema-mode', '--schema-mode', [CompletionResultType]::ParameterName, 'What becomes of values that the schema file has no place for: `evolve` (default) adds and widens columns for them, with `strict` their record is rejected, `discard` leaves them out')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'What to write; taken from the ending of `-o` where missing')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write: a directory, a file for the main table with child tables beside it, or `-` for standard output. By default the current directory, and standard output for standard input')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write: a directory, a file for the main table with child tables beside it, or `-` for standard output. By default the current directory, and standard output for standard input')
            [CompletionResult]::new('--table', '--table', [CompletionResultType]::ParameterName, 'Writes only this one of the tables')
            [CompletionResult]::new('--framing', '--framing', [CompletionResultType]::ParameterName, 'How tables share standard output: `one` (default), JSON lines `tagged` with their table, or a `tar` of files')
            [CompletionResult]::new('--summary', '--summary', [CompletionResultType]::ParameterName, 'What standard error is told at the end: `text` (default), `json`, `github` (annotations; the page of the run goes to `$GITHUB_STEP_SUMMARY`) or `none`. `json=FILE` writes a file besides')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Tells standard error what happens as it happens, a line for each event: `text`, or `json` with an object a line and nothing else, so that errors are in `run_complete` and there is no summary unless `--summary` asks for one')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Writes what the run did to a file in Prometheus'' text format, also where it fails. Metrics of an earlier run are replaced. If that cannot be written the run ends with status 1, where it succeeded otherwise')
            [CompletionResult]::new('--metrics-interval', '--metrics-interval', [CompletionResultType]::ParameterName, 'Writes metrics during the run as well, this often')
            [CompletionResult]::new('--compression', '--compression', [CompletionResultType]::ParameterName, 'Parquet: `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to `gzip:9`, `lz4`, `none` [default: zstd:3]')
            [CompletionResult]::new('--row-group-rows', '--row-group-rows', [CompletionResultType]::ParameterName, 'Parquet and Arrow: rows of a row group [default: 1048576]')
            [CompletionResult]::new('--row-group-bytes', '--row-group-bytes', [CompletionResultType]::ParameterName, 'Parquet and Arrow: size of values after which a row group is cut [default: about a fifth of `--memory-limit`, 88MiB]')
            [CompletionResult]::new('--delimiter-out', '--delimiter-out', [CompletionResultType]::ParameterName, 'CSV: the character between cells; `\t` is a tab [default: ,]')
            [CompletionResult]::new('--indent', '--indent', [CompletionResultType]::ParameterName, 'JSON: spaces a level; without it no white space')
            [CompletionResult]::new('--nulls', '--nulls', [CompletionResultType]::ParameterName, 'JSON and JSONL: `omit` (default) leaves members without a value out, `keep` writes `null`')
            [CompletionResult]::new('--on-error', '--on-error', [CompletionResultType]::ParameterName, 'What happens at a record that cannot be converted: `skip` (default, `SendToDLQ`) puts it into the reject file and goes on, `fail` ends the run, `fail-batch` (`FailBatch`) rejects its whole batch, `retry` (`RetryWithBackoff`) is `skip` and tries reads and writes again that fail for a moment. `LogAndContinue` is `skip` without a reject file')
            [CompletionResult]::new('--rejects', '--rejects', [CompletionResultType]::ParameterName, 'Where rejected records go, as JSON lines: a file, `-` (standard output, where the tables go to files) or `none` [default: <name>.rejects.jsonl beside the tables]')
            [CompletionResult]::new('--max-errors', '--max-errors', [CompletionResultType]::ParameterName, 'Ends the run where more records than that are rejected; nothing is published then')
            [CompletionResult]::new('--max-error-rate', '--max-error-rate', [CompletionResultType]::ParameterName, 'The same for a share of all records, such as `5%`: at the end, and from the thousandth record on')
            [CompletionResult]::new('--max-retries', '--max-retries', [CompletionResultType]::ParameterName, 'How often a read or write that fails for a moment is tried again [default: 3 with `--on-error retry`, else 0]')
            [CompletionResult]::new('--retry-backoff', '--retry-backoff', [CompletionResultType]::ParameterName, 'How long to wait before the first of these, such as `250ms`; twice as long before each further one [default: 1s]')
            [CompletionResult]::new('--source-max-retries', '--source-max-retries', [CompletionResultType]::ParameterName, 'The same as `--max-retries`, for reads alone')
            [CompletionResult]::new('--source-retry-backoff', '--source-retry-backoff', [CompletionResultType]::ParameterName, 'The same as `--retry-backoff`, for reads alone')
            [CompletionResult]::new('--fail-fast', '--fail-fast', [CompletionResultType]::ParameterName, 'Ends the run at the first input that cannot be read, and marks the rest as skipped [default: true]. With `false` the other inputs are read, and `--status-policy` decides')
            [CompletionResult]::new('--status-policy', '--status-policy', [CompletionResultType]::ParameterName, 'How the status of the run follows from those of its inputs: `worst` (default), `best`, `majority`, `merge` (a warning where some inputs gave records), `first-failure`, or `all` (failed unless all passed). With `error` nothing is published')
            [CompletionResult]::new('--batch-strategy', '--batch-strategy', [CompletionResultType]::ParameterName, 'When a batch ends: `fixed_size` (default, `--batch-size`, `--batch-timeout`), `time_window` (`--batch-window`), `memory_based` (`--batch-memory`), `adaptive_size` (`--batch-min-size`, `--batch-max-size`, `--target-latency`), `low_latency` (`--batch-max-size`, `--batch-wait`, `--batch-eager`) or `mega_batch` (`--batch-size`, `--batch-parallel`, `--batch-reuse-buffer`). docs/batching.md says when to choose which')
            [CompletionResult]::new('--batch-size', '--batch-size', [CompletionResultType]::ParameterName, 'Records of a batch [default: 10000; with `mega_batch` 50000, from 10000 to 100000]')
            [CompletionResult]::new('--batch-timeout', '--batch-timeout', [CompletionResultType]::ParameterName, 'On a pipe, how long after its first record a batch ends that is not full [default: 1s]')
            [CompletionResult]::new('--batch-window', '--batch-window', [CompletionResultType]::ParameterName, 'Length of a window of time [default: 1s]')
            [CompletionResult]::new('--batch-memory', '--batch-memory', [CompletionResultType]::ParameterName, 'Bytes of input of a batch [default: 1MiB]')
            [CompletionResult]::new('--batch-min-size', '--batch-min-size', [CompletionResultType]::ParameterName, 'Records of a batch at least [default: 10]')
            [CompletionResult]::new('--batch-max-size', '--batch-max-size', [CompletionResultType]::ParameterName, 'Records of a batch at most [default: 1000; with `low_latency` 1]')
            [CompletionResult]::new('--target-latency', '--target-latency', [CompletionResultType]::ParameterName, 'How long a batch is to take, from its first record until its rows are written [default: 100ms]')
            [CompletionResult]::new('--batch-wait', '--batch-wait', [CompletionResultType]::ParameterName, 'On a pipe, how long a batch waits for more records [default: 1ms]')
            [CompletionResult]::new('--batch-eager', '--batch-eager', [CompletionResultType]::ParameterName, 'Whether a batch ends at once where the pipe has nothing more [default: true]')
            [CompletionResult]::new('--batch-parallel', '--batch-parallel', [CompletionResultType]::ParameterName, 'Whether more than one thread works on batches [default: true]')
            [CompletionResult]::new('--batch-reuse-buffer', '--batch-reuse-buffer', [CompletionResultType]::ParameterName, 'Whether the buffers of batches that are done are filled again [default: true]')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'When rows go to standard output: `off` at the end, when the run has succeeded, `on` as batches close, `auto` (default) as batches close where input is a pipe and a batch strategy was chosen. Rows that are out stay out if the run fails, and have the types known by then')
            [CompletionResult]::new('--max-file-rows', '--max-file-rows', [CompletionResultType]::ParameterName, 'Parquet, with `time_window` or `low_latency`: rows after which a part file is closed, too')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads that work at once [default: one for each processor]')
            [CompletionResult]::new('--execution', '--execution', [CompletionResultType]::ParameterName, 'How many of them start: `sequential` one, `parallel` all, `adaptive` (default) one for a single chunk and all beyond')
            [CompletionResult]::new('--prefetch', '--prefetch', [CompletionResultType]::ParameterName, 'Chunks of input that are read ahead of those that threads work on [default: 2]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long the run may take')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'How long a pipe may give nothing')
            [CompletionResult]::new('--on-timeout', '--on-timeout', [CompletionResultType]::ParameterName, 'What happens when that time is up: `fail` (default) ends the run, `publish` ends the input behind its last whole record and publishes what there is, with exit status 3')
            [CompletionResult]::new('--memory-limit', '--memory-limit', [CompletionResultType]::ParameterName, 'Memory to stay within; row groups get smaller with it, and the longest record that is taken. The footers of very wide tables come on top [default: 512MiB]')
            [CompletionResult]::new('--chunk-bytes', '--chunk-bytes', [CompletionResultType]::ParameterName, 'Bytes handed to a thread at once')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Takes the files below directories whose names end as those of inputs do')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Takes the files below directories whose names end as those of inputs do')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them')
            [CompletionResult]::new('--null', '--null', [CompletionResultType]::ParameterName, 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them')
            [CompletionResult]::new('--wrap-values', '--wrap-values', [CompletionResultType]::ParameterName, 'Takes records that are not objects, as `{"value": …}`')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'The first row holds names')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'The first row holds values; columns are called `column_1` and so on')
            [CompletionResult]::new('--json-cells', '--json-cells', [CompletionResultType]::ParameterName, 'Flattens cells that hold a JSON object or array')
            [CompletionResult]::new('--decimal-comma', '--decimal-comma', [CompletionResultType]::ParameterName, 'Reads numbers that have a comma before their fraction, as in `1,5`')
            [CompletionResult]::new('--all-text', '--all-text', [CompletionResultType]::ParameterName, 'Makes every scalar text, as it stands in the input')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replaces files that exist')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Prints errors only: no summary, no warnings')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Prints errors only: no summary, no warnings')
            [CompletionResult]::new('--compat', '--compat', [CompletionResultType]::ParameterName, 'Parquet: for old readers, only the encodings PLAIN and RLE_DICTIONARY, in data pages V1')
            [CompletionResult]::new('--bom', '--bom', [CompletionResultType]::ParameterName, 'CSV and TSV: start with a byte order mark, for spreadsheets')
            [CompletionResult]::new('--formula-guard', '--formula-guard', [CompletionResultType]::ParameterName, 'CSV and TSV: put `''` before text that a spreadsheet would run as a formula')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transmog;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
