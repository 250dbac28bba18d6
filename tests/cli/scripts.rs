//! `--emit-sql`: what the scripts say, and where there are none.

use super::Folder;

#[test]
fn a_script_reads_the_tables_and_joins_them() {
    let folder = Folder::with_orders();
    folder.run("convert orders.jsonl --to csv -o out --emit-sql duckdb").stdout();
    assert_eq!(
        folder.names("out"),
        "orders.csv orders.duckdb.sql orders_items.csv orders_items_parts.csv"
    );
    let options = "delim = ',', header = true, quote = '\"', escape = '\"', nullstr = '', \
                   allow_quoted_nulls = false, auto_detect = false,\n  columns = ";
    let expected = [
        "-- written by transmog; to be run where the tables are: duckdb DATABASE < FILE\n\n",
        "-- orders: 2 rows; _tm_id is its key\n",
        "CREATE OR REPLACE VIEW \"orders\" AS SELECT \"_tm_id\", \"id\", \"customer_name\", ",
        "CAST(CAST(\"tags\" AS JSON) AS VARCHAR[]) AS \"tags\" FROM read_csv('orders.csv', ",
        options,
        "{'_tm_id': 'BIGINT', 'id': 'BIGINT', 'customer_name': 'VARCHAR', 'tags': 'VARCHAR'});\n\n",
        "-- orders_items: 3 rows; _tm_id is its key; _tm_parent_id is _tm_id of orders\n",
        "CREATE OR REPLACE VIEW \"orders_items\" AS SELECT * FROM read_csv('orders_items.csv', ",
        options,
        "{'_tm_id': 'BIGINT', '_tm_parent_id': 'BIGINT', '_tm_index': 'BIGINT', ",
        "'sku': 'VARCHAR'});\n\n",
        "-- orders_items_parts: 1 rows; _tm_id is its key; ",
        "_tm_parent_id is _tm_id of orders_items\n",
        "CREATE OR REPLACE VIEW \"orders_items_parts\" AS SELECT * FROM ",
        "read_csv('orders_items_parts.csv', ",
        options,
        "{'_tm_id': 'BIGINT', '_tm_parent_id': 'BIGINT', '_tm_root_id': 'BIGINT', ",
        "'_tm_index': 'BIGINT', 'n': 'BIGINT'});\n\n",
        "-- each row of orders_items beside the rows above it\n",
        "CREATE OR REPLACE VIEW \"orders_items_joined\" AS\n",
        "  SELECT t0.*, t1 AS \"orders\"\n  FROM \"orders_items\" AS t0\n",
        "  JOIN \"orders\" AS t1 ON t0.\"_tm_parent_id\" = t1.\"_tm_id\";\n\n",
        "-- each row of orders_items_parts beside the rows above it\n",
        "CREATE OR REPLACE VIEW \"orders_items_parts_joined\" AS\n",
        "  SELECT t0.*, t1 AS \"orders_items\", t2 AS \"orders\"\n",
        "  FROM \"orders_items_parts\" AS t0\n",
        "  JOIN \"orders_items\" AS t1 ON t0.\"_tm_parent_id\" = t1.\"_tm_id\"\n",
        "  JOIN \"orders\" AS t2 ON t1.\"_tm_parent_id\" = t2.\"_tm_id\";\n",
    ];
    assert_eq!(folder.read("out/orders.duckdb.sql"), expected.concat());
}

#[test]
fn each_database_gets_its_own() {
    let folder = Folder::with_orders();
    let flags = "-o out --emit-sql duckdb --emit-sql postgres --emit-sql duckdb";
    folder.run(&format!("convert orders.jsonl --to tsv {flags}")).stdout();
    let script = folder.read("out/orders.postgres.sql");
    let copy = "\\copy \"orders\" (\"_tm_id\", \"id\", \"customer_name\", \"tags\") FROM \
                'orders.tsv' WITH (FORMAT csv, HEADER true, NULL '', ENCODING 'UTF8', DELIMITER \
                E'\\t')\n";
    assert!(script.contains(copy), "{script}");
    assert!(script.contains("\\set ON_ERROR_STOP on\nBEGIN;\n"), "{script}");
    assert!(script.contains("  \"tags\" JSON,\n  PRIMARY KEY (\"_tm_id\")\n);\n"), "{script}");
    assert!(script.ends_with(";\n\nCOMMIT;\n"), "{script}");
    assert!(folder.read("out/orders.duckdb.sql").contains("delim = '\\t'"));
    folder.run("convert orders.jsonl --to parquet -o p --emit-sql spark").stdout();
    let script = folder.read("p/orders.spark.sql");
    let view = "CREATE OR REPLACE TEMPORARY VIEW `orders` USING parquet OPTIONS (path \
                'orders.parquet');\n";
    assert!(script.contains(view), "{script}");
    assert!(script.contains("  SELECT t0.*, struct(t1.*) AS `orders`\n"), "{script}");
}

#[test]
fn several_databases_may_stand_in_one_flag() {
    let folder = Folder::with_orders();
    folder.run("convert orders.jsonl --to csv -o out --emit-sql duckdb,postgres").stdout();
    let names = folder.names("out");
    assert!(
        names.contains("orders.duckdb.sql") && names.contains("orders.postgres.sql"),
        "{names}"
    );
    folder.run("convert orders.jsonl --to csv -o two --emit-sql duckdb,oracle").fails_with(
        2,
        "error: `--emit-sql`: expected `duckdb`, `postgres`, `spark`, found `oracle`",
    );
}

#[test]
fn part_files_have_no_script() {
    let flags = "--to parquet -o parts/ --batch-strategy time_window --emit-sql duckdb";
    Folder::with_orders().run(&format!("convert orders.jsonl {flags}")).fails(
        2,
        "error: `--emit-sql duckdb`: expected a file for each table, found part files\n\
         hint: DuckDB reads them all: `from read_parquet('orders/*.parquet', union_by_name = true)`\n",
    );
}

#[test]
fn names_of_data_cannot_end_a_statement() {
    let folder = Folder::new();
    let record = r#"{"a'; DROP TABLE x; --":1,"b\"; --":"x","n\nl":2,"i[*]":[{"k":1}]}"#;
    folder.write("o'r.jsonl", record);
    let flags = "--to csv -o out --emit-sql duckdb --emit-sql postgres";
    folder.run(&format!("convert o'r.jsonl {flags}")).stdout();
    let script = folder.read("out/o'r.duckdb.sql");
    assert!(script.contains("read_csv('o''r.csv'"), "{script}");
    assert!(script.contains("'a''; DROP TABLE x; --': 'BIGINT', 'b\"; --': 'VARCHAR'"), "{script}");
    let script = folder.read("out/o'r.postgres.sql");
    assert!(script.contains("\"b\"\"; --\" TEXT"), "{script}");
    let copies: Vec<_> = script.lines().filter(|line| line.starts_with("\\copy ")).collect();
    assert!(copies.iter().all(|line| line.ends_with("DELIMITER ',')")), "{script}");
    folder.run("convert o'r.jsonl --to parquet -o p --emit-sql spark").stdout();
    let script = folder.read("p/o'r.spark.sql");
    // Hadoop reads the name as a pattern, and Spark a backslash in a text as its own
    assert!(script.contains(r"(path 'o\'r_i\\[%2A\\].parquet')"), "{script}");
}

#[test]
fn scripts_are_published_with_the_tables() {
    let folder = Folder::with_orders();
    std::fs::create_dir(folder.path().join("out")).unwrap();
    folder.write("out/orders.duckdb.sql", "mine");
    let convert = "convert orders.jsonl --to csv -o out --emit-sql duckdb";
    folder.run(convert).fails_with(2, "error: out/orders.duckdb.sql: ");
    assert_eq!(folder.names("out"), "orders.duckdb.sql");
    folder.run(&format!("{convert} --force")).stdout();
    assert!(folder.read("out/orders.duckdb.sql").starts_with("-- written by transmog"));
    folder.write("bad.jsonl", "{\n");
    folder.run("convert bad.jsonl --to csv -o bad --emit-sql duckdb --on-error fail");
    assert!(!folder.path().join("bad").exists());
}

#[test]
fn what_no_script_can_read_is_refused() {
    let folder = Folder::with_orders();
    for (flags, expected) in [
        (
            "--to parquet --emit-sql postgres",
            "expected `--to csv` or `--to tsv`, found `--to parquet`",
        ),
        ("--to csv --emit-sql spark", "expected `--to parquet`, found `--to csv`"),
        (
            "--to csv -o - --table orders --emit-sql duckdb",
            "expected a file for each table, found standard output",
        ),
        ("--to csv --emit-sql oracle", "expected `duckdb`, `postgres`, `spark`, found `oracle`"),
    ] {
        let dialect = flags.rsplit(' ').next().unwrap();
        let done = folder.run(&format!("convert orders.jsonl {flags}"));
        let start = match dialect {
            "oracle" => "error: `--emit-sql`: ".to_owned(),
            dialect => format!("error: `--emit-sql {dialect}`: "),
        };
        done.fails_with(2, &format!("{start}{expected}"));
    }
    assert_eq!(folder.names("."), "orders.jsonl");
}
