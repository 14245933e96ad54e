//! What there are few of at a time: one organisation leaves half of them to the others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::web::access::Grant;

use super::answer::Problem;

pub(super) struct Places {
    /// Of what.
    name: &'static str,
    most: usize,
    all: Arc<Semaphore>,
    /// The half of each organisation that has asked.
    own: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

/// Held for as long as it is used.
pub(super) struct Place {
    _all: OwnedSemaphorePermit,
    _own: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(super) fn new(name: &'static str, most: usize) -> Self {
        Self {
            name,
            most,
            all: Arc::new(Semaphore::new(most)),
            own: Mutex::default(),
        }
    }

    pub(super) fn take(&self, grant: &Grant) -> Result<Place, Problem> {
        let (name, most, half) = (self.name, self.most, self.most / 2);
        let own = grant.organisation.as_ref().map(|organisation| {
            let mut all = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            let own = all.entry(organisation.clone());
            let own = own.or_insert_with(|| Arc::new(Semaphore::new(half)));
            let taken = || {
                Problem::busy(format!(
                    "`{organisation}` may have {half} of {most} {name} at a time"
                ))
            };
            Arc::clone(own).try_acquire_owned().map_err(|_| taken())
        });
        let own = own.transpose()?;
        let all = Arc::clone(&self.all).try_acquire_owned();
        let all = all.map_err(|_| Problem::busy(format!("all {most} {name} are taken")))?;
        Ok(Place {
            _all: all,
            _own: own,
        })
    }
}
