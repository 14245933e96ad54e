//! Renders letters once for each locale, however many readers share it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::NaiveDate;

use crate::book::{BookError, Delivery, Subject};
use crate::locale::Locale;
use crate::notice::Notice;
use crate::render::mail::{Mail, mail};
use crate::render::{json, notice};
use crate::report::Letter;

use super::{Compose, Composed};

type About = (NaiveDate, Subject);

pub(super) struct Rendered<F> {
    compose: F,
    letters: BTreeMap<About, Composed>,
    mails: BTreeMap<(About, Locale), Mail>,
    bodies: BTreeMap<About, String>,
    notices: BTreeMap<(About, Locale), Notice>,
}

impl<F: Compose> Rendered<F> {
    pub(super) fn new(compose: F) -> Self {
        Self {
            compose,
            letters: BTreeMap::new(),
            mails: BTreeMap::new(),
            bodies: BTreeMap::new(),
            notices: BTreeMap::new(),
        }
    }

    /// The mail of a delivery, or why there is none.
    pub(super) async fn mail(&mut self, row: &Delivery) -> Result<Result<&Mail, &str>, BookError> {
        let about = (row.date, row.subject);
        let letter = letter(&self.compose, &mut self.letters, about).await?;
        Ok(letter.map(|letter| {
            let made = || mail(letter, row.locale);
            &*self.mails.entry((about, row.locale)).or_insert_with(made)
        }))
    }

    /// What services for chats and incidents are told, or why there is nothing to tell.
    pub(super) async fn notice(
        &mut self,
        row: &Delivery,
    ) -> Result<Result<&Notice, &str>, BookError> {
        let about = (row.date, row.subject);
        let letter = letter(&self.compose, &mut self.letters, about).await?;
        Ok(letter.map(|letter| {
            let made = || notice::notice(letter, row.locale);
            &*self.notices.entry((about, row.locale)).or_insert_with(made)
        }))
    }

    /// Daybook's own body of a webhook, or why there is none.
    pub(super) async fn json(&mut self, row: &Delivery) -> Result<Result<&str, &str>, BookError> {
        let about = (row.date, row.subject);
        let letter = letter(&self.compose, &mut self.letters, about).await?;
        Ok(letter.map(|letter| {
            let made = || json::letter(letter).to_string();
            self.bodies.entry(about).or_insert_with(made).as_str()
        }))
    }
}

async fn letter<'a>(
    compose: &impl Compose,
    letters: &'a mut BTreeMap<About, Composed>,
    (date, subject): About,
) -> Result<Result<&'a Letter, &'a str>, BookError> {
    let letter = match letters.entry((date, subject)) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(compose(date, subject).await?),
    };
    Ok(letter.as_ref().map_err(String::as_str))
}
