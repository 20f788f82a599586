use std::process::ExitCode;

/// Searches make many small short-lived values on several threads; measured against the system's allocator, this one
/// takes a tenth off a search and a quarter off the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kechuang::cli::run()
}
