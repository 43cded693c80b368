//! The command line of Plaza.

/// glibc's allocator retains the memory of password hashing, 19 MiB at a time, in an arena for each
/// thread that ever hashed: 650 MB after fifty sign-ups. mimalloc returns it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    use_small_pages();
    plaza::cli::main()
}

/// A huge page is only returned when all of it is free, and the kernel merges pages again behind
/// the allocator's back: with 500 players this took 72 MB instead of 45, and was no faster.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    // An old kernel does not know the option; it keeps working.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
