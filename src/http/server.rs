//! Carries the router until it is told to stop.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::bare::Explaining;
use super::{AppState, health};

/// Time that requests have to end after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves `router`, made for `state`, until `shutdown`, then ends what was begun: readiness is withdrawn, nothing new is accepted, and open
/// requests have ten seconds. A second signal returns at once.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopping, mut stopped) = oneshot::channel();
    let told = state.clone();
    let graceful = async move {
        shutdown.await;
        told.stop();
        // Nobody listens any more only if the server has failed.
        let _ = stopping.send(());
    };
    let upkeep = tokio::spawn(health::keep_up(state.clone()));
    let listener = listener.tap_io(|connection| {
        // Answers are written whole; waiting for more only delays them.
        let _ = connection.set_nodelay(true);
    });
    let server = axum::serve(Explaining(listener), router).with_graceful_shutdown(graceful);
    let mut server = tokio::spawn(async move { server.await });
    let ended = tokio::select! {
        ended = &mut server => Some(ended),
        _ = &mut stopped => None,
    };
    let ended = match ended {
        Some(ended) => Some(ended),
        None => tokio::select! {
            ended = &mut server => Some(ended),
            () = tokio::time::sleep(DRAIN) => {
                tracing::warn!("requests were still open after ten seconds and are cut off");
                None
            }
            () = stop_signal() => None,
        },
    };
    upkeep.abort();
    server.abort();
    match ended {
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(std::io::Error::other(error)),
        None => Ok(()),
    }
}

/// Waits for SIGTERM or SIGINT.
pub async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = match signal(SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(error) => {
                tracing::error!(%error, "SIGTERM cannot be listened for");
                return std::future::pending().await;
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
