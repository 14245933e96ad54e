//! Rollups of windows: those of all groups tell whether the asked one is whole.

use std::collections::BTreeMap;

use crate::kinds::{Figure, Kind};

use super::super::grain::Grain;
use super::super::rollup::Rollup;
use super::super::store::{Bucket, Store, StoreError};
use super::window::{Window, group};

/// What was read: by the labels of the group, their words and the grain.
pub(super) struct Sealed<'a> {
    kind: &'a Kind,
    groups: BTreeMap<(String, Vec<String>, Grain), Vec<Bucket>>,
}

/// Reads the rollups for these windows.
pub(super) async fn sealed<'a>(
    store: &mut Store,
    id: i64,
    kind: &'a Kind,
    asked: &[(&Figure, Grain, Window)],
) -> Result<Sealed<'a>, StoreError> {
    let mut spans: BTreeMap<(String, Vec<String>, Grain), Window> = BTreeMap::new();
    for (figure, grain, window) in asked {
        let own = group(figure, kind).into_iter();
        // All groups together, to compare with.
        let all = [(String::new(), Vec::new())];
        for (labels, words) in own.chain(all) {
            let words = words.into_iter().map(str::to_owned).collect();
            let span = spans.entry((labels, words, *grain)).or_insert(*window);
            *span = Window::around([*span, *window]).unwrap_or(*window);
        }
    }
    let mut groups = BTreeMap::new();
    for ((labels, words, grain), span) in spans {
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        let buckets = store
            .buckets(id, grain, &labels, &texts, span.seconds())
            .await?;
        groups.insert((labels, words, grain), buckets);
    }
    Ok(Sealed { kind, groups })
}

impl Sealed<'_> {
    pub(super) fn rollups(&self) -> usize {
        let buckets = self.groups.values().flatten();
        buckets.filter(|bucket| bucket.group.is_some()).count()
    }

    /// Adds the window's rollups, or says why they are not all.
    pub(super) fn add(
        &self,
        figure: &Figure,
        grain: Grain,
        window: Window,
        sum: &mut Rollup,
    ) -> Result<(), String> {
        let (labels, words) = group(figure, self.kind).unwrap_or_default();
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let all = self.within((String::new(), Vec::new(), grain), window);
        let own = self.within((labels.clone(), words, grain), window);
        let points = |buckets: &[&Bucket]| buckets.iter().map(|bucket| bucket.points).sum::<u64>();
        let may_be_other = |bucket: &&Bucket| bucket.has_other && bucket.group.is_none();
        if points(&all) != points(&own) || own.iter().any(may_be_other) {
            return Err(format!(
                "its events are no longer kept, and not all of them were rolled up by {}",
                labels.replace(',', ", ")
            ));
        }
        for rollup in own.iter().filter_map(|bucket| bucket.group.as_ref()) {
            sum.merge(rollup);
        }
        Ok(())
    }

    fn within(&self, key: (String, Vec<String>, Grain), window: Window) -> Vec<&Bucket> {
        let buckets = self.groups.get(&key).into_iter().flatten();
        let starts = window.seconds();
        buckets
            .filter(|bucket| starts.contains(&bucket.start))
            .collect()
    }
}
