//! When points go into rollups, and how many at once.
//!
//! Rollups change many more keys than points do: a sample of a host has some of its own. So they are forwarded in pieces between batches
//! of points, and take a third of the time at most.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::super::follow::Position;

const EVERY: Duration = Duration::from_secs(10);
/// So many points are worth it earlier.
const MANY: usize = 50_000;
/// Questions read all that are in no rollup: more than these are not let wait.
const MOST: usize = 4 * MANY;
/// Others wait about so long for a piece; the longer the more points wait, since few large pieces cost less than many small ones.
const PIECE: Duration = Duration::from_millis(50);
const LARGE: usize = 2_500;
const LONGEST: u32 = 20;
/// Points of the first piece. A batch of points is never smaller, and never larger than the other.
const FEW: usize = 100;
pub(super) const BATCH: usize = 2_000;

/// A batch of points as the server has it: an item of each of these kinds.
#[derive(Debug)]
pub(super) struct Laid {
    pub(super) behind: Position,
    pub(super) kinds: Vec<String>,
    pub(super) points: usize,
}

/// The first batches that are in no rollup.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) behind: Position,
    /// How many items of each kind.
    pub(super) items: BTreeMap<String, usize>,
    pub(super) points: usize,
    batches: usize,
}

pub(super) struct Rolling {
    /// In no rollup yet, and how many points these are.
    waiting: VecDeque<Laid>,
    points: usize,
    /// Points of the next piece, and of a batch of which one is a piece.
    piece: usize,
    batch: usize,
    /// How far it goes; `None`: it is not the time.
    end: Option<Position>,
    /// When the last piece was done, and how long the server was busy since the first.
    at: Instant,
    took: Duration,
}

impl Rolling {
    pub(super) fn new(waiting: Vec<Laid>) -> Self {
        Self {
            points: waiting.iter().map(|laid| laid.points).sum(),
            waiting: waiting.into(),
            piece: FEW,
            batch: BATCH,
            end: None,
            at: Instant::now(),
            took: Duration::ZERO,
        }
    }

    pub(super) fn add(&mut self, laid: Laid) {
        self.points += laid.points;
        self.waiting.push_back(laid);
    }

    /// Points of a batch that is no burden as a piece.
    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    /// What goes into rollups now.
    pub(super) fn next(&mut self) -> Option<Piece> {
        let first = self.waiting.front()?;
        if self.end.is_none_or(|end| first.behind > end) {
            self.end = None;
            if !self.is_due() {
                return None;
            }
            self.end = self.waiting.back().map(|last| last.behind);
            self.took = Duration::ZERO;
        }
        self.first()
    }

    /// What comes first, whether it is the time or not.
    pub(super) fn first(&self) -> Option<Piece> {
        let mut piece: Option<Piece> = None;
        for laid in &self.waiting {
            let piece = piece.get_or_insert_with(|| Piece {
                behind: laid.behind,
                items: BTreeMap::new(),
                points: 0,
                batches: 0,
            });
            if piece.batches > 0 && piece.points + laid.points > self.piece {
                break;
            }
            for kind in &laid.kinds {
                *piece.items.entry(kind.clone()).or_default() += 1;
            }
            piece.behind = laid.behind;
            piece.points += laid.points;
            piece.batches += 1;
        }
        piece
    }

    fn is_due(&self) -> bool {
        let pause = match self.points {
            MOST.. => return true,
            MANY.. => Duration::ZERO,
            _ => EVERY,
        };
        self.at.elapsed() >= pause.max(2 * self.took)
    }

    /// A piece is in the rollups, for which the server took so long.
    pub(super) fn done(&mut self, piece: &Piece, took: Duration) {
        let wanted = PIECE * ((self.points / LARGE) as u32).clamp(1, LONGEST);
        self.waiting.drain(..piece.batches);
        self.points -= piece.points;
        self.at = Instant::now();
        self.took += took;
        let share = wanted.as_secs_f64() / took.as_secs_f64().max(1e-6);
        // Twice the points take less than twice the time: they change the same keys.
        let fitting = match share < 1.0 {
            true => (piece.points as f64 * share) as usize,
            false => 2 * piece.points,
        };
        // Less than a piece tells little of a whole one.
        if piece.points >= self.piece || share < 1.0 {
            self.piece = fitting.clamp(FEW, MANY);
        }
        if piece.batches == 1 && (share < 0.5 || self.batch < BATCH) {
            self.batch = fitting.clamp(FEW, BATCH);
        }
    }
}
