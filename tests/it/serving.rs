//! What `daybook serve` answers, to whom, and what it never does.
