//! The `transmog` command: nested JSON in, related tables out.

mod cli;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(cli::run())
}
