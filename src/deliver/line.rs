//! Foreign words on one line, harmless to a terminal, a ledger and a header.

/// Control and direction characters become spaces, spaces in a row become one, and what is too long is cut.
pub fn one_line(text: &str, most_letters: usize) -> String {
    let mut line = String::new();
    let mut letters = 0;
    for word in text
        .split(|letter: char| letter.is_whitespace() || is_unruly(letter))
        .filter(|word| !word.is_empty())
    {
        if letters > 0 {
            if letters + 1 >= most_letters {
                line.push('…');
                return line;
            }
            line.push(' ');
            letters += 1;
        }
        for letter in word.chars() {
            if letters >= most_letters {
                line.push('…');
                return line;
            }
            line.push(letter);
            letters += 1;
        }
    }
    line
}

/// Characters that move the cursor or turn the direction of what is written around them.
fn is_unruly(letter: char) -> bool {
    let turns = matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    letter.is_control() || turns || letter == '\u{feff}'
}
