//! A page as every mail server accepts it: ASCII only, no long lines.

/// Behind this many letters a line ends at its next space.
const LONG: usize = 600;

/// A line without a space ends here, between two letters of a text.
const LONGEST: usize = 880;

/// Replaces control characters.
const UNKNOWN: &str = "&#65533;";

/// Turns other letters into entities, and breaks long lines at a space. Existing line breaks in texts must not matter.
pub(super) fn ascii(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 4);
    let mut line = 0;
    let mut place = Place::default();
    for letter in page.chars() {
        let before = out.len();
        place.read(letter);
        match letter {
            ' ' if line > LONG => out.push('\n'),
            _ if line > LONGEST && place.may_break => out.push('\n'),
            _ => {}
        }
        match letter {
            ' ' if out.ends_with('\n') && out.len() > before => {}
            letter if letter.is_control() && letter != '\n' => out.push_str(UNKNOWN),
            letter if letter.is_ascii() => out.push(letter),
            letter => {
                out.push_str("&#");
                out.push_str(&u32::from(letter).to_string());
                out.push(';');
            }
        }
        line = match out[before..].rfind('\n') {
            Some(end) => out.len() - before - end - 1,
            None => line + out.len() - before,
        };
    }
    out
}

/// The position of a letter in the markup.
#[derive(Default)]
struct Place {
    in_tag: bool,
    in_quotes: bool,
    in_entity: bool,
    /// Right before this letter.
    may_break: bool,
}

impl Place {
    fn read(&mut self, letter: char) {
        let in_text = !self.in_tag || self.in_quotes;
        self.may_break = in_text && !self.in_entity && (letter.is_alphanumeric() || letter == '&');
        match letter {
            '<' if !self.in_quotes => self.in_tag = true,
            '>' if !self.in_quotes => self.in_tag = false,
            '"' if self.in_tag => self.in_quotes = !self.in_quotes,
            '&' => self.in_entity = true,
            ';' => self.in_entity = false,
            _ => {}
        }
    }
}
