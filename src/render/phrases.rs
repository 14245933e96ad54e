//! Every fixed word and sentence of a report, in every language. Braces mark what varies.

mod english;
mod german;
pub mod speech;

use crate::locale::Language;
use crate::report::{Gap, Severity, Suppression};
use crate::text::counted::one_or_many;

pub use speech::Speech;

/// A phrase for one and one for many; `{n}` is how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plural {
    pub one: &'static str,
    pub many: &'static str,
}

impl Plural {
    pub fn agreeing(self, count: usize) -> &'static str {
        one_or_many(&count, self.one, self.many)
    }
}

/// By weekday, Monday first.
pub type Week = [&'static str; 7];
pub type Year = [&'static str; 12];

/// Declares the phrases, and a list of them all.
macro_rules! phrases {
    (texts { $($text:ident)* } plurals { $($plural:ident)* }) => {
        #[derive(Debug)]
        pub struct Phrases {
            pub weekdays: Week,
            pub short_weekdays: Week,
            pub months: Year,
            pub short_months: Year,
            /// `usual for a Monday`
            pub usual: Week,
            /// `Monday’s`, before `range` or `usual 40–50`
            pub usual_of: Week,
            $(pub $text: &'static str,)*
            $(pub $plural: Plural,)*
        }

        impl Phrases {
            /// Every phrase by its name, both phrases of a plural.
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                let names = [&self.weekdays, &self.short_weekdays, &self.usual, &self.usual_of];
                let mut all: Vec<(&str, &str)> = vec![
                    $((stringify!($text), self.$text),)*
                    $((stringify!($plural), self.$plural.one),)*
                    $((stringify!($plural), self.$plural.many),)*
                ];
                all.extend(names.into_iter().flatten().map(|name| ("weekday", *name)));
                let months = [&self.months, &self.short_months];
                all.extend(months.into_iter().flatten().map(|name| ("month", *name)));
                all
            }
        }
    };
}

phrases! {
    texts {
        long_date day_and_month short_date short_date_with_year day_of_month
        critical warning welcome recovered muted
        ok open no_numbers
        nothing_unusual nothing_else_unusual first_report open_day no_numbers_for no_numbers_in_short
        first_summary open_summary failed_summary mostly_failed_summary
        no_range_yet no_numbers_summary stopped_summary report_follows since stopped
        hours longer shorter still_open
        on_weekday last_weekday on_date against between above below week settled
        limit stays_below stays_above not_clear back_below back_above back_to over
        mover mover_since part at_most also_parts new_today second_day day_n worse held still
        metric compared usually usual_then echo learning covered_by_day no_data unavailable failed no_value unchanged new known_day open_day_then
        counted counted_on reconstructed imported
        trend trend_constant trend_lowest trend_highest all_others no_part
        twins_title twins twins_stored
        failed_title unknown_title corrected_title later_title recounted_title nulls_title unlisted_title also_title
        undelivered_title addresses_title recipients_title length_title known_title learning_title learning_until muted_title muted_until
        correction recounted not_reached perhaps_not_reached also stale length known
        footer footer_late next_report link
        live_recovered live_ended live_partial live_is live_since live_was live_title live_over live_still
        reason_deleted reason_now reason_no_birth reason_window reason_sql reason_declared reason_later reason_absent
        reason_no_event reason_first_event reason_not_grouped reason_not_whole reason_no_rollups reason_other_hours reason_estimate
    }
    plurals {
        live_groups live_times criticals warnings welcomes mutes failures failed_metrics
        metrics in_range all_in_range in_range_so_far more_highlights more_lines rows_linked rows_attached days after_days rows_without_value rows_unlisted points zero_days stirred appeared flat_days
    }
}

impl Phrases {
    pub fn in_language(language: Language) -> &'static Self {
        match language {
            Language::English => &english::ENGLISH,
            Language::German => &german::GERMAN,
        }
    }

    pub fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Warning => self.warning,
            Severity::Critical => self.critical,
        }
    }

    /// Why there is no number to compare with.
    pub fn gap(&self, gap: Gap) -> &'static str {
        match gap {
            Gap::NoData => self.no_data,
            Gap::Unavailable => self.unavailable,
            Gap::Failed => self.failed,
            Gap::Nothing => self.no_value,
        }
    }

    /// Why a large change does not alert.
    pub fn suppression(&self, suppression: Suppression) -> &'static str {
        match suppression {
            Suppression::Usual => self.usual_then,
            Suppression::Echo => self.echo,
            Suppression::Learning => self.learning,
            Suppression::CoveredByDay => self.covered_by_day,
            Suppression::KnownDay => self.known_day,
            Suppression::OpenDay => self.open_day_then,
        }
    }

    /// Of a language's code, such as a view has.
    pub fn in_code(code: &str) -> &'static Self {
        let mut known = Language::ALL.into_iter();
        let language = known.find(|language| language.code() == code);
        Self::in_language(language.unwrap_or_default())
    }
}

/// The words in the phrase's holes, if the text is the phrase filled.
pub fn unfill<'t>(phrase: &'static str, text: &'t str) -> Option<Vec<(&'static str, &'t str)>> {
    let mut words = Vec::new();
    let mut pieces = phrase.split('{');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    for piece in pieces {
        let (hole, after) = piece.split_once('}')?;
        let end = if after.is_empty() {
            rest.len()
        } else {
            rest.find(after)?
        };
        words.push((hole, &rest[..end]));
        rest = &rest[end + after.len()..];
    }
    rest.is_empty().then_some(words)
}

/// Puts words into the braces of a phrase. Braces in these words mean nothing.
pub fn fill<Word: AsRef<str>>(phrase: &str, words: &[(&str, Word)]) -> String {
    let mut filled = String::new();
    let mut rest = phrase;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        let word = words.iter().find(|(known, _)| *known == name);
        filled.push_str(word.map_or("", |(_, word)| word.as_ref()));
        rest = after;
    }
    filled + rest
}
