//! The dashboard's own fixed words in every language. `render` words what numbers say, as in the mail. Braces mark
//! what varies, for [`crate::render::phrases::fill`].

mod english;
mod german;

use crate::locale::Language;

/// Declares the words, and a list of them all.
macro_rules! words {
    ($($(#[$note:meta])* $name:ident)*) => {
        #[derive(Debug)]
        pub struct Words {
            $($(#[$note])* pub $name: &'static str,)*
            /// Errors by their HTTP status.
            pub problems: &'static [Problem],
        }

        impl Words {
            /// Every phrase by its name.
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

// One line for the frame and each page.
words! {
    skip pages day alerts runs about_page keys refreshes
    late never_complete
    days previous next date show newest complete collected collected_in as_of
    current vs_day vs_week vs_month sections notes
    no_such_day not_stored fetch empty begin begin_day begin_past begin_doctor begin_then begin_live
    try_newest
    runs_title no_runs when command outcome took statements statement rows deliveries no_deliveries report_of to state
    run_running run_stored run_nothing run_failed run_interrupted run_days about_open about_failure
    by_mail by_outbox by_webhook by_ping copy
    alerts_of standing over nothing_alerts open_unjudged not_judged month no_day by_metric strip_legend
    vs_days chart usual value open_mark table_of no_values no_such_metric did_you_mean
    about key past made_of rules family since was counted_by counted_like
    history_event history_live history_interval history_survivors history_now
    rule_above rule_from rule_below rule_down_to no_rules rule_both rule_falls rule_rises rule_parts warning_from critical_from
    legend_usual legend_open legend_clock
    live live_title live_refreshes live_happened live_events live_failed live_hour live_today live_yesterday live_failed_of live_flow live_just_now live_ago live_most
    live_lowest live_highest live_groups live_busiest live_broken live_silent
}

/// An error's title and advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    pub title: &'static str,
    pub advice: &'static str,
}

impl Words {
    pub fn in_language(language: Language) -> &'static Self {
        match language {
            Language::English => &english::ENGLISH,
            Language::German => &german::GERMAN,
        }
    }
    /// The words of a status; of an unknown one those of an internal error.
    pub fn problem(&self, status: u16) -> Problem {
        let known = |status| self.problems.iter().find(|known| known.status == status);
        let problem = known(status).or_else(|| known(500)).copied();
        problem.expect("a failure has words in every language")
    }
}
