//! Trends as small pictures: a line with a dot at its end, opaque, with four colours, at twice their size on the page.

mod canvas;

use super::axis::Extent;
use super::html::colours::{self, Colour};
use super::view::Tone;

use canvas::{Canvas, Edges};

pub use canvas::Point;

/// On the page, in CSS pixels.
pub const WIDTH: u32 = 84;
pub const HEIGHT: u32 = 20;

/// Pixels of the picture for one on the page.
const SCALE: u32 = 2;
const LINE: f64 = 3.0;
const DOT: f64 = 9.0;
/// The compression level; higher ones save nothing on pictures this small.
const LEVEL: u8 = 3;
/// A day whose neighbours are missing.
const LONE: f64 = 4.0;
/// With soft edges, a line that climbs and falls more pixels than this takes more than 600 bytes.
const RESTLESS: f64 = 150.0;
const MARGIN: f64 = DOT / 2.0 + 1.0;

/// A PNG of the trend, oldest day first; missing days are gaps. None where fewer than two days are known.
pub fn png(trend: &[Option<f64>], tone: Tone) -> Option<Vec<u8>> {
    let (width, height) = (WIDTH * SCALE, HEIGHT * SCALE);
    let points = points(trend, width.into(), height.into(), MARGIN)?;
    let edges = if climb(&points) > RESTLESS {
        Edges::Hard
    } else {
        Edges::Soft
    };
    let mut canvas = Canvas::new(width, height, edges);
    for (at, point) in points.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| points[at]);
        let after = points.get(at + 1).copied().flatten();
        match (before, *point, after) {
            (None, Some(point), None) => canvas.dot(point, LONE),
            (_, Some(point), Some(after)) => canvas.line(point, after, LINE),
            _ => {}
        }
    }
    let last = points.iter().rev().flatten().next()?;
    canvas.dot(*last, DOT);
    encoded(&canvas, colour(tone))
}

/// Where each known day lies: the lowest at the bottom, the highest at the top, a constant in the middle. None where
/// fewer than two days are known.
pub fn points(
    trend: &[Option<f64>],
    width: f64,
    height: f64,
    margin: f64,
) -> Option<Vec<Option<Point>>> {
    let finite = |number: &Option<f64>| number.filter(|number| number.is_finite());
    let known = trend.iter().filter_map(finite);
    let extent = Extent::spanning(known.clone())?;
    let step = (width - 2.0 * margin) / (trend.len() - 1) as f64;
    let point = |(at, number): (usize, &Option<f64>)| {
        let share = extent.share(finite(number)?).unwrap_or(0.5);
        Some(Point {
            x: margin + step * at as f64,
            y: margin + (height - 2.0 * margin) * (1.0 - share),
        })
    };
    (known.count() >= 2).then(|| trend.iter().enumerate().map(point).collect())
}

/// How many pixels the line climbs and falls in all.
fn climb(points: &[Option<Point>]) -> f64 {
    let steps = points.iter().zip(points.iter().skip(1));
    let known = steps.filter_map(|(one, other)| Some((other.as_ref()?.y - one.as_ref()?.y).abs()));
    known.sum()
}

fn colour(tone: Tone) -> Colour {
    match tone {
        Tone::Critical => colours::LIGHT.critical,
        Tone::Warning => colours::LIGHT.warning,
        Tone::Plain | Tone::Muted | Tone::Good => colours::LIGHT.calm,
    }
}

/// None only if writing to memory fails.
fn encoded(canvas: &Canvas, line: Colour) -> Option<Vec<u8>> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, canvas.width(), canvas.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Two);
    encoder.set_palette(palette(line));
    encoder.set_deflate_compression(png::DeflateCompression::Level(LEVEL));
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&canvas.packed()).ok()?;
    writer.finish().ok()?;
    Some(png)
}

/// From the card's colour to the line's, in even steps.
fn palette(line: Colour) -> Vec<u8> {
    let paper = colours::LIGHT.card.parts();
    let line = line.parts();
    (0..=canvas::SHADES)
        .flat_map(|shade| {
            let mixed = |at: usize| {
                let (from, to) = (u32::from(paper[at]), u32::from(line[at]));
                let shade = u32::from(shade);
                let most = u32::from(canvas::SHADES);
                u8::try_from((from * (most - shade) + to * shade) / most).unwrap_or(u8::MAX)
            };
            [mixed(0), mixed(1), mixed(2)]
        })
        .collect()
}
