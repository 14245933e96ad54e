//! One run: programs are started and killed as the story says, one more ends it, and then every account is
//! compared with every other.

use std::process::{Child, Output};
use std::time::{Duration, Instant};

use super::figures::Figures;
use super::scene::{CATCH_UP, Templates, YESTERDAY, readers};
use super::strikes::{Beginning, Moment, Story, Strike};
use crate::kills::{ended, kill_and_wait};
use crate::running::program::{code, words};
use crate::smtp_server::{Accepted, Script, Server};
use crate::world::World;

/// How long a step is waited for, and the server's conversations at the end.
const PATIENCE: Duration = Duration::from_secs(120);

struct Scene<'a> {
    story: &'a Story,
    world: World,
    server: Server,
    figures: Figures,
    /// How many strikes killed somebody.
    deadly: usize,
    /// Of those programs that nobody killed.
    outputs: Vec<Output>,
}

/// A row of the ledger.
struct Row {
    recipient: String,
    message_id: String,
    state: String,
    attempts: usize,
}

pub(super) async fn run(story: &Story, templates: &Templates) -> Figures {
    let server = Server::start(Script::accepting()).await;
    let world = templates.world(story, &server);
    let figures = Figures {
        runs: 1,
        recipients: story.readers,
        ..Figures::default()
    };
    let mut scene = Scene {
        story,
        world,
        server,
        figures,
        deadly: 0,
        outputs: Vec::new(),
    };
    for strike in &story.strikes {
        scene.strike(strike, templates.whole);
        scene.at_most_one_is_on_its_way().await;
    }
    scene.outputs.push(ended(scene.world.start(&YESTERDAY)));
    conversations_end(&scene.server, &format!("{story:?}"));
    scene.no_day_is_lost(templates).await;
    let ledger = scene.ledger().await;
    scene.each_reader_is_accounted_for(&ledger);
    scene.exit_codes_tell_of_doubt(&ledger);
    scene.figures.ended = scene.outputs.len();
    scene.figures
}

impl Scene<'_> {
    fn strike(&mut self, strike: &Strike, whole: Duration) {
        let pause = match strike.moment {
            Moment::At(point, nth) => Some(self.server.pause(point, nth)),
            Moment::Early(_) => None,
        };
        let second: &[&str] = match self.story.second_catches_up {
            true => &CATCH_UP,
            false => &YESTERDAY,
        };
        let mut programs = vec![self.world.start(&YESTERDAY), self.world.start(second)];
        if self.story.third {
            programs.push(self.world.start(&YESTERDAY));
        }
        let begun = Instant::now();
        let reached = match (&pause, strike.moment) {
            (None, Moment::Early(hundredths)) => {
                std::thread::sleep(whole * hundredths / 100);
                true
            }
            (Some(pause), _) => pause.wait(|| {
                assert!(begun.elapsed() < PATIENCE, "{:?}", self.story);
                programs.iter_mut().any(is_alive)
            }),
            (None, Moment::At(..)) => unreachable!("a step has its pause"),
        };
        if pause.is_some() && reached {
            std::thread::sleep(Duration::from_millis(self.story.lingers));
        }
        let alive: Vec<bool> = programs.iter_mut().map(is_alive).collect();
        let mut survivors = Vec::new();
        let mut killed = 0;
        for (which, program) in programs.into_iter().enumerate() {
            if reached && strike.victims.are(which) {
                kill_and_wait(program);
                killed += usize::from(alive[which]);
            } else {
                survivors.push(program);
            }
        }
        drop(pause);
        self.outputs.extend(survivors.into_iter().map(ended));
        if killed == 0 {
            self.figures.missed += 1;
            return;
        }
        self.deadly += 1;
        *self.figures.killed.entry(name(strike)).or_default() += killed;
    }

    async fn at_most_one_is_on_its_way(&self) {
        if !self.world.has_table("deliveries").await {
            return;
        }
        let sending = "SELECT recipient FROM deliveries WHERE state = 'sending'";
        let sending = self.world.book(sending).await;
        assert!(sending.len() <= 1, "{:?}: {sending:?}", self.story);
    }

    async fn no_day_is_lost(&self, templates: &Templates) {
        let yesterday = templates.yesterday;
        let days = format!(
            "SELECT partial, metrics -> 'stock' FROM daily_metrics
             WHERE collection_date = '{yesterday}'"
        );
        let days = self.world.book(&days).await;
        let whole = [["0", "42"].map(|text| Some(text.to_owned()))];
        assert_eq!(days, whole, "{:?}", self.story);
        let sound = self.world.book("PRAGMA integrity_check").await;
        assert_eq!(sound[0][0].as_deref(), Some("ok"), "{:?}", self.story);
    }

    async fn ledger(&self) -> Vec<Row> {
        let all = "SELECT recipient, message_id, state, attempts FROM deliveries
             WHERE subject = 'report' AND channel = 'email' AND copy = 1 ORDER BY id";
        let mut rows = Vec::new();
        for row in self.world.book(all).await {
            let mut cells = row.into_iter().map(Option::unwrap);
            rows.push(Row {
                recipient: cells.next().unwrap(),
                message_id: cells.next().unwrap(),
                state: cells.next().unwrap(),
                attempts: cells.next().unwrap().parse().unwrap(),
            });
        }
        let count = "SELECT count(*) FROM deliveries";
        let count = self.world.book(count).await[0][0].clone().unwrap();
        assert_eq!(count, rows.len().to_string(), "{:?}", self.story);
        rows
    }

    fn each_reader_is_accounted_for(&mut self, ledger: &[Row]) {
        let story = self.story;
        let recipients: Vec<&str> = ledger.iter().map(|row| row.recipient.as_str()).collect();
        assert_eq!(recipients, readers(story.readers), "{story:?}");
        let accepted = self.server.accepted();
        let unheard = self.server.unheard();
        self.figures.accepted = accepted.len();
        for row in ledger {
            let got: Vec<&Accepted> = accepted
                .iter()
                .filter(|mail| mail.to == row.recipient)
                .collect();
            let deaths = unheard.iter().filter(|to| **to == row.recipient).count();
            // That the server was away at the beginning was an attempt, but nothing left.
            let away = usize::from(story.beginning == Beginning::Planned);
            let left = row.attempts - away;
            let told = format!("{story:?}: {} {}", row.recipient, row.state);
            assert!(
                got.iter().all(|mail| mail.message == got[0].message),
                "another message: {told}"
            );
            let named = |mail: &&Accepted| {
                let id = format!("Message-ID: {}", row.message_id);
                String::from_utf8_lossy(&mail.message).contains(&id)
            };
            assert!(got.iter().all(named), "another Message-ID: {told}");
            match (row.state.as_str(), story.resend) {
                ("accepted", false) => assert_eq!((got.len(), left), (1, 1), "{told}"),
                ("ambiguous", false) => {
                    assert!(got.len() <= 1 && left == 1 && deaths > 0, "{told}");
                    self.figures.flagged += 1;
                    self.figures.flagged_and_taken += got.len();
                }
                ("accepted", true) => {
                    // Each time beyond the first follows a death after 354, before an answer was noted.
                    assert!(!got.is_empty() && got.len() <= left, "{told}");
                    assert!(left <= 1 + deaths, "{told}");
                    self.figures.sent_again += usize::from(left > 1);
                    self.figures.doubles += got.len() - 1;
                }
                _ => panic!("left as it is: {told}"),
            }
        }
        let doubtful = ledger.iter().any(|row| row.state == "ambiguous");
        let doubled = accepted.len() > story.readers;
        if story.is_beyond_doubt() {
            assert!(!doubtful && !doubled, "doubt without reason: {story:?}");
        }
    }

    /// 75 and the reader's name, once for each message that is held; 0 otherwise.
    fn exit_codes_tell_of_doubt(&self, ledger: &[Row]) {
        let story = self.story;
        for output in &self.outputs {
            let held = words(output).contains("held: may have arrived");
            let wanted = if held { 75 } else { 0 };
            assert_eq!(code(output), wanted, "{story:?}: {output:?}");
            let is_held = |reader: &str| {
                let mut rows = ledger.iter().filter(|row| row.state == "ambiguous");
                rows.any(|row| row.recipient == reader)
            };
            for reader in readers(story.readers) {
                let named = words(output).contains(&format!("to {reader}: "));
                assert!(
                    !named || is_held(&reader),
                    "held too early: {story:?}: {output:?}"
                );
            }
        }
        for row in ledger.iter().filter(|row| row.state == "ambiguous") {
            let told = |output: &Output| {
                words(output).lines().any(|line| {
                    line.contains(&row.recipient) && line.contains("held: may have arrived")
                })
            };
            // Who noted it may have been killed in turn: then the ledger has it, for the next report to say.
            let told = self.outputs.iter().any(told) || self.deadly > 1;
            assert!(told, "{} is in doubt in silence: {story:?}", row.recipient);
        }
    }
}

/// Whoever was killed may have left a message in the line, which the server still reads.
pub(super) fn conversations_end(server: &Server, told: &str) {
    let begun = Instant::now();
    while server.conversations() > 0 {
        assert!(begun.elapsed() < PATIENCE, "{told}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn is_alive(program: &mut Child) -> bool {
    program.try_wait().unwrap().is_none()
}

fn name(strike: &Strike) -> String {
    match strike.moment {
        Moment::Early(_) => "Before (random)".to_owned(),
        Moment::At(point, _) => format!("{:2} {point:?}", point as usize + 1),
    }
}
