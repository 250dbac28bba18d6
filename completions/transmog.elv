
use builtin;
use str;

set edit:completion:arg-completer[transmog] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'transmog'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'transmog'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand convert 'Converts JSON, JSONL, CSV or TSV into Parquet, CSV, TSV, JSONL, JSON or Arrow tables'
            cand completions 'Prints the script that completes commands and flags in a shell'
        }
        &'transmog;convert'= {
            cand --files-from 'Reads names of further inputs from a file, one a line; `-` is standard input'
            cand --source-column 'Adds a column to the main table with the input that each record came from [default name: _tm_source]'
            cand --from 'What the input is written in; `auto` (default) tells from its first bytes. `rejects` reads the records of a reject file again'
            cand --encoding 'LABEL: the character set of input without a byte order mark, such as `latin1`, `utf-16le` or `sjis`, by the labels of web pages [default: utf-8]. COLUMN=NAME, for Parquet: the encoding of a column, such as `id=delta` or `orders.id=delta`: `plain`, `dictionary`, `delta`, `delta-length`, `delta-byte-array`, `byte-stream-split` or `rle`, as its type allows, or `auto` (default), as suits its values. Can be repeated'
            cand --records 'JSON Pointer to the records inside each top-level value, such as `/data/results`'
            cand --duplicate-keys 'Which value stands where a key stands twice in one object: `last` (default), `first`, or none, as the record is rejected'
            cand --max-record-bytes 'Longest record that is taken [default: 64MiB, less with a smaller `--memory-limit`]'
            cand --select 'Only these paths and what is below them, such as `items.sku`; `*` matches one step. Can be repeated'
            cand --drop 'Not these paths, nor what is below them, whatever is selected. Can be repeated'
            cand --skip 'Leaves out that many records at the start, over all inputs'
            cand --limit 'Reads that many records and no further: faults behind them are not seen'
            cand --sample 'Takes that many records at random of those that `--skip` and `--limit` leave, in their order'
            cand --seed 'Decides which records `--sample` takes [default: 0]'
            cand --delimiter 'The character between cells; `\t` is a tab. This and all of these are told from the start of the input where they are not given'
            cand --quote 'The character around cells that hold delimiters or line ends; `none` where quotes are text'
            cand --escape 'The character before a quote inside quotes, besides a second quote'
            cand --skip-rows 'Lines to leave out at the start, before the header'
            cand --comment 'The character that starts lines to leave out'
            cand --null-value 'A text that stands for no value, such as `NA`, besides an empty cell without quotes. Can be repeated'
            cand --ragged 'What becomes of rows with too few or too many cells: `reject` (default), or `pad` with null and keep what is too much in the column `_tm_rest`'
            cand --thousands 'Reads numbers that have this character between their thousands, as in `1.234,5`'
            cand --arrays 'What arrays become: `smart` (default) makes lists of scalars a list column and others a child table, `separate` always a child table, `inline` JSON text, `skip` leaves them out. Where standard output takes a single table the default is `inline`'
            cand --arrays-at 'What the arrays at one path become, such as `items.tags=inline`; `*` matches one step, the last match counts. Can be repeated'
            cand --map 'An object whose keys are data: it becomes a child table with a key column. Can be repeated'
            cand --ids 'What identifies a row: `sequence` (default), `field:PATH`, `hash`, `hash:PATH,…`, `uuid`, or `none` where no child table can arise. Rows of CSV have none unless this is given'
            cand --max-depth 'Levels of nesting that become columns and tables; deeper ones stay JSON text [default: 32]'
            cand --max-columns 'Columns of a table; values of further ones go to one JSON column [default: 4096]'
            cand --max-tables 'Tables of the run; further arrays stay JSON text [default: 512]'
            cand --name 'Name of the main table; taken from output or input where missing, else `records`'
            cand --separator 'Stands between the keys of a name [default: _]'
            cand --meta-prefix 'Starts the names of link columns [default: _tm_]'
            cand --names 'How keys are spelled in names: `verbatim` (default) or `snake`'
            cand --numbers 'What numbers with a fraction or an exponent become: `double` (default), `text` as they stand, or `decimal` where 38 digits hold all of a column'
            cand --dates 'What dates and times become: types (`auto`, default) or text (`off`)'
            cand --type 'The type at a path, such as `zip=text`: `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, `timestamp`, `timestamptz`, `json`. Can be repeated'
            cand --schema 'A schema file: JSON with the tables, columns and types that the output is to have. README.md says how to write one'
            cand --schema-mode 'What becomes of values that the schema file has no place for: `evolve` (default) adds and widens columns for them, with `strict` their record is rejected, `discard` leaves them out'
            cand --to 'What to write; taken from the ending of `-o` where missing'
            cand -o 'Where to write: a directory, a file for the main table with child tables beside it, or `-` for standard output. By default the current directory, and standard output for standard input'
            cand --output 'Where to write: a directory, a file for the main table with child tables beside it, or `-` for standard output. By default the current directory, and standard output for standard input'
            cand --table 'Writes only this one of the tables'
            cand --framing 'How tables share standard output: `one` (default), JSON lines `tagged` with their table, or a `tar` of files'
            cand --summary 'What standard error is told at the end: `text` (default), `json`, `github` (annotations; the page of the run goes to `$GITHUB_STEP_SUMMARY`) or `none`. `json=FILE` writes a file besides'
            cand --compression 'Parquet: `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to `gzip:9`, `lz4`, `none` [default: zstd:3]'
            cand --row-group-rows 'Parquet and Arrow: rows of a row group [default: 1048576]'
            cand --row-group-bytes 'Parquet and Arrow: size of values after which a row group is cut [default: about a fifth of `--memory-limit`, 88MiB]'
            cand --delimiter-out 'CSV: the character between cells; `\t` is a tab [default: ,]'
            cand --indent 'JSON: spaces a level; without it no white space'
            cand --nulls 'JSON and JSONL: `omit` (default) leaves members without a value out, `keep` writes `null`'
            cand --on-error 'What happens at a record that cannot be converted: `skip` (default) puts it into the reject file and goes on, `fail` ends the run, `fail-batch` rejects its whole batch, `retry` is `skip` and tries reads and writes again that fail for a moment'
            cand --rejects 'Where rejected records go, as JSON lines: a file, `-` (standard output, where the tables go to files) or `none` [default: <name>.rejects.jsonl beside the tables]'
            cand --max-errors 'Ends the run where more records than that are rejected; nothing is published then'
            cand --max-error-rate 'The same for a share of all records, such as `5%`: at the end, and from the thousandth record on'
            cand --batch-size 'Records of a batch, for `--on-error fail-batch` [default: 10000]'
            cand --max-retries 'How often a read or write that fails for a moment is tried again [default: 3 with `--on-error retry`, else 0]'
            cand --retry-backoff 'How long to wait before the first of these, such as `250ms`; twice as long before each further one [default: 1s]'
            cand --threads 'Threads that work at once [default: one for each processor]'
            cand --memory-limit 'Memory to stay within; row groups get smaller with it, and the longest record that is taken. The footers of very wide tables come on top [default: 512MiB]'
            cand --chunk-bytes 'Bytes handed to a thread at once'
            cand -r 'Takes the files below directories whose names end as those of inputs do'
            cand --recursive 'Takes the files below directories whose names end as those of inputs do'
            cand -0 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them'
            cand --null 'The names of `--files-from` end in NUL bytes, as `find -print0` writes them'
            cand --wrap-values 'Takes records that are not objects, as `{"value": …}`'
            cand --header 'The first row holds names'
            cand --no-header 'The first row holds values; columns are called `column_1` and so on'
            cand --json-cells 'Flattens cells that hold a JSON object or array'
            cand --decimal-comma 'Reads numbers that have a comma before their fraction, as in `1,5`'
            cand --all-text 'Makes every scalar text, as it stands in the input'
            cand --force 'Replaces files that exist'
            cand -q 'Prints errors only: no summary, no warnings'
            cand --quiet 'Prints errors only: no summary, no warnings'
            cand --compat 'Parquet: for old readers, only the encodings PLAIN and RLE_DICTIONARY, in data pages V1'
            cand --bom 'CSV and TSV: start with a byte order mark, for spreadsheets'
            cand --formula-guard 'CSV and TSV: put `''` before text that a spreadsheet would run as a formula'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transmog;completions'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
