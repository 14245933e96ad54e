//! The report's readers: from the settings and the query, or the last known ones if the query fails.

use crate::book::{self, Book, BookError, KnownRecipient};
use crate::collect;
use crate::collect::Found;
use crate::config::{Recipient, When, recipient};

use super::super::types::NightContext;

pub(super) struct Readers {
    /// Each address once, the settings' first.
    pub(super) all: Vec<Recipient>,
    /// The query's readers, of now or of the last time.
    pub(super) asked: Vec<Recipient>,
    pub(super) bad: Vec<(String, String)>,
    /// Why the last known ones are used.
    pub(super) stale: Option<String>,
}

/// `found` is the query's result in the snapshot of the numbers; if nothing was counted, the query runs now.
pub(super) async fn readers(
    context: &NightContext<'_>,
    book: Option<&Book>,
    found: Option<Result<Found, String>>,
) -> Result<Readers, BookError> {
    let settings = &context.config.report;
    let mut readers = Readers {
        all: settings.recipients.clone(),
        asked: Vec::new(),
        bad: settings.bad_addresses.clone(),
        stale: None,
    };
    let Some(query) = &settings.recipients_query else {
        return Ok(readers);
    };
    let found = match found {
        Some(found) => found,
        None => {
            let asked = collect::recipients(&context.config.apps, query, &context.limits()).await;
            // The signal to stop and the night's time limit get the same message.
            asked.map_err(|why| match context.stop.is_cancelled() {
                true => "the night ended before the app database answered".to_owned(),
                false => why,
            })
        }
    };
    match found {
        Ok(found) => {
            readers.asked = found.recipients;
            readers.bad.extend(found.bad);
        }
        Err(why) => {
            let known = match book {
                Some(book) => book::known_recipients(book, context.today()).await?,
                None => Vec::new(),
            };
            readers.asked = known.into_iter().map(recognised).collect();
            readers.stale = Some(why);
        }
    }
    let all = readers.all.into_iter().chain(readers.asked.clone());
    readers.all = recipient::without_duplicates(all);
    Ok(readers)
}

pub(super) fn known(reader: &Recipient) -> KnownRecipient {
    KnownRecipient {
        address: reader.address.clone(),
        name: reader.name.clone(),
        locale: reader.locale,
        when: reader.when.word().to_owned(),
    }
}

fn recognised(known: KnownRecipient) -> Recipient {
    Recipient {
        when: When::from_word(&known.when).unwrap_or_default(),
        address: known.address,
        name: known.name,
        locale: known.locale,
    }
}
