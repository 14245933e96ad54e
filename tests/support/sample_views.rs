//! Views made by hand, so that how a report is laid out can be tested without how it is said.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::render::view::{
    CellView, HighlightView, NoteView, PartView, RowView, SectionView, Tone, View,
};

pub fn all() -> Vec<(&'static str, View)> {
    vec![
        ("critical", critical()),
        ("quiet", quiet()),
        ("first", first()),
        ("failed", failed()),
        ("hostile", hostile()),
        ("many", metrics(200)),
    ]
}

pub fn critical() -> View {
    let note = |title: &str, line: &str, tone| NoteView {
        title: title.to_owned(),
        lines: vec![line.to_owned().into()],
        tone,
    };
    View {
        tone: Tone::Critical,
        verdict: "2 critical, 2 warnings".to_owned(),
        summary: "56 of 60 metrics within Friday’s range.".to_owned(),
        highlights: vec![
            highlight(
                Tone::Critical,
                "critical",
                "Active users, last day: 2'214",
                "vs 4'808 last Friday (−54.0\u{a0}%), usual for a Friday 4'410–5'020. Most of it: web_mobile −2'312 of −2'594. First day.",
            ),
            highlight(
                Tone::Critical,
                "critical",
                "Corrupted files: 3",
                "limit 0. First day.",
            ),
            highlight(
                Tone::Warning,
                "warning",
                "Uploads, last day: 3'447",
                "vs 3'027 on Thursday (+13.9\u{a0}%), usual for a Friday 2'900–3'300. Second day.",
            ),
            highlight(
                Tone::Good,
                "recovered",
                "Failed e-mails: 4",
                "back below 10 after 3 days.",
            ),
        ],
        more_highlights: Some("and 1 more in the tables below".to_owned()),
        sections: critical_sections(),
        notes: vec![
            note(
                "Corrected",
                "New users on Wed 1 Oct: mailed 44, now 47",
                Tone::Plain,
            ),
            note(
                "Not known for this day",
                "Resend statistics: no credentials",
                Tone::Warning,
            ),
        ],
        ..around("[2 critical, 2 warnings] Beryl, Fri 3 Oct 2025: active users −54\u{a0}%")
    }
}

fn critical_sections() -> Vec<SectionView> {
    let mut active = row("Active users, last day", "2'214", [-433, -540, -499]);
    for change in active.changes.as_mut().unwrap() {
        alert(change, Tone::Critical, "critical");
    }
    active.trend = trend(29).into_iter().chain([Some(1.0)]).collect();
    active.usual = Some("usual for a Friday: 4'410–5'020".to_owned());
    let mut fresh = row("New users, last day", "38", [-191, -95, 86]);
    fresh.changes.as_mut().unwrap()[0].note = Some("usual for a Friday".to_owned());
    let mut uploads = row("Uploads, last day", "3'447", [139, 29, -17]);
    alert(
        &mut uploads.changes.as_mut().unwrap()[0],
        Tone::Warning,
        "warning",
    );
    let mut corrupted = row("Corrupted files", "3", [0; 3]);
    corrupted.value_tone = Tone::Critical;
    corrupted.value_note = Some("critical".to_owned());
    corrupted.trend = vec![Some(0.0); 29].into_iter().chain([Some(3.0)]).collect();
    let users = vec![
        row("Total users", "41'203", [1, 10, 48]),
        active,
        row("Active users, 7 days", "11'870", [-20, -25, 14]),
        fresh,
    ];
    let items = vec![
        row("Total items", "1'284'551", [1, 10, 42]),
        row("Items with images", "25.5\u{a0}%", [3, 8, 37]),
        distribution(),
    ];
    let storage = vec![
        row("Storage", "2.51\u{a0}TB", [2, 16, 69]),
        uploads,
        corrupted,
    ];
    vec![
        section("Users", users),
        section("Items", items),
        section("Storage", storage),
    ]
}

fn alert(cell: &mut CellView, tone: Tone, word: &str) {
    (cell.tone, cell.note) = (tone, Some(word.to_owned()));
}

pub fn quiet() -> View {
    View {
        tone: Tone::Good,
        verdict: "No alerts".to_owned(),
        summary: "All 60 metrics within Friday’s range.".to_owned(),
        sections: vec![section(
            "Users",
            vec![row("Total users", "41'203", [1, 10, 48])],
        )],
        ..around("[ok] Beryl, Fri 3 Oct 2025")
    }
}

fn first() -> View {
    let mut row = row("Total users", "41'203", [0; 3]);
    row.trend = vec![None; 29].into_iter().chain([Some(41_203.0)]).collect();
    row.changes = Some([(); 3].map(|()| CellView {
        text: "no data".to_owned(),
        tone: Tone::Muted,
        ..CellView::default()
    }));
    View {
        verdict: "No alerts".to_owned(),
        summary: "This is the first report: there is nothing to compare with yet.".to_owned(),
        sections: vec![section("Users", vec![row])],
        ..around("[ok] Beryl, Fri 3 Oct 2025")
    }
}

fn failed() -> View {
    View {
        tone: Tone::Critical,
        verdict: "No numbers for Friday 3 October".to_owned(),
        summary: "PostgreSQL unreachable since 00:15: connection refused.".to_owned(),
        ..around("[no numbers] Beryl, Fri 3 Oct 2025: PostgreSQL unreachable since 00:15")
    }
}

/// Everything that comes from data wants to be markup.
pub fn hostile() -> View {
    let bad = "\"><script>alert('x')</script><img src=http://evil.example/x.png onerror=\"y\">&amp;\u{1f525}\0\r\n]]>-->";
    let long = "汉".repeat(400);
    let mut view = critical();
    view.name = bad.to_owned();
    view.subject = bad.to_owned();
    view.preheader = bad.to_owned();
    view.highlights = vec![highlight(Tone::Critical, bad, &long, bad)];
    let row = &mut view.sections[0].rows[0];
    (row.key, row.label, row.trend_words) = (bad.to_owned(), "W".repeat(120), bad.to_owned());
    let row = &mut view.sections[1].rows[2];
    (row.label, row.parts[0].label, row.parts[1].label) =
        (bad.to_owned(), bad.to_owned(), long.clone());
    view.sections[2].name = bad.to_owned();
    view.notes.push(NoteView {
        title: bad.to_owned(),
        lines: vec![bad.to_owned().into(), long.into()],
        tone: Tone::Critical,
    });
    view.link = Some((
        "https://daybook.example/?a=1&b=\"><script>".to_owned(),
        bad.to_owned(),
    ));
    view
}

/// As many metrics as asked for, a tenth of them alerting, in sections of twenty.
pub fn metrics(count: usize) -> View {
    let rows: Vec<RowView> = (0..count)
        .map(|number| {
            let mut row = row(
                &format!("Metric number {number}, last day"),
                &format!("1'284'{number:03}"),
                [1, 10, -4],
            );
            row.usual = Some("usual for a Friday: 1'250'000–1'300'000".to_owned());
            row.trend = noise(number as u64);
            if number % 10 == 9 {
                alert(
                    &mut row.changes.as_mut().unwrap()[1],
                    Tone::Warning,
                    "warning",
                );
            }
            row
        })
        .collect();
    let sections = rows.chunks(20).enumerate();
    View {
        sections: sections
            .map(|(at, rows)| section(&format!("Section {at}"), rows.to_vec()))
            .collect(),
        ..critical()
    }
}

fn around(subject: &str) -> View {
    View {
        language: "en",
        subject: subject.to_owned(),
        preheader: "Active users 2'214 (−54\u{a0}%), corrupted files 3".to_owned(),
        name: "Beryl".to_owned(),
        date: "Friday 3 October 2025".to_owned(),
        span: "00:00–24:00 Europe/Zurich".to_owned(),
        footer: vec![
            "Counted in 0.4\u{a0}s on one snapshot at 00:00.".to_owned(),
            "Next report: Sunday 5 October, 06:30.".to_owned(),
        ],
        link: Some((
            "https://daybook.example/".to_owned(),
            "Open the dashboard".to_owned(),
        )),
        ..View::default()
    }
}

fn section(name: &str, rows: Vec<RowView>) -> SectionView {
    let heads = [
        "Metric",
        "Fri 3 Oct",
        "Thu 2 Oct",
        "Fri 26 Sep",
        "Wed 3 Sep",
        "30 days",
    ];
    SectionView {
        name: name.to_owned(),
        heads: heads.map(str::to_owned),
        rows,
    }
}

/// Changes in tenths of a percent.
fn row(label: &str, value: &str, changes: [i32; 3]) -> RowView {
    RowView {
        key: label.to_lowercase(),
        label: label.to_owned(),
        value: value.to_owned(),
        changes: Some(changes.map(|tenths| match tenths {
            0 => CellView {
                text: "unchanged".to_owned(),
                tone: Tone::Muted,
                ..CellView::default()
            },
            up if up > 0 => CellView {
                arrow: "▲",
                text: format!("+{}.{}\u{a0}%", up / 10, up % 10),
                tone: Tone::Good,
                note: None,
            },
            down => CellView {
                arrow: "▼",
                text: format!("−{}.{}\u{a0}%", -down / 10, -down % 10),
                tone: Tone::Muted,
                note: None,
            },
        })),
        trend: trend(30),
        trend_words: "30 days: 4'100 to 4'900, lowest 2'214".to_owned(),
        ..RowView::default()
    }
}

fn distribution() -> RowView {
    let part = |(label, value, share): (&str, &str, f64)| PartView {
        label: label.to_owned(),
        value: value.to_owned(),
        share,
    };
    RowView {
        key: "item_types".to_owned(),
        label: "Item types".to_owned(),
        value: "12 parts".to_owned(),
        parts: [
            ("Books", "529'439", 0.41),
            ("Records", "320'112", 0.25),
            ("Others", "205", 0.0002),
        ]
        .map(part)
        .to_vec(),
        ..RowView::default()
    }
}

fn highlight(tone: Tone, word: &str, head: &str, rest: &str) -> HighlightView {
    HighlightView {
        tone,
        word: word.to_owned(),
        head: head.to_owned(),
        rest: rest.to_owned(),
    }
}

/// Rises with small waves.
fn trend(days: u32) -> Vec<Option<f64>> {
    let height = |day: u32| f64::from(day) * 3.0 + f64::from(day * 7 % 5) * 4.0 + 100.0;
    (0..days).map(|day| Some(height(day))).collect()
}

/// Up and down without order, with a gap: the hardest to draw in few bytes.
pub fn noise(seed: u64) -> Vec<Option<f64>> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64
    };
    (0..30)
        .map(|day| Some(next()).filter(|_| day != 12))
        .collect()
}
