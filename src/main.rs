//! The `transmog` command: nested JSON in, related tables out.

mod cli;

#[global_allocator]
static ALLOCATOR: cli::allocator::Allocator = cli::allocator::Allocator;

fn main() -> std::process::ExitCode {
    cli::allocator::use_small_pages();
    cli::allocator::leave(cli::run())
}
