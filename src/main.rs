use std::process::ExitCode;

/// Searches make many small short-lived values on several threads, which the system's allocator keeps apart and holds
/// on to.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kechuang::cli::run()
}
