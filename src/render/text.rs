//! The view as plain text, from a template of its own.

use super::view::View;

pub fn text(_view: &View) -> String {
    String::new()
}
