//! A page whose time goes by when it is told to, so that no test depends on how fast a machine is.

use crate::driver::Browser;

/// The clock of a page; it stands still.
pub struct Clock<'a>(&'a Browser);

impl<'a> Clock<'a> {
    pub fn stop(browser: &'a Browser) -> Self {
        browser.run(
            "let now = 0, jobs = [], last = 0;
             window.setTimeout = (run, wait = 0) => { jobs.push({ id: ++last, at: now + wait, run }); return last; };
             window.clearTimeout = id => { jobs = jobs.filter(job => job.id !== id); };
             window.passTime = ms => {
               const until = now + ms;
               for (;;) {
                 const due = jobs.filter(job => job.at <= until).sort((a, b) => a.at - b.at || a.id - b.id)[0];
                 if (!due) break;
                 jobs = jobs.filter(job => job !== due);
                 now = Math.max(now, due.at);
                 due.run();
               }
               now = until;
             };",
        );
        Self(browser)
    }

    /// Lets time go by.
    pub fn pass(&self, ms: u32) {
        self.0.run(&format!("passTime({ms})"));
    }
}
