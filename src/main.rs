//! The command line of Plaza.

/// glibc's keeps what password hashing used, 19 MiB at a time, in an arena for each thread that
/// ever hashed: 650 MB after fifty sign-ups. This one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    use_small_pages();
    plaza::cli::main()
}

/// Of a huge page nothing is given back before everything in it is free, and the kernel puts them
/// together again behind the allocator's back: with five hundred people it was 72 MB instead of 45,
/// and no faster.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    // An old kernel goes on as it did.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
