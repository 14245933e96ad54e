//! Points whose size is measured: task runs, and a day of an idle, a typical and a busy host with a sample every 5 seconds.

use chrono::{DateTime, TimeDelta, Utc};
use daybook::kinds::Kinds;
use daybook::live::batch::Batch;
use daybook::live::event::Event;

use super::points::task;

pub(super) const TASKS: usize = 1_000_000;
const SAMPLES: i64 = 17_280;

type Batches = Box<dyn Iterator<Item = (DateTime<Utc>, Batch)>>;

/// What it is called, how many values a point has, and its batches with the time at which each comes.
pub(super) fn all() -> Vec<(&'static str, f64, Batches)> {
    let idle = Profile {
        cpu: 2.0,
        cpu_noise: 0.6,
        swing: 0.5,
        traffic: [2e3, 1.5e3],
        spread: 1.0,
        writes: 0.02,
        pages: 3.0,
        memory: 0.004,
    };
    let typical = Profile {
        cpu: 18.0,
        cpu_noise: 2.5,
        swing: 9.0,
        traffic: [120e3, 300e3],
        spread: 0.8,
        writes: 0.15,
        pages: 20.0,
        memory: 0.02,
    };
    let busy = Profile {
        cpu: 65.0,
        cpu_noise: 6.0,
        swing: 12.0,
        traffic: [5e6, 9e6],
        spread: 0.5,
        writes: 0.8,
        pages: 60.0,
        memory: 0.06,
    };
    vec![
        ("tasks", 2.0, tasks(TASKS)),
        ("idle host", 5.0, idle.day()),
        ("typical host", 5.0, typical.day()),
        ("busy host", 5.0, busy.day()),
    ]
}

fn midnight() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_129_200, 0).unwrap_or_default()
}

/// Over 30 days.
pub(super) fn task_at(number: usize, count: usize) -> DateTime<Utc> {
    midnight() + TimeDelta::seconds((number as f64 * 2_592_000.0 / count as f64) as i64)
}

pub(super) fn tasks(count: usize) -> Batches {
    let kinds = super::kinds();
    Box::new((0..count).step_by(10_000).map(move |first| {
        let now = task_at(first + 10_000, count);
        let mut batch = Batch::default();
        for number in first..first + 10_000 {
            let task = task(number);
            let event = Event::new("task")
                .at(task_at(number, count))
                .label("task_id", format!("task_{number:07}"))
                .label("agent_id", task.agent)
                .value("duration", task.duration)
                .value("tokens_used", task.tokens)
                .ok(task.ok);
            batch.add(number, &event, &kinds, now);
        }
        (now, batch)
    }))
}

/// How a host behaves.
#[derive(Clone, Copy)]
struct Profile {
    cpu: f64,
    cpu_noise: f64,
    swing: f64,
    /// Bytes a sample, in and out.
    traffic: [f64; 2],
    spread: f64,
    writes: f64,
    pages: f64,
    memory: f64,
}

impl Profile {
    fn day(self) -> Batches {
        let kinds = super::kinds();
        let mut host = Host::default();
        Box::new((0..SAMPLES / 720).map(move |hour| {
            (
                midnight() + TimeDelta::hours(hour + 1),
                host.hour(&self, hour, &kinds),
            )
        }))
    }
}

struct Host {
    dice: Dice,
    noise: f64,
    walk: f64,
    disk: i64,
    level: [f64; 2],
    traffic: [i64; 2],
}

impl Default for Host {
    fn default() -> Self {
        Self {
            dice: Dice(1),
            noise: 0.0,
            walk: 0.0,
            disk: 213_456_789_504 / 4096 * 4096,
            level: [0.0; 2],
            traffic: [81_234_567_890, 412_345_678_901],
        }
    }
}

impl Host {
    fn hour(&mut self, profile: &Profile, hour: i64, kinds: &Kinds) -> Batch {
        let mut batch = Batch::default();
        let now = midnight() + TimeDelta::hours(hour + 1);
        for sample in hour * 720..(hour + 1) * 720 {
            let event = self.sample(profile, sample);
            batch.add(sample as usize, &event, kinds, now);
        }
        batch
    }

    fn sample(&mut self, profile: &Profile, sample: i64) -> Event<'static> {
        let dice = &mut self.dice;
        let daily = (std::f64::consts::TAU * sample as f64 / SAMPLES as f64 - 1.0).sin();
        self.noise = 0.85 * self.noise + profile.cpu_noise * dice.normal();
        let spike = if dice.chance() < 0.004 {
            10.0 + 50.0 * dice.chance()
        } else {
            0.0
        };
        let cpu = profile.cpu + profile.swing * daily + self.noise + spike;
        self.walk += profile.memory * dice.normal();
        let memory = 52.0 + self.walk + 2.0 * profile.memory * dice.normal();
        if dice.chance() < profile.writes {
            self.disk += 4096 * (1.0 - dice.chance().ln() * profile.pages) as i64;
        }
        // Logs are rotated every six hours.
        if sample % 4320 == 720 {
            self.disk -= 4096 * 2500;
        }
        for way in 0..2 {
            self.level[way] += 0.01 * dice.normal();
            let level = profile.traffic[way].ln() + 0.5 * daily + self.level[way];
            self.traffic[way] += (level + profile.spread * dice.normal()).exp() as i64;
        }
        // The clock of a host is late by some milliseconds.
        let late = -2.0 * (dice.chance() * dice.chance()).ln();
        let round = |number: f64| (number.clamp(0.0, 100.0) * 10.0).round() / 10.0;
        Event::new("host")
            .at(midnight() + TimeDelta::milliseconds(5000 * sample + late as i64))
            .label("host", "web-1")
            .value("cpu", round(cpu))
            .value("memory", round(memory))
            .value("disk_used", self.disk)
            .value("bytes_in", self.traffic[0])
            .value("bytes_out", self.traffic[1])
    }
}

struct Dice(u64);

impl Dice {
    /// Above 0 and up to 1.
    fn chance(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut hash = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((hash ^ hash >> 31) >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        let (one, other) = (self.chance(), self.chance());
        (-2.0 * one.ln()).max(0.0).sqrt() * (std::f64::consts::TAU * other).cos()
    }
}
