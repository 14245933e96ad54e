//! What happens in a run: who is killed where, and what the world is like.

use crate::dice::Dice;
use crate::smtp_server::gate::Point;

#[derive(Debug, Clone)]
pub(super) struct Story {
    #[expect(dead_code, reason = "a failed run is told with it")]
    pub(super) seed: u64,
    pub(super) beginning: Beginning,
    pub(super) readers: usize,
    /// `on_ambiguous = "resend"`; otherwise what is in doubt is held.
    pub(super) resend: bool,
    /// The second program makes up for missed days, the first collects yesterday.
    pub(super) second_catches_up: bool,
    /// A third program runs beside the two, and nobody kills it.
    pub(super) third: bool,
    /// How many milliseconds whoever is stopped by the server stays so, for the others to do what they will.
    pub(super) lingers: u64,
    /// One after the other, with two programs started for each.
    pub(super) strikes: Vec<Strike>,
}

/// What the book holds before the first program is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// There is no book.
    Nothing,
    /// The day before yesterday is stored.
    DayBefore,
    /// Yesterday is stored and its report planned, but the mail server was away: both programs deliver.
    Planned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) moment: Moment,
    pub(super) victims: Victims,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// After so many hundredths of the time that an undisturbed run takes.
    Early(u32),
    /// The n-th time that a conversation gets there.
    At(Point, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victims {
    First,
    Second,
    /// As when the machine goes down.
    Both,
}

impl Story {
    /// Every step has its turn before one has its second.
    pub(super) fn of(seed: u64) -> Self {
        let moments = Point::ALL.len() as u64 + 1;
        let mut dice = Dice(seed);
        let readers = 2 + index(&mut dice, 3);
        let mut strikes = vec![Strike {
            moment: moment(&mut dice, seed % moments, readers),
            victims: victims(seed / moments),
        }];
        if dice.one_in(3) {
            let which = dice.below(moments);
            strikes.push(Strike {
                moment: moment(&mut dice, which, readers),
                victims: victims(dice.below(3)),
            });
        }
        Self {
            seed,
            beginning: match dice.below(4) {
                0 => Beginning::Nothing,
                1 => Beginning::DayBefore,
                _ => Beginning::Planned,
            },
            readers,
            resend: dice.one_in(3),
            second_catches_up: dice.one_in(3),
            third: dice.one_in(2),
            lingers: 250 * u64::from(dice.one_in(2)),
            strikes,
        }
    }

    /// Whether no message can have been on its way when somebody was killed.
    pub(super) fn is_beyond_doubt(&self) -> bool {
        let beyond = |strike: &Strike| match strike.moment {
            Moment::Early(_) => false,
            Moment::At(point, _) => !point.is_doubtful(),
        };
        self.strikes.iter().all(beyond)
    }
}

impl Victims {
    pub(super) fn are(self, which: usize) -> bool {
        match self {
            Self::First => which == 0,
            Self::Second => which == 1,
            Self::Both => which < 2,
        }
    }
}

fn moment(dice: &mut Dice, which: u64, readers: usize) -> Moment {
    let reader = 1 + index(dice, readers);
    match Point::ALL.iter().find(|point| **point as u64 == which) {
        Some(point) if point.is_of_a_message() => Moment::At(*point, reader),
        Some(point) => Moment::At(*point, 1),
        None => Moment::Early(u32::try_from(dice.below(120)).unwrap_or_default()),
    }
}

fn victims(which: u64) -> Victims {
    match which % 3 {
        0 => Victims::First,
        1 => Victims::Both,
        _ => Victims::Second,
    }
}

fn index(dice: &mut Dice, limit: usize) -> usize {
    usize::try_from(dice.below(limit as u64)).unwrap_or_default()
}
