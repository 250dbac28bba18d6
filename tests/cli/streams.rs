//! Standard input, output and error.

use std::process::Stdio;

use super::{Folder, ORDERS, finish};

#[test]
fn a_pipe_becomes_one_csv_with_arrays_inlined() {
    let folder = Folder::new();
    let expected = concat!(
        "_tm_id,id,customer_name,tags,items\n",
        "1,1,Ann,\"[\"\"a\"\",\"\"b\"\"]\",",
        "\"[{\"\"sku\"\":\"\"x\"\",\"\"parts\"\":[{\"\"n\"\":5}]},{\"\"sku\"\":\"\"y\"\"}]\"\n",
        "2,2,Bo,,\"[{\"\"sku\"\":\"\"z\"\"}]\"\n",
    );
    assert_eq!(folder.pipe(ORDERS, "convert --to csv").stdout(), expected);
    assert_eq!(folder.pipe(ORDERS, "convert - -o - --to csv -q").stdout(), expected);
    assert_eq!(folder.names("."), "");
}

#[test]
fn what_would_drop_rows_is_refused_before_reading() {
    let folder = Folder::new();
    let refused = "error: standard output takes one table";
    for flags in ["--arrays smart", "--arrays separate", "--map a", "--arrays-at items=smart"] {
        // standard input stays open and empty: a run that reads would wait for ever
        let mut child = folder
            .command(&format!("convert -o - --to csv {flags}"))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let held = child.stdin.take();
        super::Done::from(child.wait_with_output().unwrap()).fails_with(2, refused);
        drop(held);
    }
}

#[test]
fn one_table_of_several_goes_to_stdout() {
    let folder = Folder::with_orders();
    let done = folder.run("convert orders.jsonl -o - --to csv --table orders_items");
    let expected = "_tm_id,_tm_parent_id,_tm_index,sku\n1,1,0,x\n2,1,1,y\n3,2,0,z\n";
    assert_eq!(done.stdout(), expected);
    let done = folder.run("convert orders.jsonl -o - --to csv --table nothing");
    done.fails_with(2, "error: no table `nothing` arose\nhint: there are `orders`, ");
}

#[test]
fn tagged_lines_say_their_table() {
    let folder = Folder::with_orders();
    let done = folder.run("convert orders.jsonl -o - --to jsonl --framing tagged");
    let expected = r#"{"_table":"orders","_tm_id":1,"id":1,"customer_name":"Ann","tags":["a","b"]}
{"_table":"orders","_tm_id":2,"id":2,"customer_name":"Bo"}
{"_table":"orders_items","_tm_id":1,"_tm_parent_id":1,"_tm_index":0,"sku":"x"}
{"_table":"orders_items","_tm_id":2,"_tm_parent_id":1,"_tm_index":1,"sku":"y"}
{"_table":"orders_items","_tm_id":3,"_tm_parent_id":2,"_tm_index":0,"sku":"z"}
{"_table":"orders_items_parts","_tm_id":1,"_tm_parent_id":1,"_tm_root_id":1,"_tm_index":0,"n":5}
"#;
    assert_eq!(done.stdout(), expected);
}

#[test]
fn a_tar_holds_a_file_for_each_table() {
    let folder = Folder::with_orders();
    let done = folder.run("convert orders.jsonl -o - --to csv --framing tar");
    assert_eq!(done.status, 0, "{}", done.stderr);
    // 512 bytes of header, name first, size in octal digits at 124
    let (mut names, mut at) = (Vec::new(), 0);
    while done.stdout[at] != 0 {
        let header = &done.stdout[at..at + 512];
        let end = header.iter().position(|&byte| byte == 0).unwrap();
        names.push(std::str::from_utf8(&header[..end]).unwrap());
        let digits = std::str::from_utf8(&header[124..135]).unwrap();
        let bytes = usize::from_str_radix(digits.trim(), 8).unwrap();
        if names.len() == 3 {
            let content = &done.stdout[at + 512..at + 512 + bytes];
            let expected = "_tm_id,_tm_parent_id,_tm_root_id,_tm_index,n\n1,1,1,0,5\n";
            assert_eq!(std::str::from_utf8(content).unwrap(), expected);
        }
        at += 512 + bytes.next_multiple_of(512);
    }
    assert_eq!(names, ["orders.csv", "orders_items.csv", "orders_items_parts.csv"]);
}

#[test]
fn words_go_to_stderr_and_quiet_leaves_errors_only() {
    let folder = Folder::new();
    let records = "{\"a\":1,\"a\":2}\n";
    let done = folder.pipe(records, "convert --to csv");
    assert!(done.stderr.starts_with("warning: `/a`: "), "{}", done.stderr);
    assert!(done.stderr.contains("\n1 record in "), "{}", done.stderr);
    assert_eq!(done.stdout(), "_tm_id,a\n1,2\n");

    let done = folder.pipe(records, "convert --to csv --quiet");
    assert_eq!(done.stderr, "");
    assert_eq!(done.stdout(), "_tm_id,a\n1,2\n");

    folder
        .pipe("{\"a\" 1}\n", "convert --to csv -q --on-error fail")
        .fails_with(1, "error: <stdin>:1:6: ");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stderr_does_not_matter_and_a_full_stdout_fails() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let folder = Folder::with_orders();
    let mut command = folder.command("convert orders.jsonl --to csv -o out");
    command.stderr(full());
    assert_eq!(finish(command).status, 0);
    assert_eq!(folder.names("out"), "orders.csv orders_items.csv orders_items_parts.csv");

    for args in [
        "--help",
        "convert --help",
        "--version",
        "completions bash",
        "man convert",
        "convert orders.jsonl -o - --to csv --arrays inline",
    ] {
        let mut command = folder.command(args);
        command.stdout(full());
        finish(command).fails_with(1, "error: <stdout>: ");
    }
}

#[cfg(unix)]
#[test]
fn a_closed_stdout_is_a_quiet_success() {
    let folder = Folder::with_orders();
    for args in
        ["--help", "completions zsh", "man", "convert orders.jsonl -o - --to csv --arrays inline"]
    {
        let mut child = folder.command(args).stdin(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        drop(child.stdin.take());
        // which of the two was faster does not matter: nothing may be said either way
        let done = super::Done::from(child.wait_with_output().unwrap());
        assert_eq!(done.status, 0, "{args}: {}", done.stderr);
        assert!(!done.stderr.contains("error"), "{args}: {}", done.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn long_output_comes_whole_however_the_pipe_is_read() {
    use std::io::Read as _;
    use std::time::Duration;

    let folder = Folder::new();
    let records: String = (0..40_000)
        .map(|id| format!("{{\"id\":{id},\"a\":[{id},\"text {}\"]}}\n", id * 7919))
        .collect();
    folder.write("in.jsonl", &records);
    for flags in ["--to jsonl", "--to csv", "--to jsonl --framing tagged"] {
        let arrays = if flags.contains("tagged") { "smart" } else { "inline" };
        let args = format!("convert in.jsonl -o - -q {flags} --arrays {arrays}");
        let mut command = folder.command(&args);
        command.stdout(std::fs::File::create(folder.path().join("out.txt")).unwrap());
        assert_eq!(finish(command).status, 0);
        let expected = folder.read("out.txt");
        assert!(expected.len() > 1 << 20, "{}", expected.len());
        // an end that blocks, and one that fails where others would wait
        for is_blocking in [true, false] {
            let (reader, writer) = rustix::pipe::pipe().unwrap();
            if !is_blocking {
                rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
            }
            let mut command = folder.command(&args);
            let child = command.stdout(writer).spawn().unwrap();
            drop(command);
            let mut read = String::new();
            let mut reader = std::fs::File::from(reader);
            std::thread::sleep(Duration::from_millis(100));
            reader.read_to_string(&mut read).unwrap();
            assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0), "{args}");
            assert!(read == expected, "{args}: {} of {} bytes", read.len(), expected.len());
        }
        // a reader that goes away midway
        let mut command = folder.command(&args);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0; 100_000]).unwrap();
        let done = super::Done::from(child.wait_with_output().unwrap());
        assert_eq!((done.status, done.stderr.as_str()), (0, ""), "{args}");
    }
}
