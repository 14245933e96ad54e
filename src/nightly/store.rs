//! Where the night stores its results: in the book, or nowhere.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::book::{self, Book, BookError, CollectLock, Ending, Filter, Plan, Statement, Stored};
use crate::catalog::Catalog;
use crate::entry::Entry;
use crate::entry::merge::{Mode, merge};

use super::types::{Night, NightContext};

pub(super) enum Store {
    Book {
        book: Book,
        run: i64,
    },
    /// Reads the book, if there is one, and writes nothing.
    DryRun(Option<Book>),
}

pub(super) struct Opened {
    pub(super) lock: CollectLock,
    pub(super) book: Book,
}

/// The book, under the collect lock; `None` if another process has it.
pub(super) async fn open(context: &NightContext<'_>) -> Result<Option<Opened>, BookError> {
    let Some(lock) = Book::lock(&context.config.book.url).await? else {
        return Ok(None);
    };
    let book = Book::open_under(&lock).await?;
    Ok(Some(Opened { lock, book }))
}

impl Store {
    pub(super) async fn to_read(context: &NightContext<'_>) -> Result<Self, BookError> {
        match Book::open_to_read(&context.config.book.url).await {
            Ok(book) => Ok(Self::DryRun(Some(book))),
            Err(BookError::NoBook { .. }) => Ok(Self::DryRun(None)),
            Err(error) => Err(error),
        }
    }

    /// To read; without a book every day is new.
    pub(super) fn book(&self) -> Option<&Book> {
        match self {
            Self::Book { book, .. } => Some(book),
            Self::DryRun(book) => book.as_ref(),
        }
    }

    /// To write into.
    pub(super) fn writable(&self) -> Option<&Book> {
        match self {
            Self::Book { book, .. } => Some(book),
            Self::DryRun(_) => None,
        }
    }

    /// Stores counted days together with the plan of their report. `stored` has the book's entries of these days.
    pub(super) async fn keep(
        &self,
        entries: Vec<Entry>,
        mode: Mode,
        plan: Option<Plan>,
        stored: &BTreeMap<NaiveDate, Entry>,
        night: &mut Night,
    ) -> Result<Vec<Stored>, BookError> {
        if let Self::Book { book, .. } = self {
            return book::store_and_plan(book, entries, mode, plan.as_ref()).await;
        }
        if let Some(plan) = plan {
            self.plan(plan, night).await?;
        }
        let laid_over = |new: Entry| {
            let before = stored.get(&new.date).cloned();
            let after = merge(before.as_ref(), new, mode);
            Stored { before, after }
        };
        Ok(entries.into_iter().map(laid_over).collect())
    }

    /// Writes the plan into the ledger, or notes the messages that it would add to those planned before.
    pub(super) async fn plan(&self, plan: Plan, night: &mut Night) -> Result<(), BookError> {
        if let Self::Book { book, .. } = self {
            return book::plan(book, &plan).await.map(drop);
        }
        let Plan {
            report,
            mut messages,
        } = plan;
        if let Some(book) = self.book() {
            let filter = Filter {
                date: Some(report.date),
                ..Filter::default()
            };
            let planned = book::deliveries(book, &filter).await?;
            messages.retain(|message| {
                !planned.iter().any(|row| {
                    row.subject == report.subject && row.is_to(message.channel, &message.recipient)
                })
            });
        }
        night.would_send = Some((report.date, messages));
        Ok(())
    }

    pub(super) async fn note_statements(&self, statements: &[Statement]) -> Result<(), BookError> {
        match self {
            Self::Book { book, run } => book::record_statements(book, *run, statements).await,
            Self::DryRun(_) => Ok(()),
        }
    }

    pub(super) async fn update_view(&self, catalog: &Catalog) -> Result<(), BookError> {
        match self {
            Self::Book { book, .. } => book::columns::update(book, catalog).await,
            Self::DryRun(_) => Ok(()),
        }
    }

    pub(super) async fn end_run(&self, ending: &Ending) -> Result<(), BookError> {
        match self {
            Self::Book { book, run } => book::end_run(book, *run, ending).await,
            Self::DryRun(_) => Ok(()),
        }
    }

    pub(super) async fn close(self) {
        if let Self::Book { book, .. } | Self::DryRun(Some(book)) = self {
            book.close().await;
        }
    }
}
