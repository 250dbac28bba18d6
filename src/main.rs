//! The `transmog` command: nested JSON in, related tables out.

mod cli;

/// Columns begin on one thread and end on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(cli::run())
}
