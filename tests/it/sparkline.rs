//! Trends as pictures: what is drawn, and in how few bytes.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::render::sparkline;
use daybook::render::view::Tone;

use crate::sample_views;

#[test]
fn a_trend_takes_at_most_600_bytes_whatever_it_is() {
    for seed in 0..300 {
        let png = sparkline::png(&sample_views::noise(seed), Tone::Critical).unwrap();
        assert!(png.len() <= 600, "{seed}: {}", png.len());
    }
}

#[test]
fn a_trend_is_drawn_from_two_known_days_on() {
    let drawn = |trend: &[Option<f64>]| sparkline::png(trend, Tone::Plain).is_some();
    assert!(!drawn(&[]));
    assert!(!drawn(&[Some(1.0)]));
    assert!(!drawn(&[
        None,
        Some(1.0),
        Some(f64::NAN),
        Some(f64::INFINITY)
    ]));
    assert!(drawn(&[Some(1.0), None, Some(1.0)]));
    assert!(drawn(&[Some(f64::MAX), Some(f64::MIN)]));
}

#[test]
fn a_constant_is_a_level_line_with_a_dot_at_its_end() {
    let picture = decoded(&sparkline::png(&[Some(0.0); 30], Tone::Plain).unwrap());
    assert_eq!((picture.width, picture.height), (168, 40));
    assert_eq!(picture.palette[..3], [255, 255, 255]);
    assert_eq!(picture.palette[9..], [0x00, 0x6d, 0xb0]);
    let inked = |x: usize| {
        (0..40)
            .filter(|y| picture.shades[y * 168 + x] > 0)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        inked(50),
        [18, 19, 20, 21],
        "three pixels thick, with soft edges, in the middle"
    );
    assert!(inked(162).len() >= 8, "the dot");
    assert!(inked(0).is_empty());
}

#[test]
fn a_missing_day_is_a_gap() {
    let trend: Vec<Option<f64>> = (0..30)
        .map(|day| Some(1.0).filter(|_| !(10..20).contains(&day)))
        .collect();
    let picture = decoded(&sparkline::png(&trend, Tone::Warning).unwrap());
    let inked = |x: usize| (0..40).any(|y| picture.shades[y * 168 + x] > 0);
    assert!(inked(40) && !inked(83) && inked(130));
}

struct Picture {
    width: u32,
    height: u32,
    palette: Vec<u8>,
    /// One a pixel.
    shades: Vec<u8>,
}

fn decoded(png: &[u8]) -> Picture {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png))
        .read_info()
        .unwrap();
    let mut packed = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut packed).unwrap();
    let info = reader.info();
    assert_eq!(info.bit_depth, png::BitDepth::Two);
    let shades = packed
        .iter()
        .flat_map(|byte| [6, 4, 2, 0].map(|place| byte >> place & 3));
    Picture {
        width: info.width,
        height: info.height,
        palette: info.palette.clone().unwrap().into_owned(),
        shades: shades.collect(),
    }
}
