//! Suggestions for mistyped names.

/// More are not listed.
const MOST: usize = 20;

/// `; did you mean `x`?`, or nothing when no candidate is near.
pub fn did_you_mean<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let found = found.to_lowercase();
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&found, &candidate.to_lowercase());
    let near = candidates
        .iter()
        .map(|candidate| (distance(candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate);
    // Part of a name counts too: `posts` of `total_posts`.
    let holding = candidates
        .iter()
        .filter(|candidate| found.len() >= 3 && candidate.to_lowercase().contains(&found))
        .min_by_key(|candidate| candidate.len());
    near.or(holding.copied())
        .map(|candidate| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

/// What is near, or else what there is to choose from.
pub fn expected<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    match did_you_mean(found, candidates.iter().copied()) {
        none if none.is_empty() && candidates.len() <= MOST => {
            format!(": expected one of {}", candidates.join(", "))
        }
        hint => hint,
    }
}
