//! `serve`: opens the folder, fills an empty one, and answers until it is told to stop.

use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::{Place, grouped, open_app, sample};
use crate::app::{App, remove_stale_indexes};
use crate::config::Config;
use crate::http::{self, AppState};
use crate::portal;
use crate::service::indexing::Progress;
use crate::service::keys::Role;

/// Space kept in reserve while serving, unless the configuration says otherwise.
const BALLAST_MB: u64 = 64;

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    place: Place,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Leaves an empty data folder empty
    #[arg(long)]
    empty: bool,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut config = self.place.config()?;
        if let Some(listen) = &self.listen {
            config.listen = resolve(listen)?;
        }
        config.store.ballast_mb.get_or_insert(BALLAST_MB);
        // A taken port shows before anything is imported.
        let listener = bind(config.listen)?;
        let app = open_app(
            &config,
            "another kechuang has the data folder; stop it, or choose another with --data DIR",
        )?;
        if !self.empty && sample::is_wanted(&app)? {
            let records = sample::import(&app)?;
            eprintln!("{} sample records are in {}", grouped(records), config.data.display());
        }
        first_key(&app)?;
        serve(app, listener, &config)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn resolve(listen: &str) -> anyhow::Result<SocketAddr> {
    listen
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| anyhow!("--listen {listen}: an address such as 127.0.0.1:8080 is expected"))
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {} of {} is in use; choose another with --listen {}:PORT, or stop what uses it",
            address.port(),
            address.ip(),
            address.ip()
        ),
        Err(error) => {
            Err(error).with_context(|| format!("{address} cannot be listened on; see --listen"))
        }
    }
}

/// Makes and shows an administrator's key when there is no key at all: once in the life of a data folder.
fn first_key(app: &App) -> anyhow::Result<()> {
    if !app.keys.list()?.is_empty() {
        return Ok(());
    }
    let key = app.keys.create(Role::Administrator, None, app.clock.now())?;
    eprintln!(
        "The administrator's key, shown this once; it is needed for writing:\n\n    {key}\n\n\
         Use it as `Authorization: Bearer KEY`, as `kechuang import --server URL --key KEY`, or to sign in at /admin.\n\
         More keys: `kechuang key create --role ROLE` while the server is stopped.\n"
    );
    Ok(())
}

fn serve(app: App, listener: TcpListener, config: &Config) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let app = Arc::new(app);
    let follower = app.follow();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let state = AppState::new(app.clone(), follower.progress.clone(), config);
        let ready = tokio::spawn(announce(
            app.clone(),
            follower.progress.clone(),
            address,
            config.data.clone(),
        ));
        let served =
            http::serve(listener, portal::site(state.clone()), state, http::stop_signal()).await;
        ready.abort();
        served
    });
    // Requests that are not over by now do not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(follower);
    served.context("serving failed")
}

/// Prints the URL once everything can be found.
async fn announce(
    app: Arc<App>,
    progress: Progress,
    address: SocketAddr,
    data: std::path::PathBuf,
) {
    while !progress.is_ready() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Whoever reads standard output may be gone; the server stays.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "kechuang is ready: http://{address}").and_then(|()| out.flush());
    remove_stale_indexes(&data, &app.catalog, &app.analyzer);
}
