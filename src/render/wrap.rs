//! Text in lines that fit, broken between words.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Lines of at most `width` columns; all but the first begin with `hang` spaces. A word that is
/// too long for a line is broken where the line ends.
pub fn hanging(text: &str, width: usize, hang: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let long = word.width();
        let is_first = used == 0 || (lines.len() > 1 && used == hang);
        if !is_first && used + 1 + long > width {
            used = next_line(&mut lines, hang);
        } else if !is_first {
            used += 1;
            push(&mut lines, ' ');
        }
        for letter in word.chars() {
            let wide = letter.width().unwrap_or(0);
            if used + wide > width && used > hang {
                used = next_line(&mut lines, hang);
            }
            push(&mut lines, letter);
            used += wide;
        }
    }
    lines
}

pub fn columns(text: &str) -> usize {
    text.width()
}

fn next_line(lines: &mut Vec<String>, hang: usize) -> usize {
    lines.push(" ".repeat(hang));
    hang
}

fn push(lines: &mut [String], letter: char) {
    if let Some(line) = lines.last_mut() {
        line.push(letter);
    }
}
