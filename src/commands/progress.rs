//! A bar on a terminal while many days are counted and stored; silence elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::nightly::Listener;

pub struct Bar(ProgressBar);

impl Bar {
    /// Shown only where somebody can watch it and there is something to wait for.
    pub fn new(shown: bool) -> Self {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    pub fn clear(&self) {
        self.0.finish_and_clear();
    }

    pub fn exported(&self, days: usize, of: usize) {
        self.at("exporting", days, of);
    }

    fn at(&self, message: &'static str, done: usize, of: usize) {
        self.0.set_message(message);
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
    }
}

impl Listener for Bar {
    fn statement(&self, done: usize, of: usize) {
        self.at("counting", done, of);
    }

    fn stored(&self, days: usize, of: usize) {
        self.at("storing", days, of);
    }
}
