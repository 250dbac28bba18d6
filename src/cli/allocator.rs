//! How the program allocates, which only a program may decide, not a library.

#![expect(unsafe_code, reason = "allocators and their options have no safe interface")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Write};
use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use mimalloc::MiMalloc;

/// Blocks of more bytes come from the system.
const SMALL_BYTES_MAX: usize = 2 << 20;

/// A block could not be had, from nobody.
static IS_REFUSED: AtomicBool = AtomicBool::new(false);

/// Allocates blocks of up to [`SMALL_BYTES_MAX`] by mimalloc, as columns begin on one thread and end
/// on another, and larger ones by the system.
///
/// What is large and freed by another thread than the one that asked for it, mimalloc gives back in a
/// way that the system counts as held: 24 records of 50 MiB took 2.2 GiB, and take 357 MiB this way;
/// 2,200 records of 1 MiB 711 and 333 MiB. Ordinary files take as long as before, within the noise.
pub struct Allocator;

fn is_small(layout: Layout) -> bool {
    layout.size() <= SMALL_BYTES_MAX
}

/// Returns whether a large block had to come from what mimalloc had reserved.
fn is_fallback(block: *mut u8) -> bool {
    // SAFETY: any address may be asked about.
    unsafe { libmimalloc_sys::mi_is_in_heap_region(block.cast()) }
}

fn or_refused(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        IS_REFUSED.store(true, Ordering::Relaxed);
    }
    block
}

// SAFETY: both allocators keep the contract, and so does this one, as a block goes back to the one that
// gave it: small ones, by the size in their layout, to mimalloc; large ones to mimalloc if they lie in
// its memory, else to the system.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract, which is the same one.
        unsafe {
            let block = if is_small(layout) { ptr::null_mut() } else { System.alloc(layout) };
            if block.is_null() { or_refused(MiMalloc.alloc(layout)) } else { block }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract, which is the same one.
        unsafe {
            let block =
                if is_small(layout) { ptr::null_mut() } else { System.alloc_zeroed(layout) };
            if block.is_null() { or_refused(MiMalloc.alloc_zeroed(layout)) } else { block }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the same allocator gave the block under this layout.
        unsafe {
            match is_small(layout) || is_fallback(block) {
                true => MiMalloc.dealloc(block, layout),
                false => System.dealloc(block, layout),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the same allocator gave the block under this layout; `size` with this alignment is
        // a layout, as the caller says; a block that moves has room for the smaller of both sizes.
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            match (is_small(layout), is_small(wanted)) {
                (true, true) => return or_refused(MiMalloc.realloc(block, layout, size)),
                (false, false) if !is_fallback(block) => {
                    let grown = System.realloc(block, layout, size);
                    if !grown.is_null() {
                        return grown;
                    }
                }
                _ => {}
            }
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// The allocator's option `mi_option_purge_delay`, which has no name in the binding.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Sets both allocators up for a run that may take `memory_limit` bytes, and has the process end with
/// a message where the system refuses memory.
///
/// - Errors: of the system, where the signal cannot be caught by which the process would end.
pub(super) fn set_up(memory_limit: usize) -> io::Result<()> {
    keep_freed_memory(memory_limit);
    // Large blocks of all threads from one place: others would each take 64 MiB of addresses, which
    // `ulimit -v` counts.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: no large block was asked for so far; what is refused changes nothing.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
    #[cfg(unix)]
    // SAFETY: what is done is allowed in a handler: a load, a write, an exit.
    unsafe {
        signal_hook::low_level::register(signal_hook::consts::SIGABRT, end_if_refused)?;
    }
    Ok(())
}

/// Ends the process with `status`, without giving memory back first: page by page that takes as long as
/// a hundredth of a run.
pub fn leave(status: u8) -> ExitCode {
    // What could not be written was said where it was written.
    let _ = io::stdout().flush();
    #[cfg(unix)]
    signal_hook::low_level::exit(status.into());
    #[cfg(not(unix))]
    ExitCode::from(status)
}

/// Ends a process that is about to be aborted for want of memory as one that failed: the library that
/// found no memory has said how much, and left it at that.
#[cfg(unix)]
fn end_if_refused() {
    if IS_REFUSED.load(Ordering::Relaxed) {
        let message = "error: the system refused memory\n\
                       hint: lower `--memory-limit`, or raise the limit of the system (`ulimit -v`)\n";
        // There is nobody left to tell if this fails.
        let _ = rustix::io::write(rustix::stdio::stderr(), message.as_bytes());
        signal_hook::low_level::exit(1);
    }
}

/// Has the system give memory in pages of 4 KiB instead of 2 MiB.
///
/// What is not used of a large page counts as held, 15 to 30 MB of a run. And a virtual machine whose
/// host takes unused memory back, or has given none yet, waits 4 ms for each: 0.71 s instead of 0.88
/// for 400 MB of orders, 0.56 instead of 0.87 for 300 MB of webhooks. Where memory is at hand, tables of
/// thousands of columns take a tenth longer this way, others as long as before.
///
/// Comes first in the program: its first blocks are on such a page. mimalloc must be built not to ask for
/// them itself (`no_thp`), which it does before the program begins.
pub fn use_small_pages() {
    // A system that refuses goes on as before.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Says how long mimalloc keeps freed memory: a second, a hundredth of one, or not at all.
///
/// Buffers of one row group are those of the next: with the usual 10 ms most of them are given back
/// in between, and the system clears every page again. On 400 MB of orders that took a tenth of the
/// time. It takes half as much memory again, though.
fn keep_freed_memory(memory_limit: usize) {
    let milliseconds = match memory_limit >> 20 {
        512.. => 1000,
        128.. => 10,
        _ => 0,
    };
    // SAFETY: the option exists in this version, which `Cargo.lock` and a test pin; it takes any
    // number; no other thread runs yet.
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, milliseconds);
    }
}

/// Gives back what is free of the memory that this thread reserved, and of all that ended.
///
/// The system does the same as the process ends, after all else: 17 of 400 ms of 300 MB of webhooks,
/// 3 of 44 of 20 MB of orders. Meanwhile files are brought to the disk.
pub(super) fn give_back() {
    // SAFETY: it may be called at any time by any thread.
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths on both sides of the border, and on it.
    const SIZES: [usize; 6] =
        [1, 1 << 20, SMALL_BYTES_MAX, SMALL_BYTES_MAX + 1, 3 * SMALL_BYTES_MAX, 64 << 20];

    #[test]
    fn blocks_keep_their_bytes_as_they_grow_and_shrink() {
        for from in SIZES {
            for to in SIZES {
                let mut bytes: Vec<u8> = (0..from).map(|n| (n / 7) as u8).collect();
                bytes.reserve_exact(to.saturating_sub(from));
                bytes.truncate(to);
                bytes.shrink_to_fit();
                assert_eq!(bytes.len(), from.min(to));
                assert!(bytes.iter().enumerate().all(|(n, byte)| *byte == (n / 7) as u8), "{from}");
            }
        }
    }

    #[test]
    fn blocks_are_aligned_and_zeroed() {
        for size in SIZES {
            for align in [1, 16, 64, 4096, 1 << 16] {
                let layout = Layout::from_size_align(size, align).expect("a layout");
                // SAFETY: the size is not zero; the block is freed by the layout it came from.
                unsafe {
                    let block = Allocator.alloc_zeroed(layout);
                    assert!(!block.is_null() && block.addr().is_multiple_of(align), "{layout:?}");
                    assert!((0..size).step_by(509).all(|at| *block.add(at) == 0), "{layout:?}");
                    Allocator.dealloc(block, layout);
                }
            }
        }
    }

    #[test]
    fn large_blocks_of_mimalloc_go_back_to_it() {
        let layout = Layout::from_size_align(3 * SMALL_BYTES_MAX, 8).expect("a layout");
        for to in [1, SMALL_BYTES_MAX, 5 * SMALL_BYTES_MAX] {
            // SAFETY: what is written is in the blocks, and each goes back by its layout.
            unsafe {
                let own = System.alloc(layout);
                assert!(!own.is_null() && !is_fallback(own));
                System.dealloc(own, layout);
                let block = MiMalloc.alloc(layout);
                assert!(!block.is_null() && is_fallback(block));
                block.write(7);
                let moved = Allocator.realloc(block, layout, to);
                assert!(!moved.is_null() && moved.read() == 7);
                let wanted = Layout::from_size_align_unchecked(to, layout.align());
                assert_eq!(is_fallback(moved), is_small(wanted));
                Allocator.dealloc(moved, wanted);
                let block = MiMalloc.alloc(layout);
                assert!(!block.is_null());
                Allocator.dealloc(block, layout);
            }
        }
    }
}
