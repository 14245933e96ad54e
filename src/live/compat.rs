//! What the senders and readers of other metrics systems expect.

pub mod moderation;
