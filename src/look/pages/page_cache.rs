//! A cache of pages until the book changes, bounded in bytes; the least recently used go first.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::web::answer::Page;

use super::asked::Asked;

/// Some sixty pages of the largest size.
const BYTES: usize = 4 * 1024 * 1024;

/// What a page depends on besides its address and the settings.
pub(super) type Stamp = (u64, NaiveDate);

#[derive(Default)]
pub(super) struct PageCache {
    stamp: Option<Stamp>,
    pages: HashMap<Asked, (Arc<Page>, u64)>,
    bytes: usize,
    /// Counts requests.
    asked: u64,
}

impl PageCache {
    pub(super) fn get(&mut self, asked: &Asked, stamp: Stamp) -> Option<Arc<Page>> {
        if self.stamp != Some(stamp) {
            return None;
        }
        self.asked += 1;
        let (page, last) = self.pages.get_mut(asked)?;
        *last = self.asked;
        Some(page.clone())
    }

    pub(super) fn put(&mut self, asked: Asked, stamp: Stamp, page: Arc<Page>) {
        if self.stamp > Some(stamp) || page.bytes() > BYTES {
            return;
        }
        if self.stamp != Some(stamp) {
            self.pages.clear();
            self.bytes = 0;
            self.stamp = Some(stamp);
        }
        self.asked += 1;
        self.bytes += page.bytes();
        if let Some((before, _)) = self.pages.insert(asked, (page, self.asked)) {
            self.bytes -= before.bytes();
        }
        while self.bytes > BYTES {
            self.forget_one();
        }
    }

    fn forget_one(&mut self) {
        let oldest = self.pages.iter().min_by_key(|(_, (_, last))| *last);
        let Some(asked) = oldest.map(|(asked, _)| asked.clone()) else {
            self.bytes = 0;
            return;
        };
        if let Some((page, _)) = self.pages.remove(&asked) {
            self.bytes -= page.bytes();
        }
    }
}
