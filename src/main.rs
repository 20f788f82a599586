use std::process::ExitCode;

fn main() -> ExitCode {
    kechuang::cli::run()
}
