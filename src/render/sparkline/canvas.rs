//! A small canvas: lines and dots, with soft edges, in four shades from paper to ink.

/// The darkest shade; two bits hold it.
pub(super) const SHADES: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edges {
    Soft,
    /// Half as many bytes for a line that climbs and falls a lot.
    Hard,
}

pub(super) struct Canvas {
    width: u32,
    edges: Edges,
    shades: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32, edges: Edges) -> Self {
        Self {
            width,
            edges,
            shades: vec![0; (width * height) as usize],
        }
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn height(&self) -> u32 {
        self.shades.len() as u32 / self.width
    }

    pub(super) fn dot(&mut self, at: Point, thickness: f64) {
        self.line(at, at, thickness);
    }

    /// With round ends.
    pub(super) fn line(&mut self, from: Point, to: Point, thickness: f64) {
        let reach = thickness / 2.0 + 0.5;
        let (along_x, along_y) = (to.x - from.x, to.y - from.y);
        let length = along_x * along_x + along_y * along_y;
        let share = if length == 0.0 { 0.0 } else { 1.0 / length };
        let (lean, slant) = match along_y.abs() {
            0.0 => (0.0, f64::from(self.width)),
            rise => (along_x / along_y, reach * length.sqrt() / rise),
        };
        let columns = span(from.x, to.x, reach, self.width);
        let width = self.width as usize;
        for y in span(from.y, to.y, reach, self.height()) {
            let from_y = f64::from(y) + 0.5 - from.y;
            let row = &mut self.shades[y as usize * width..][..width];
            // Of a steep line's columns only few are near it in this row.
            let middle = from.x + from_y * lean;
            let near = span(middle, middle, slant, self.width);
            for x in near.start.max(columns.start)..near.end.min(columns.end) {
                let from_x = f64::from(x) + 0.5 - from.x;
                let along = ((from_x * along_x + from_y * along_y) * share).clamp(0.0, 1.0);
                let (off_x, off_y) = (from_x - along * along_x, from_y - along * along_y);
                let square = off_x * off_x + off_y * off_y;
                if square < reach * reach {
                    let place = &mut row[x as usize];
                    *place = self
                        .edges
                        .shade((reach - square.sqrt()).min(1.0))
                        .max(*place);
                }
            }
        }
    }

    /// Four pixels a byte, the first in the highest bits; every row begins with a byte of its own.
    pub(super) fn packed(&self) -> Vec<u8> {
        self.shades
            .chunks(self.width as usize)
            .flat_map(|row| row.chunks(4))
            .map(|four| {
                let bits = four.iter().zip([6, 4, 2, 0]);
                bits.fold(0, |byte, (shade, place)| byte | shade << place)
            })
            .collect()
    }
}

impl Edges {
    fn shade(self, covered: f64) -> u8 {
        match self {
            Self::Soft => (covered * f64::from(SHADES) + 0.5) as u8,
            Self::Hard if covered >= 0.5 => SHADES,
            Self::Hard => 0,
        }
    }
}

/// The pixels that something between two places can touch.
fn span(one: f64, other: f64, reach: f64, end: u32) -> std::ops::Range<u32> {
    let first = (one.min(other) - reach).max(0.0) as u32;
    let last = (one.max(other) + reach).ceil().max(0.0) as u32;
    first..last.min(end)
}
