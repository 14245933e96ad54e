//! A progress bar on a terminal, for work on many days.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::collect::Unreachable;
use crate::nightly::Listener;
use crate::text::duration;

use super::output;

pub struct Bar {
    bar: ProgressBar,
    quiet: bool,
}

impl Bar {
    pub fn new(shown: bool) -> Self {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(match shown {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        });
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, quiet: false }
    }

    /// Says nothing about retries.
    pub fn quiet(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    pub fn exported(&self, days: usize, of: usize) {
        self.at("exporting", days, of);
    }

    /// Of records; 0: nobody knows how many there are.
    pub fn migrated(&self, message: &'static str, done: u64, of: u64) {
        self.at(message, done as usize, of.max(done) as usize);
    }

    fn at(&self, message: &'static str, done: usize, of: usize) {
        self.bar.set_message(message);
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }
}

impl Listener for Bar {
    fn statement(&self, done: usize, of: usize) {
        self.at("counting", done, of);
    }

    fn stored(&self, days: usize, of: usize) {
        self.at("storing", days, of);
    }

    fn retrying(&self, away: &Unreachable, for_so_long: Duration) {
        if !self.quiet {
            self.bar.suspend(|| say_retrying(away, for_so_long));
        }
    }
}

pub fn say_retrying(away: &Unreachable, for_so_long: Duration) {
    let left = duration::spoken(Duration::from_secs(for_so_long.as_secs().max(1)));
    output::say_line(&format!("{away}; retrying for up to {left}"));
}
