//! The command line: one file a command, or a few that belong together.

mod check_config;
mod evaluate;
mod export;
mod import;
mod keys;
mod openapi;
mod progress;
mod reindex;
mod sample;
mod serve;
mod vault;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::app::{App, OpenError};
use crate::config::Config;
use crate::store::StoreError;
use crate::store::embedded::{EmbeddedOptions, EmbeddedStore};

/// Exit code of an import that refused rows.
const SOME_REJECTED: u8 = 3;

/// Search and recommendation for science-and-technology policy and the technology market.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API and the pages; what `kechuang` alone does.
    Serve(serve::Serve),
    /// Imports records from JSONL, JSONL.gz or CSV files; `-` is standard input.
    Import(import::Import),
    /// Measures search quality on a judged set.
    Evaluate(evaluate::Evaluate),
    /// Checks the configuration and names everything that is wrong with it.
    CheckConfig(check_config::CheckConfig),
    /// Makes the index anew from the records.
    Reindex(reindex::Reindex),
    /// Prints records as NDJSON.
    Export(export::Export),
    /// Writes everything in the data folder to one file; a server may be running.
    Backup(vault::Backup),
    /// Makes a new data folder from a backup.
    Restore(vault::Restore),
    /// Checks every checksum of the store, and that the index can be read.
    Verify(vault::Verify),
    /// Makes, lists and revokes keys.
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// Prints the OpenAPI document.
    Openapi(openapi::Openapi),
}

/// Where records are and how they are described.
#[derive(Clone, Debug, Default, Args)]
struct Place {
    /// Data folder [default: ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// Reads the configuration file, if one was given, and lets `--data` win over it.
    fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::read(self.config.as_deref())?;
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        Ok(config)
    }
}

/// Runs the command that the arguments name; failures are printed to standard error.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve(cli.serve));
    log_to_stderr(matches!(command, Command::Serve(_)));
    let outcome = match command {
        Command::Serve(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::CheckConfig(command) => command.run(),
        Command::Reindex(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Key(command) => command.run(),
        Command::Openapi(command) => command.run(),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let text = causes(&error);
            // Several problems are one a line, each with its file.
            let name = if text.contains('\n') { "" } else { "kechuang: " };
            // Nothing is left to tell when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "{name}{text}");
            ExitCode::FAILURE
        }
    }
}

/// Joins an error and its causes, leaving out what the text before already says.
fn causes(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            said if said.contains(&cause) => text,
            said => format!("{said}: {cause}"),
        }
    })
}

/// Whoever reads standard output has read enough (`kechuang export | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    use std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        let kind = match cause.downcast_ref::<serde_json::Error>() {
            Some(error) => error.io_error_kind(),
            None => cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind),
        };
        kind == Some(BrokenPipe)
    })
}

/// Logs to standard error: of a server what happens, of other commands what needs attention.
///
/// `RUST_LOG` overrides it.
fn log_to_stderr(is_server: bool) {
    let usual = if is_server { "info" } else { "warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    // Fails only when a log is set already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init();
}

/// Opens everything; `hint` says what to do when another process has the folder.
fn open_app(config: &Config, hint: &str) -> anyhow::Result<App> {
    App::open(config).map_err(|error| match error {
        OpenError::Store(error @ StoreError::InUse(_)) => {
            anyhow::Error::new(error).context(hint.to_owned())
        }
        error => error.into(),
    })
}

/// Opens the records without the index and the kinds.
fn open_store(data: &Path, hint: &str) -> anyhow::Result<EmbeddedStore> {
    let opened = EmbeddedStore::open(data, EmbeddedOptions::default());
    match opened {
        Err(error @ StoreError::InUse(_)) => Err(error).context(hint.to_owned()),
        opened => Ok(opened?),
    }
}

/// Fails when there is nothing at `data`, so that a mistyped folder is not made.
fn need_folder(data: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        data.is_dir(),
        "{} is not a folder; name the data folder with --data DIR",
        data.display()
    );
    Ok(())
}

/// A number with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_declared_soundly() {
        Cli::command().debug_assert();
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
