//! The view as HTML for mail clients.

use super::view::View;

pub fn html(_view: &View) -> String {
    String::new()
}
