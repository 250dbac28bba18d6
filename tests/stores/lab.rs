//! What tests that drive the binary share: a bucket, a folder to run in, and what has to hold
//! however a run ends.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::servers::credentials::{ACCESS_KEY, SECRET_KEY};
use crate::servers::faults::Faults;
use crate::servers::s3::S3Server;
use crate::{Done, Folder};

/// The bucket that runs read from and write to.
pub const BUCKET: &str = "tests";

/// Nobody waits longer for a run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two records with a list of objects, which becomes a child table.
pub const ORDERS: &str = concat!(
    r#"{"id":1,"items":[{"sku":"x"},{"sku":"y"}]}"#,
    "\n",
    r#"{"id":2,"items":[{"sku":"z"}]}"#,
    "\n",
);

/// A server with a bucket, and a folder to run in.
pub struct Lab {
    pub server: S3Server,
    pub folder: Folder,
    /// Keys of the fixed kind, in the environment.
    has_keys: bool,
}

impl Lab {
    pub fn new(faults: Faults) -> Lab {
        Lab::with_server(S3Server::start(faults), true)
    }

    /// A bucket whose keys come from elsewhere.
    pub fn with_server(server: S3Server, has_keys: bool) -> Lab {
        server.create_bucket(BUCKET);
        let folder = Folder::new();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Lab { server, folder, has_keys }
    }

    pub fn put(&self, key: &str, content: impl AsRef<[u8]>) {
        self.server.put(BUCKET, key, content.as_ref().to_vec());
    }

    /// Returns an object as text.
    #[track_caller]
    pub fn get(&self, key: &str) -> String {
        let found = self.server.get(BUCKET, key);
        let found = found.unwrap_or_else(|| panic!("{key}: {:?}", self.keys()));
        String::from_utf8(found).unwrap()
    }

    /// Returns the keys of the bucket, parted by spaces.
    pub fn keys(&self) -> String {
        self.server.list(BUCKET).join(" ")
    }

    /// Returns the bucket as it is.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let keys = self.server.list(BUCKET).into_iter();
        keys.map(|key| (key.clone(), self.server.get(BUCKET, &key).unwrap())).collect()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        let path = self.folder.path().join(name);
        fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
    }

    pub fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    /// `convert` with these arguments, which have no spaces, and no settings.
    pub fn bare(&self, args: &str) -> Run<'_> {
        let args = args.split_whitespace().map(str::to_owned).collect();
        Run { lab: self, args, variables: Vec::new() }
    }

    /// The same with the settings and keys of the server, and no manifest.
    pub fn convert(&self, args: &str) -> Run<'_> {
        self.convert_whole(args).env("TRANSMOG_MANIFEST", "none")
    }

    /// The same with a manifest, as by default.
    pub fn convert_whole(&self, args: &str) -> Run<'_> {
        let run = self.bare(args);
        let endpoint = format!("endpoint={}", self.server.endpoint());
        let run = run.option(&endpoint).option("allow_http=true").option("region=us-east-1");
        match self.has_keys {
            true => {
                run.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            }
            false => run,
        }
    }

    /// Counts requests, among them those that were not answered.
    pub fn count(&self, method: &str, query: &str) -> usize {
        let requests = self.server.requests().into_iter();
        requests.filter(|one| one.method == method && one.query.contains(query)).count()
    }

    /// Returns what was asked of an object, as `start..end`, in the order of the requests.
    pub fn ranges(&self) -> Vec<std::ops::Range<u64>> {
        let requests = self.server.requests();
        let ranges = requests.iter().filter(|one| one.method == "GET").filter_map(|one| {
            let (start, end) = one.range()?.strip_prefix("bytes=")?.split_once('-')?;
            Some(start.parse().unwrap()..end.parse::<u64>().unwrap() + 1)
        });
        ranges.collect()
    }

    /// Asserts that no run has left anything but what it published.
    #[track_caller]
    pub fn is_tidy(&self) {
        assert_eq!(self.server.open_uploads(), 0, "uploads that nobody completes");
        let left = fs::read_dir(self.folder.path().join("tmp")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "in TMPDIR: {left:?}");
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let hidden: Vec<_> = names.filter(|name| name.starts_with(".transmog")).collect();
        assert!(hidden.is_empty(), "{hidden:?}");
    }
}

/// A run of the binary that is about to start.
#[derive(Clone)]
pub struct Run<'a> {
    lab: &'a Lab,
    args: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Run<'_> {
    /// Adds an argument, which may have spaces.
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    pub fn option(self, setting: &str) -> Self {
        self.arg("--store-option").arg(setting)
    }

    /// Takes a setting away.
    pub fn without(mut self, setting: &str) -> Self {
        let at = self.args.iter().position(|arg| arg == setting).unwrap();
        self.args.drain(at - 1..=at);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_transmog");
        // whoever runs the tests may ignore signals, and that is inherited
        let mut command = if cfg!(target_os = "linux") {
            let mut command = Command::new("env");
            command.args(["--default-signal=INT,HUP,TERM", binary]);
            command
        } else {
            Command::new(binary)
        };
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let folder = self.lab.folder.path();
        command.env("HOME", folder).env("TMPDIR", folder.join("tmp")).current_dir(folder);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.arg("convert").args(&self.args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn start(&self) -> Started {
        Started::new(self.command())
    }

    pub fn run(&self) -> Done {
        self.start().wait()
    }

    /// Asserts that the run succeeds and leaves nothing behind but what it published.
    #[track_caller]
    pub fn succeeds(&self) -> Done {
        let done = self.run();
        assert_eq!(done.status, 0, "{}", done.stderr);
        self.lab.is_tidy();
        done
    }

    /// Asserts that the run ends with a status and a message about an object, and that the bucket is
    /// what it was.
    #[track_caller]
    pub fn fails(&self, status: i32, messages: &[&str]) -> Done {
        let before = self.lab.objects();
        let done = self.run();
        done.failed(status, messages);
        assert_eq!(self.lab.objects(), before);
        self.lab.is_tidy();
        done
    }
}

impl Done {
    /// Asserts a status, and an error that begins with the URL of an object.
    #[track_caller]
    pub fn failed(&self, status: i32, messages: &[&str]) {
        assert_eq!(self.status, status, "{}", self.stderr);
        let is_about = self.stderr.lines().any(|line| line.starts_with("error: s3://"));
        assert!(is_about, "{}", self.stderr);
        self.says(messages);
    }

    #[track_caller]
    pub fn says(&self, messages: &[&str]) {
        for message in messages {
            assert!(self.stderr.contains(message), "`{message}`: {}", self.stderr);
        }
    }

    /// Returns the summary that `--summary json` prints.
    #[track_caller]
    pub fn summary(&self) -> serde_json::Value {
        let json = self.stderr.lines().rfind(|line| line.starts_with('{'));
        serde_json::from_str(json.unwrap_or_else(|| panic!("{}", self.stderr))).unwrap()
    }

    pub fn stdout_text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

/// A run that somebody watches.
pub struct Started {
    child: Child,
    since: Instant,
    stdout: thread::JoinHandle<Vec<u8>>,
    stderr: thread::JoinHandle<Vec<u8>>,
}

impl Started {
    fn new(mut command: Command) -> Started {
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let collect = |mut from: Box<dyn Read + Send>| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes).unwrap();
                bytes
            })
        };
        Started {
            child,
            since: Instant::now(),
            stdout: collect(Box::new(stdout)),
            stderr: collect(Box::new(stderr)),
        }
    }

    /// Waits until something has happened while it runs.
    #[track_caller]
    pub fn until(&mut self, mut has_happened: impl FnMut() -> bool) {
        while !has_happened() {
            assert!(self.is_running(), "it ended before");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn is_running(&mut self) -> bool {
        if self.since.elapsed() > PATIENCE {
            self.child.kill().unwrap();
            panic!("it runs for ever");
        }
        self.child.try_wait().unwrap().is_none()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    #[track_caller]
    pub fn wait(mut self) -> Done {
        while self.is_running() {
            thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().unwrap();
        Done {
            status: status.code().unwrap_or(-1),
            stdout: self.stdout.join().unwrap(),
            stderr: String::from_utf8(self.stderr.join().unwrap()).unwrap(),
        }
    }
}

/// Returns so many JSON lines with a text of so many characters each.
pub fn lines(count: usize, text_bytes: usize) -> String {
    let mut lines = String::with_capacity(count * (text_bytes + 40));
    for id in 0..count {
        lines.push_str(&format!("{{\"id\":{id},\"text\":\"{}\"}}\n", text(id, text_bytes)));
    }
    lines
}

/// The same as CSV.
pub fn rows(count: usize, text_bytes: usize) -> String {
    let mut rows = "id,text\n".to_owned();
    for id in 0..count {
        rows.push_str(&format!("{id},{}\n", text(id, text_bytes)));
    }
    rows
}

/// Returns digits and letters that do not repeat and compress little.
fn text(seed: usize, bytes: usize) -> String {
    let mut state = seed as u64 + 1;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:016x}", state ^ (state >> 29)));
    }
    text.truncate(bytes);
    text
}

pub fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content.as_ref()).unwrap();
    encoder.finish().unwrap()
}
