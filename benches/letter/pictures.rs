//! Pictures of trends beside the same pixels written plainly: three bytes a pixel, nothing compressed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use daybook::render::sparkline;
use daybook::render::view::Tone;

use crate::table::{self, median};

const PICTURES: usize = 60;
const DAYS: usize = 30;
const ROUNDS: usize = 41;

pub(crate) fn beside_plain_ones() -> Result<()> {
    let trends: Vec<Vec<Option<f64>>> = (0..PICTURES).map(trend).collect();
    let drawn: Vec<Vec<u8>> = trends.iter().filter_map(|trend| draw(trend)).collect();
    let images: Result<Vec<Image>> = drawn.iter().map(|png| Image::decode(png)).collect();
    let images = images?;
    let mut plain = Vec::new();
    for image in &images {
        plain.push(image.plain()?);
    }
    let mut times: [Vec<Duration>; 2] = Default::default();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for trend in &trends {
            drop(black_box(draw(trend)));
        }
        times[0].push(begun.elapsed());
        let begun = Instant::now();
        for image in &images {
            drop(black_box(image.plain()?));
        }
        times[1].push(begun.elapsed());
    }
    let ours = median(&times[0]).as_secs_f64();
    let contenders = [
        (format!("{PICTURES} pictures drawn and packed"), &drawn),
        ("the same pixels written plainly".to_owned(), &plain),
    ];
    let rows = contenders
        .into_iter()
        .zip(&times)
        .map(|((name, pngs), taken)| {
            let bytes: usize = pngs.iter().map(Vec::len).sum();
            [
                name,
                table::seconds(median(taken)),
                table::spread(taken),
                format!("{:.2}", ours / median(taken).as_secs_f64()),
                format!("{} bytes", bytes / pngs.len().max(1)),
            ]
        });
    let heads = ["what", "median", "fastest … slowest", "ours ÷ this", "each"];
    table::print(heads, rows);
    Ok(())
}

/// A month with its weeks; every third of them restless, some with days missing.
fn trend(at: usize) -> Vec<Option<f64>> {
    let day = |day: usize| {
        let week = if day % 7 > 4 { 0.8 } else { 1.0 };
        let restless = if at.is_multiple_of(3) { 400.0 } else { 40.0 };
        let chance = ((day * 7_919 + at * 104_729) % 1_000) as f64 / 1_000.0;
        let is_missing = at.is_multiple_of(10) && day == 11;
        (!is_missing).then_some((1_000.0 + day as f64 * 4.0) * week + restless * chance)
    };
    (0..DAYS).map(day).collect()
}

fn draw(trend: &[Option<f64>]) -> Option<Vec<u8>> {
    sparkline::png(trend, Tone::Plain)
}

struct Image {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Image {
    fn decode(png: &[u8]) -> Result<Self> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info()?;
        let size = reader.output_buffer_size().context("a size")?;
        let mut rgb = vec![0; size];
        let frame = reader.next_frame(&mut rgb)?;
        rgb.truncate(frame.buffer_size());
        Ok(Self {
            width: frame.width,
            height: frame.height,
            rgb,
        })
    }

    fn plain(&self) -> Result<Vec<u8>> {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_deflate_compression(png::DeflateCompression::NoCompression);
        encoder.set_filter(png::Filter::NoFilter);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()?;
        Ok(png)
    }
}
