//! Progress on standard error, on a terminal only.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::grouped;

/// A bar over a known number of things.
pub fn bar(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    bar.set_style(style("{msg} {bar:30} {human_pos}/{human_len} {rate} {eta}"));
    bar.set_message(what);
    bar
}

/// A bar over the bytes of files.
pub fn bytes(what: String, length: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    bar.set_style(style("{msg} {bar:30} {binary_bytes}/{binary_total_bytes} {eta}"));
    bar.set_message(what);
    bar
}

/// Something whose end is not known.
pub fn spinner(what: String) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(style("{spinner} {msg} {human_pos}"));
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn style(template: &str) -> ProgressStyle {
    let rate = |state: &ProgressState, to: &mut dyn Write| {
        // A line that cannot be drawn is drawn again.
        let _ = write!(to, "{}/s", grouped(state.per_sec() as u64));
    };
    ProgressStyle::with_template(template)
        .expect("the template is a literal of this file")
        .with_key("rate", rate)
}
