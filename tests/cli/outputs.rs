//! Files: where they go, what may be replaced, what a failed run leaves.

use super::{Folder, ORDERS};

const TABLES: &str = "orders.csv orders_items.csv orders_items_parts.csv";

#[test]
fn a_file_becomes_a_directory_of_tables() {
    let folder = Folder::with_orders();
    let done = folder.run("convert orders.jsonl --to csv -o out/");
    assert_eq!(done.stdout(), "");
    assert_eq!(folder.names("out"), TABLES);
    assert_eq!(
        folder.read("out/orders.csv"),
        "_tm_id,id,customer_name,tags\n1,1,Ann,\"[\"\"a\"\",\"\"b\"\"]\"\n2,2,Bo,\n"
    );
    assert_eq!(
        folder.read("out/orders_items.csv"),
        "_tm_id,_tm_parent_id,_tm_index,sku\n1,1,0,x\n2,1,1,y\n3,2,0,z\n"
    );
    assert_eq!(
        folder.read("out/orders_items_parts.csv"),
        "_tm_id,_tm_parent_id,_tm_root_id,_tm_index,n\n1,1,1,0,5\n"
    );
}

#[test]
fn without_output_files_go_to_the_current_directory() {
    let folder = Folder::with_orders();
    assert_eq!(folder.run("convert orders.jsonl --to csv").stdout(), "");
    assert_eq!(folder.names("."), format!("orders.csv orders.jsonl {}", &TABLES[11..]));
}

#[test]
fn the_ending_of_the_output_decides_on_format_and_names() {
    let folder = Folder::with_orders();
    folder.run("convert orders.jsonl -o main.parquet").stdout();
    let names = "main.parquet main_items.parquet main_items_parts.parquet orders.jsonl";
    assert_eq!(folder.names("."), names);
    let bytes = std::fs::read(folder.path().join("main.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn a_table_can_be_chosen_for_a_directory() {
    let folder = Folder::with_orders();
    folder
        .run("convert orders.jsonl --to jsonl -o out --table orders_items --name orders")
        .stdout();
    assert_eq!(folder.names("out"), "orders_items.jsonl");
}

#[test]
fn an_existing_output_is_replaced_only_by_force() {
    let folder = Folder::with_orders();
    folder.write("main.csv", "mine");
    folder.run("convert orders.jsonl -o main.csv").fails_with(2, "error: main.csv: ");
    assert_eq!(folder.read("main.csv"), "mine");
    assert_eq!(folder.names("."), "main.csv orders.jsonl");

    folder.write("main_items.csv", "mine too");
    let done = folder.run("convert orders.jsonl -o other.csv --name main");
    done.fails_with(2, "error: main_items.csv: ");
    assert_eq!(folder.names("."), "main.csv main_items.csv orders.jsonl");

    folder.run("convert orders.jsonl -o main.csv --force").stdout();
    assert!(folder.read("main.csv").starts_with("_tm_id,id,"));
    assert!(folder.read("main_items.csv").starts_with("_tm_id,_tm_parent_id,"));
    assert_eq!(folder.names("."), "main.csv main_items.csv main_items_parts.csv orders.jsonl");
}

#[test]
fn a_missing_input_writes_nothing() {
    let folder = Folder::new();
    let done = folder.run("convert nothing.jsonl --to csv -o out");
    done.fails_with(1, "error: nothing.jsonl: ");
    assert_eq!(folder.names("."), "");
}

#[test]
fn a_bad_record_is_named_and_leaves_no_files() {
    let folder = Folder::new();
    folder.write("bad.jsonl", "{\"a\":1}\n\n{\"a\" 2}\n{\"a\":3}\n");
    let fail = "convert bad.jsonl --on-error fail --to";
    folder.run(&format!("{fail} csv")).fails_with(1, "error: bad.jsonl:3:6: expected `:`");
    assert_eq!(folder.names("."), "bad.jsonl");
    folder.run(&format!("{fail} parquet")).fails_with(1, "error: bad.jsonl:3:6: ");
    assert_eq!(folder.names("."), "bad.jsonl");
}

#[test]
fn an_unreadable_format_is_status_5() {
    let folder = Folder::new();
    folder.write("page.json", "<html></html>\n");
    folder.run("convert page.json --to csv").fails_with(5, "error: page.json: ");
    assert_eq!(folder.names("."), "page.json");
}

#[test]
fn an_output_that_is_an_input_is_refused() {
    let folder = Folder::with_orders();
    let refused = "error: orders.jsonl: ";
    folder.run("convert orders.jsonl -o orders.jsonl --force").fails_with(2, refused);
    folder.run("convert orders.jsonl --to jsonl --force").fails_with(2, "error: ");
    std::fs::hard_link(folder.path().join("orders.jsonl"), folder.path().join("same.jsonl"))
        .unwrap();
    folder.run("convert orders.jsonl -o same.jsonl --force").fails_with(2, "error: same.jsonl: ");
    assert_eq!(folder.read("orders.jsonl"), ORDERS);
    assert_eq!(folder.names("."), "orders.jsonl same.jsonl");
}

#[test]
fn file_names_in_messages_cannot_write_to_the_terminal() {
    let folder = Folder::new();
    let mut command = folder.command("convert --to csv");
    command.arg("a\u{1b}[2Jb\nc");
    super::finish(command).fails_with(1, "error: a\\u{1b}[2Jb\\nc: ");
}
