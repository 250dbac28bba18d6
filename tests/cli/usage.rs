//! What is refused before anything is read, and how.

use super::Folder;

#[track_caller]
fn check(args: &str, expected: &str) {
    let folder = Folder::with_orders();
    folder.run(args).fails(2, expected);
    assert_eq!(folder.names("."), "orders.jsonl");
}

#[test]
fn flags_that_do_not_concern_the_format_are_refused() {
    for (flag, name, formats, to) in [
        ("--compression zstd", "--compression", "`--to parquet`", "csv"),
        ("--encoding id=delta", "--encoding COLUMN=NAME", "`--to parquet`", "csv"),
        ("--compat", "--compat", "`--to parquet`", "arrow"),
        ("--row-group-rows 5", "--row-group-rows", "`--to parquet` or `--to arrow`", "csv"),
        ("--row-group-bytes 5MB", "--row-group-bytes", "`--to parquet` or `--to arrow`", "json"),
        ("--delimiter-out ;", "--delimiter-out", "`--to csv`", "tsv"),
        ("--bom", "--bom", "`--to csv` or `--to tsv`", "jsonl"),
        ("--formula-guard", "--formula-guard", "`--to csv` or `--to tsv`", "parquet"),
        ("--indent 2", "--indent", "`--to json`", "parquet"),
        ("--nulls keep", "--nulls", "`--to json` or `--to jsonl`", "csv"),
    ] {
        let error = format!("error: `{name}`: expected {formats}, found `--to {to}`\n");
        let hint = format!("hint: leave `{name}` out, it would do nothing\n");
        check(&format!("convert orders.jsonl --to {to} {flag}"), &(error + &hint));
    }
}

#[test]
fn flags_that_do_not_concern_the_place_are_refused() {
    check(
        "convert orders.jsonl --to csv --framing tar",
        "error: `--framing`: expected standard output, found files\n\
         hint: add `-o -`, or leave `--framing` out: each table has its own file\n",
    );
    check(
        "convert orders.jsonl --to csv -o - --force --rejects none",
        "error: `--force`: expected files as output, found standard output\n\
         hint: leave `--force` out, or write files with `-o`\n",
    );
}

#[test]
fn a_missing_or_contradicted_format_is_explained() {
    check(
        "convert orders.jsonl",
        "error: `--to`: expected a format (`parquet`, `csv`, `tsv`, `jsonl`, `json`, `arrow`), \
         found nothing\n\
         hint: add `--to parquet`, or give the output an ending: `-o FILE.parquet`\n",
    );
    check(
        "convert orders.jsonl --to csv -o x.parquet",
        "error: `-o x.parquet`: expected the ending of `--to csv`, found that of `parquet`\n\
         hint: leave `--to` out, or end the name in `.csv`\n",
    );
}

#[test]
fn bad_values_say_what_was_expected() {
    let help = "hint: `transmog convert --help` shows all flags, with examples\n";
    check(
        "convert --arrays flat",
        &format!(
            "error: `--arrays`: expected `smart`, `separate`, `inline`, `skip`, found `flat`\n{help}"
        ),
    );
    check(
        "convert --row-group-bytes 64",
        "error: `--row-group-bytes`: expected a size with its unit, such as `64MiB`, `10MB` or \
         `1KiB`, found `64`\nhint: for bytes write `64B`\n",
    );
    check(
        "convert --threads 0",
        "error: `--threads`: expected a whole number from 1 to 1024, found `0`\n",
    );
    check(
        "convert orders.jsonl --to csv --name=",
        "error: `--name`: expected a name, found nothing\n",
    );
    check(
        "convert --delimiter-out ab",
        "error: `--delimiter-out`: expected one ASCII character or `\\t`, found `ab`\n\
         hint: quotes and line ends cannot part cells\n",
    );
    check(
        "convert --arrays-at items",
        "error: `--arrays-at`: expected a path, `=` and a value, found `items`\n",
    );
    check(
        "convert --encoding ebcdic",
        "error: `--encoding`: expected the label of a character set, found `ebcdic`\n\
         hint: labels are those of web pages, such as `latin1`, `utf-16le`, `sjis`; for a Parquet \
         column write it as in `id=delta`\n",
    );
    check(
        "convert --encoding latin1 --encoding sjis orders.jsonl --to csv",
        "error: `--encoding`: expected one character set, found windows-1252 and Shift_JIS\n",
    );
    check(
        "convert --encoding id=fast",
        "error: `--encoding`: encoding `fast`: expected `auto`, `plain`, `dictionary`, `delta`, \
         `delta-length`, `delta-byte-array`, `byte-stream-split`, `rle`\n",
    );
    check(
        "convert --records data",
        "error: `--records`: expected a JSON Pointer that starts with `/`, found `data`\n\
         hint: for the member `data` write `/data`\n",
    );
}

#[test]
fn what_is_missing_is_named_once() {
    let help = |command: &str| format!("hint: `transmog {command} --help` shows all flags");
    check(
        "schema merge orders.jsonl",
        &format!("error: `SCHEMA`: expected 2 or more, found 1\n{}\n", help("schema merge")),
    );
    check(
        "schema diff orders.jsonl",
        &format!("error: expected `NEW`, found nothing in its place\n{}\n", help("schema diff")),
    );
    check(
        "completions",
        &format!("error: expected `SHELL`, found nothing in its place\n{}\n", help("completions")),
    );
    check(
        "convert orders.jsonl --to csv --schema-mode strict",
        "error: `--schema-mode`: expected `--schema` beside it\n\
         hint: leave `--schema-mode` out, it would do nothing\n",
    );
}

#[test]
fn encodings_must_fit_their_column() {
    check(
        "convert orders.jsonl --to parquet --encoding sku=delta",
        "error: `--encoding sku=delta`: column `sku` of table `orders_items` is text, which takes \
         `plain`, `dictionary`, `delta-length`, `delta-byte-array`\n",
    );
    check(
        "convert orders.jsonl --to parquet --encoding orders.sku=plain",
        "error: `--encoding orders.sku=plain`: no column `orders.sku` arose\n\
         hint: did you mean `orders_items.sku`?\n",
    );
    check(
        "convert orders.jsonl --to parquet --encoding orders.price=plain",
        "error: `--encoding orders.price=plain`: no column `orders.price` arose\n\
         hint: name a column as it stands in the output\n",
    );
    check(
        "convert orders.jsonl --to parquet --compat --encoding id=plain --encoding id=delta",
        "error: `--encoding id=delta`: with `--compat` expected `plain` or `dictionary`\n",
    );
}

#[test]
fn unknown_and_clashing_flags_are_named() {
    check(
        "convert --forse",
        "error: `--forse`: there is no such flag\nhint: did you mean `--force`?\n",
    );
    check("convert --to csv --to csv", "error: `--to`: expected once, found twice\n");
    check(
        "convert --all-text --dates off --to csv",
        "error: `--all-text` and `--dates` exclude each other\n",
    );
    check(
        "orders.jsonl",
        "error: expected a command (`convert`, `schema`, `check`, `profile`, `config`, `formats`, \
         `completions`, `man`), found `orders.jsonl`\n\
         hint: `transmog convert orders.jsonl` converts a file of that name\n",
    );
    check("convert - - --to csv", "error: `-`: expected standard input once, found it twice\n");
}

#[test]
fn ids_cannot_be_left_out_where_tables_are_joined_by_them() {
    let folder = Folder::with_orders();
    let done = folder.run("convert orders.jsonl --to csv --ids none");
    done.fails_with(2, "error: `--ids none`: ");
    folder.run("convert orders.jsonl --to csv --ids none --arrays inline").stdout();
    assert!(folder.read("orders.csv").starts_with("id,customer_name,"));
}
