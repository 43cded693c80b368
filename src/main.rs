//! The command line of Plaza.

/// glibc's keeps what password hashing used, 19 MiB at a time, in an arena for each thread that ever hashed: 650 MB after
/// fifty sign-ups. This one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    plaza::cli::main()
}
