//! Single sentences and subjects.
