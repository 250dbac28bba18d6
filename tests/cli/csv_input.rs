//! Flags of CSV input, and what it is told from.

use super::{Folder, ORDERS};

fn pipe(input: &str, args: &str) -> String {
    Folder::new().pipe(input, &format!("convert --to csv -q {args}")).stdout()
}

#[test]
fn flags_set_what_would_be_guessed() {
    assert_eq!(pipe("a:b\n1:2\n", "--delimiter :"), "a,b\n1,2\n");
    assert_eq!(pipe("a,b\n'1,5',2\n", "--quote '"), "a,b\n\"1,5\",2\n");
    assert_eq!(pipe("a,b\n#1,\"2\"\n", "--comment none --escape none"), "a,b\n#1,2\n");
    assert_eq!(pipe("a,b\n\"1,2\"\n", "--quote none"), "a,b\n\"\"\"1\",\"2\"\"\"\n");
    assert_eq!(pipe("a,b\n\"x\\\",y\",2\n", "--escape \\"), "a,b\n\"x\"\",y\",2\n");
    assert_eq!(pipe("a,b\nc,d\n", "--no-header"), "column_1,column_2\na,b\nc,d\n");
    assert_eq!(pipe("1,2\n3,4\n", "--header"), "1,2\n3,4\n");
    assert_eq!(pipe("x,y\na,b\n1,2\n", "--skip-rows 1"), "a,b\n1,2\n");
    assert_eq!(pipe("a,b\n%1,2\n3,4\n", "--comment %"), "a,b\n3,4\n");
    assert_eq!(pipe("a,b\nNA,-\n", "--null-value NA --null-value -"), "a,b\n,\n");
    assert_eq!(pipe("a,b\n1\n2,3,4\n", "--ragged pad"), "a,b,_tm_rest\n1,,\n2,3,\"[\"\"4\"\"]\"\n");
    assert_eq!(pipe("a;b\n1,5;2\n", "--decimal-comma"), "a,b\n1.5,2\n");
    assert_eq!(pipe("a;b\n1'000;2\n", "--thousands '"), "a,b\n1000,2\n");
    assert_eq!(pipe("a;b\n{\"x\":1};2\n", "--from csv --json-cells"), "_tm_id,b,a_x\n1,2,1\n");
    assert_eq!(pipe("a\tb,c\n1\t2\n", "--from tsv"), "a,\"b,c\"\n1,2\n");
    assert_eq!(pipe("a,b\n1,2\n", "--ids sequence"), "_tm_id,a,b\n1,1,2\n");
}

#[test]
fn flags_that_exclude_each_other_are_refused() {
    for (args, start) in [
        ("--from json --delimiter ;", "error: `--delimiter`: expected CSV, found `--from json`"),
        ("--from jsonl --ragged pad", "error: `--ragged`: expected CSV, found `--from jsonl`"),
        ("--from tsv --delimiter ;", "error: `--delimiter`: expected a tab"),
        ("--header --no-header", "error: `--header` and `--no-header` exclude each other"),
        ("--delimiter ; --quote ;", "error: `--quote` and `--delimiter`: expected two characters"),
        ("--quote none --escape \\", "error: `--escape`: expected quotes, found `--quote none`"),
        ("--thousands .", "error: `--thousands`: expected another character"),
        ("--thousands 5", "error: `--thousands`: expected a character that no number has"),
        ("--thousands . --decimal-comma --all-text", "error: `--decimal-comma`: expected numbers"),
        ("--decimal-comma --thousands ,", "error: `--thousands`: expected another character"),
        ("--delimiter ab", "error: `--delimiter`: expected one ASCII character"),
        ("--comment ab", "error: `--comment`: expected one ASCII character"),
        ("--ragged drop", "error: `--ragged`: expected `reject`, `pad`, found `drop`"),
        ("--from csv --records /a", "error: `--records`: expected JSON, found `--from csv`"),
        ("--from csv --wrap-values", "error: `--wrap-values`: expected JSON, found `--from csv`"),
    ] {
        Folder::new().pipe("a,b\n1,2\n", &format!("convert --to csv {args}")).fails_with(2, start);
    }
}

#[test]
fn flags_of_csv_that_met_none_are_named() {
    let done = Folder::new().pipe("{\"a\":1}\n", "convert --to csv --ragged pad");
    assert!(
        done.stderr.starts_with("warning: what flags say of CSV matched nothing"),
        "{}",
        done.stderr
    );
}

#[test]
fn csv_and_json_share_a_table() {
    let folder = Folder::new();
    folder.write("a.csv", "id,size\n7,1\n");
    folder.write("orders.jsonl", ORDERS);
    folder.write("b.csv", "size,id\n2,8\n");
    folder.run("convert a.csv orders.jsonl b.csv --name t --to csv -o out").stdout();
    let main = "_tm_id,id,size,customer_name,tags\n,7,1,,\n2,1,,Ann,\"[\"\"a\"\",\"\"b\"\"]\"\n3,2,,Bo,\n,8,2,,\n";
    assert_eq!(folder.read("out/t.csv"), main);
    assert!(
        folder.read("out/t_items.csv").starts_with("_tm_id,_tm_parent_id,_tm_index,sku\n1,2,0,x\n")
    );
    folder.run("convert a.csv orders.jsonl --name t --to parquet -o out").stdout();
}

#[test]
fn the_summary_says_how_csv_was_read() {
    let folder = Folder::new();
    folder.write("a.csv", "# x\na|b\n1|2\n3|4\n");
    let done = folder.run("convert a.csv --to parquet");
    let expected = "a.csv: CSV, delimiter `|`, quote `\"`, a header, comments from `#`, 1 comment \
         left out\ntable  rows  columns  ";
    assert!(done.stderr.starts_with(expected), "{}", done.stderr);
}

#[test]
fn a_quote_that_never_closes_is_found_without_the_whole_input() {
    let rest = "1,2\n".repeat(1 << 20);
    let input = format!("a,b\n1,\"2\n{rest}");
    let done =
        Folder::new().pipe(&input, "convert --to csv --on-error fail --max-record-bytes 1MiB");
    let message =
        "error: <stdin>:2:3: expected a closing quote within 1 MiB, found none (csv.quote)\n";
    done.fails_with(1, message);
}
