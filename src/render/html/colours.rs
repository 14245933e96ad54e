//! The colours of a report in light and dark mode, each readable on its background.

use std::fmt;

use crate::render::view::Tone;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u32);

/// Text colours stand on `card`, those of an alert also on their own tint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    pub page: Colour,
    pub card: Colour,
    pub ink: Colour,
    pub muted: Colour,
    pub good: Colour,
    pub warning: Colour,
    pub warning_tint: Colour,
    pub critical: Colour,
    pub critical_tint: Colour,
    /// Links, bars and the lines of quiet trends.
    pub calm: Colour,
    /// Lines between rows; nothing is read from them.
    pub rule: Colour,
    /// The shares of a distribution.
    pub bar: Colour,
}

pub const LIGHT: Palette = Palette {
    page: Colour(0x00f2_f4f6),
    card: Colour(0x00ff_ffff),
    ink: Colour(0x001f_2328),
    muted: Colour(0x0057_606a),
    good: Colour(0x001a_7f37),
    warning: Colour(0x00a6_4400),
    warning_tint: Colour(0x00ff_f1e0),
    critical: Colour(0x00c0_1f2c),
    critical_tint: Colour(0x00ff_e9e9),
    calm: Colour(0x0000_6db0),
    rule: Colour(0x00df_e3e8),
    bar: Colour(0x00a9_cbe6),
};

pub const DARK: Palette = Palette {
    page: Colour(0x000d_1117),
    card: Colour(0x0016_1b22),
    ink: Colour(0x00e6_edf3),
    muted: Colour(0x00a3_adb8),
    good: Colour(0x0056_d272),
    warning: Colour(0x00f5_b05e),
    warning_tint: Colour(0x003b_2a12),
    critical: Colour(0x00ff_9a94),
    critical_tint: Colour(0x0048_1d20),
    calm: Colour(0x0074_b9ff),
    rule: Colour(0x0030_363d),
    bar: Colour(0x0031_5f86),
};

impl Colour {
    pub fn parts(self) -> [u8; 3] {
        let [_, red, green, blue] = self.0.to_be_bytes();
        [red, green, blue]
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{:06x}", self.0)
    }
}

impl Palette {
    /// Words in this tone.
    pub fn text(&self, tone: Tone) -> Colour {
        match tone {
            Tone::Plain => self.ink,
            Tone::Muted => self.muted,
            Tone::Good => self.good,
            Tone::Warning => self.warning,
            Tone::Critical => self.critical,
        }
    }

    /// The background of an alert's words.
    pub fn tint(&self, tone: Tone) -> Option<Colour> {
        match tone {
            Tone::Warning => Some(self.warning_tint),
            Tone::Critical => Some(self.critical_tint),
            Tone::Plain | Tone::Muted | Tone::Good => None,
        }
    }
}
