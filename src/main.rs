//! The command line of Plaza.

fn main() -> std::process::ExitCode {
    plaza::cli::main()
}
