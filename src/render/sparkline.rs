//! Trends as small pictures: opaque, with a palette, at twice their size on the page.

/// A PNG of the trend, oldest first.
pub fn png(_trend: &[Option<f64>]) -> Vec<u8> {
    Vec::new()
}
