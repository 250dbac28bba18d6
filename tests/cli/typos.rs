//! Slips of the pen: the nearest of what there is, in every place where users name something.

use super::Folder;

/// Asserts status 2, what the error is about, and all of the hint.
#[track_caller]
fn check(args: &str, error: &str, hint: &str) {
    let done = Folder::with_orders().run(args);
    assert_eq!(done.status, 2, "{args}: {}", done.stderr);
    let (said, hinted) = done.stderr.rsplit_once("hint: ").unwrap_or((&done.stderr, ""));
    assert!(said.contains(&format!("error: {error}")), "{args}: {}", done.stderr);
    assert_eq!(hinted, format!("{hint}\n"), "{args}");
}

#[test]
fn commands() {
    check("convret orders.jsonl", "expected a command (", "did you mean `transmog convert`?");
    check("completion bash", "expected a command (", "did you mean `transmog completions`?");
    check("xyz", "expected a command (", "`transmog convert xyz` converts a file of that name");
    let done = Folder::new().run("schema mrege a.json b.json");
    assert!(
        done.stderr.ends_with("hint: did you mean `transmog schema merge`?\n"),
        "{}",
        done.stderr
    );
}

#[test]
fn flags() {
    let none = "`transmog convert --help` shows all flags, with examples";
    check("convert --forse", "`--forse`: ", "did you mean `--force`?");
    check("convert -force", "`-f`: ", "did you mean `--force`?");
    check("convert -table x", "`-t`: ", "did you mean `--table`?");
    check("convert --To csv", "`--To`: ", "did you mean `--to`?");
    check("formats --jsn", "`--jsn`: ", "did you mean `--json`?");
    check("man --outptu x", "`--outptu`: ", "did you mean `--output`?");
    check("convert --frobnicate", "`--frobnicate`: ", none);
    for command in ["schema", "check", "profile", "config"] {
        let own = format!("`transmog {command} --help` shows all flags, with examples");
        check(&format!("{command} --xyzzy"), "`--xyzzy`: ", &own);
    }
    for command in ["schema merge", "schema diff", "formats"] {
        let own = format!("`transmog {command} --help` shows all flags");
        check(&format!("{command} --xyzzy"), "`--xyzzy`: ", &own);
    }
    let own = "`transmog profile --help` shows all flags, with examples";
    check("profile --format xyz", "`--format`: expected `table`, ", own);
    // what no help shows is not suggested
    check("convert --chunk-byte 1MB", "`--chunk-byte`: ", none);
    check(
        "--to csv orders.jsonl",
        "`--to`: ",
        "flags stand behind a command, as in `transmog convert --to csv`",
    );
}

#[test]
fn values_of_flags() {
    for (args, near) in [
        ("--to parqet", "parquet"),
        ("--to PARQUET", "parquet"),
        ("--from jsnol", "jsonl"),
        ("--compression zstdd", "zstd"),
        ("--compression zsdt:5", "zstd:5"),
        ("--ids feild:order.id", "field:order.id"),
        ("--ids hsah", "hash"),
        ("--arrays-at items=inlin", "inline"),
        ("--type id=itn64", "int64"),
        ("--encoding id=dleta", "delta"),
        ("--summary jsno", "json"),
        ("--preset lowlatency", "low-latency"),
        ("--batch-strategy fixedsize", "fixed_size"),
        ("--store-option regoin=x orders.jsonl --to csv", "region"),
    ] {
        let flag = args.split(' ').next().unwrap();
        check(&format!("convert {args}"), &format!("`{flag}"), &format!("did you mean `{near}`?"));
    }
    check("completions zhs", "`SHELL`: ", "did you mean `zsh`?");
}

#[test]
fn values_far_from_all_that_there_are() {
    for args in ["--compression zstd:99", "--ids uuid:3", "--ids far", "--type id=x"] {
        let done = Folder::with_orders().run(&format!("convert {args}"));
        assert_eq!(done.status, 2, "{args}: {}", done.stderr);
        assert!(!done.stderr.contains("did you mean"), "{args}: {}", done.stderr);
    }
}

#[test]
fn tables_and_columns() {
    check(
        "convert orders.jsonl --to csv --table ordrs_items",
        "no table `ordrs_items` arose",
        "did you mean `orders_items`? there are `orders`, `orders_items`, `orders_items_parts`",
    );
    check(
        "convert orders.jsonl --to csv --table x",
        "no table `x` arose",
        "there are `orders`, `orders_items`, `orders_items_parts`",
    );
    check(
        "convert orders.jsonl --to parquet --encoding custmer_name=plain",
        "`--encoding custmer_name=plain`: no column `custmer_name` arose",
        "did you mean `customer_name`?",
    );
    check(
        "convert orders.jsonl --to parquet --encoding orders_item.sku=plain",
        "`--encoding orders_item.sku=plain`: no column `orders_item.sku` arose",
        "did you mean `orders_items.sku`?",
    );
}

#[test]
fn paths_that_match_nothing() {
    let check = |flag: &str, option: &str, near: Option<&str>| {
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let warning = format!("warning: `{option}` matched nothing in the input{near}\n");
        // the same whoever reads which part first
        for threads in ["--threads 1", "--threads 2 --chunk-bytes 60B"] {
            let folder = Folder::with_orders();
            let done = folder.run(&format!("convert orders.jsonl --to csv {threads} {flag}"));
            assert_eq!(done.status, 0, "{}", done.stderr);
            assert!(done.stderr.starts_with(&warning), "{flag}: {}", done.stderr);
        }
    };
    let select = "--select custmer.name";
    check(select, select, Some("customer.name"));
    check("--select customer.nmae", "--select customer.nmae", Some("customer.name"));
    check("--drop customer_name", "--drop customer_name", Some("customer.name"));
    check("--drop itms", "--drop itms", Some("items"));
    check("--drop unheard", "--drop unheard", None);
    check("--map custmer", "--map custmer", Some("customer"));
    check("--type sku=text", "--type sku=text", Some("items.sku"));
    check("--type items.*.skuu=text", "--type items.*.skuu=text", Some("items.*.sku"));
    check("--type /items/*/skuu=text", "--type /items/*/skuu=text", Some("/items/*/sku"));
    check("--arrays-at tag=inline", "--arrays-at tag=…", Some("tags"));
    // an index is meant to be any, a key of what is no object is not
    check("--type tags.0=text", "--type tags.0=text", Some("tags.*"));
    check("--select tags.x", "--select tags.x", Some("tags"));
    check("--select id.x", "--select id.x", None);
}

#[test]
fn paths_of_csv_are_names_of_its_header() {
    let folder = Folder::new();
    folder.write("a.csv", "name,town\nx,y\n");
    let done = folder.run("convert a.csv --to jsonl -o out --drop nmae");
    let near = "warning: `--drop nmae` matched nothing in the input; did you mean `name`?\n";
    assert!(done.status == 0 && done.stderr.starts_with(near), "{}", done.stderr);
}

#[test]
fn keys_cannot_write_to_the_terminal() {
    let folder = Folder::new();
    folder.write("a.jsonl", r#"{"to\u001b[2Jwn":1}"#);
    let done = folder.run("convert a.jsonl --to csv -o out --drop to[2Jwn");
    let near = "did you mean `to\\u{1b}[2Jwn`?\n";
    assert!(done.status == 0 && done.stderr.contains(near), "{}", done.stderr);
    let done = folder.run("convert a.jsonl --to parquet -o new --encoding to[2Jwn=plain");
    assert!(done.status == 2 && done.stderr.ends_with(near), "{}", done.stderr);
}
